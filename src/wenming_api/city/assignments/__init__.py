"""测评任务分配 (C2.6): drawn sites are given to assessors, which makes the score sheets. No tables."""
