"""Sessions (会话): signing in, refreshing, being locked out, signing out. Tables: sessions, refresh_tokens, login_failures."""
