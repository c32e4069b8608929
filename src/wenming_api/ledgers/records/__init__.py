"""Records (台账记录): what a unit did, typed once, with every saved version, and its review inside the unit.

Tables: ``records``, ``record_versions``, ``record_categories``, ``record_features``, ``record_files``.
"""
