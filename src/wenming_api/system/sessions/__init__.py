"""Sessions (会话): signing in, refreshing, locks, signing out. Tables: sessions, refresh_tokens, login_failures."""
