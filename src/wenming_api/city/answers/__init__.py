"""问卷答卷 (C3.7): recording answers exactly once, by whichever way they come.

Tables: survey_answers, survey_answer_lines.
"""
