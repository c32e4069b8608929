"""Uploads (上传): how files get from a client straight into object storage, whole or in parts, again after a break.

Tables: upload_sessions. The files themselves: `system.files`.
"""
