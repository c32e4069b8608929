"""Indicator systems as workbooks (导入导出): four sheets out, the same four back in, equal.

No tables of its own.
"""
