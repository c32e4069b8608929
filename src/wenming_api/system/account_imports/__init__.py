"""Import of users (用户导入) from workbooks (M2.10). No tables of its own."""
