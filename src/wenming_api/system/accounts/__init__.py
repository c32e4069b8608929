"""Managing users (用户管理): accounts, roles, sessions (M2.10). The tables stand with users, roles, sessions."""
