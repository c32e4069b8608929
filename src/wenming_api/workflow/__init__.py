"""流程: what several sub-systems share of deciding and scheduling work."""
