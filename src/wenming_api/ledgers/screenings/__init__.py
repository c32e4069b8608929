"""Bulk screening (批量筛查) of records by quality rules, alerts to owners. Tables: screenings, screening_hits."""
