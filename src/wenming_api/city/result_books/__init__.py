"""Result workbooks (成绩册导出): the published tables as one XLSX file. No tables."""
