"""Sites (点位库): the places that assessments visit, their types, coordinates, responsible units and history.

Tables: ``site_types``, ``sites``, ``site_versions``.
"""
