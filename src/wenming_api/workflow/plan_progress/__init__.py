"""计划进展: reports on tasks, plan against reality, reminders before and after the due date (C1.1).

Tables: none of its own.
"""
