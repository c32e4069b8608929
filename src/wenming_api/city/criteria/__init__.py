"""Scoring rules of standards (评分标准) as data: kinds, JSON form, consistency. No tables."""
