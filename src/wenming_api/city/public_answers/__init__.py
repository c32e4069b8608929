"""公开答题 (C3.7): answering by a one-time link without an account.

Uses the tables of `city.questionnaires`, `city.survey_links` and `city.answers`.
"""
