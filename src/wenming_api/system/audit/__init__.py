"""Audit (审计日志): entries appended in the caller's transaction, sealed in batches.

Tables: audit_entries, audit_leaves, audit_seals.
"""
