"""申报与命名: application, self-assessment, recommendation, evaluation, naming, revocation.

Tables: title_applications.
"""
