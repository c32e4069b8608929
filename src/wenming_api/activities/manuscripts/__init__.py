"""网络稿件: text for media made from an activity, in versions, sent as a submission of the activity's record.

Tables: activity_manuscripts, manuscript_versions, manuscript_dispatches.
"""
