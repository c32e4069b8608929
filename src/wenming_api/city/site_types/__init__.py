"""Site types (点位类型): the kinds of places that assessments visit, disabled but never deleted.

Tables: ``site_types``.
"""
