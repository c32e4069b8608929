"""Files (文件): photos, videos, workbooks and documents, sent by clients straight to object storage.

Tables: upload_sessions, files.
"""
