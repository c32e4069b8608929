"""Import and export of sites (点位导入导出): XLSX, CSV and GeoJSON, with errors row by row.

Tables: ``site_imports``.
"""
