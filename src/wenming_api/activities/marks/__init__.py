"""优秀活动、示范活动: marks given by the managing unit. Tables: activity_marks."""
