"""Users (用户). Tables: users, user_roles."""
