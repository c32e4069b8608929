"""迟到箱 (C3.3): submissions that came while entry was frozen wait here for a decision.

Table: late_submissions (of `city.scoring`).
"""
