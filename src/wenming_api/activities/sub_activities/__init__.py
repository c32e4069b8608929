"""子活动: activities that are part of others. Tables: activity_links."""
