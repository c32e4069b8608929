"""批量审核 (L4.2): receiving, accepting, returning and archiving many submissions at once. No tables."""
