"""Files (文件): photos, videos, workbooks and documents in object storage, examined, copied, quarantined.

Tables: files. How they get there: `system.uploads`.
"""
