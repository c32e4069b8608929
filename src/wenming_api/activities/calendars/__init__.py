"""活动日历: a month of activities, and the same as iCalendar. No tables."""
