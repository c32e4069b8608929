"""Domain-free building blocks; could be a library of its own. Knows nothing of the application or its settings."""
