"""Sites (点位库): the places that assessments visit, with coordinates, responsible units and history.

Tables: ``sites``, ``site_versions``.
"""
