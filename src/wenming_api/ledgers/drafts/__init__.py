"""Drafts of records (自动暂存): what a user is typing, kept for him alone, without a version.

Tables: ``record_autosaves``.
"""
