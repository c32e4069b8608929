"""系统管理: regions, units, users, roles, sessions, dictionaries, audit, files."""
