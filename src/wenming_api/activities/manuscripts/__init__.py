"""网络稿件: text for media made from an activity. Tables: activity_manuscripts, manuscript_versions."""
