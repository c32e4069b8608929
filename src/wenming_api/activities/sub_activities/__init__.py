"""子活动: activities that are part of others. Tables: none of its own (activity_links of events)."""
