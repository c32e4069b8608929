"""测评 (assessment): its life, its scheme, its people.

Tables: assessments, assessment_*, ranking_groups, ranking_group_members.
"""
