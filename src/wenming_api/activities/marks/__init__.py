"""优秀活动、示范活动: marks given by the managing unit. Tables: none of its own (activity_marks of events)."""
