"""文明创建管理: civility titles."""
