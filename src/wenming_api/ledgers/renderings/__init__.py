"""Renderings (台账预览与导出): one record version as HTML, PDF, DOCX or XLSX. No tables."""
