"""测评数据录入 (C3.3): score sheets, their immutable versions, lines and photos, and their review.

Tables: sheets, sheet_drafts, sheet_versions, score_lines, deductions, line_photos, sheet_reviews,
late_submissions.
"""
