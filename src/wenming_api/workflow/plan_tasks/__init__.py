"""计划任务: the tasks of a plan while it is being drawn up or revised (C1.1).

Tables: none of its own.
"""
