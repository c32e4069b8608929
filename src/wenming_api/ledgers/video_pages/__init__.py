"""Pages of video links (视频链接): title and cover, read once for each link and shown beside what the user wrote.

Tables: ``video_pages``.
"""
