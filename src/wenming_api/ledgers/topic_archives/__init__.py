"""专项工作归档 (S1.4): a closed topic is archived with all that was accepted for it. No tables."""
