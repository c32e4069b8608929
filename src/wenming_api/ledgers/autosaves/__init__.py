"""Autosaving over HTTP (自动暂存): drafts of records that the caller may edit. No table of its own."""
