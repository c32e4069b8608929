"""离线批量提交 (C3.3): many submissions from a phone that was offline, in any order, as often as it likes.

Uses the tables of `city.scoring`.
"""
