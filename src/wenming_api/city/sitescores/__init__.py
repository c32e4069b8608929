"""Site scores (点位得分): several assessors' lines become one score per site. Pure; no tables."""
