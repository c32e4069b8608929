"""Import of units (单位导入) from workbooks (M2.2). No tables of its own."""
