"""活动模板: per type of activity its fields, required evidence and default categories.

Tables: activity_templates, activity_template_versions.
"""
