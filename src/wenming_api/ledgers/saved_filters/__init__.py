"""Saved filters (常用筛选): queries of the record list that a user keeps under a name.

Tables: ``saved_filters``.
"""
