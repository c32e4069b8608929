"""文明称号: the history of every holder's level, and the honour list. Tables: title_events."""
