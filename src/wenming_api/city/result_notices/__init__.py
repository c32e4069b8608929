"""Telling those whom a published result concerns (成绩发布通知). No tables."""
