"""问卷 (C3.7): the versions of an assessment's questionnaires, their questions, strata and quotas.

Tables: questionnaires, questionnaire_questions, survey_strata, survey_prints.
"""
