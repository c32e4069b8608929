"""Who may do what, and which rows they see: principals, data scopes, guards, tokens."""
