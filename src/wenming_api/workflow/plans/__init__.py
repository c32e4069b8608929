"""年度行动计划: trees of tasks; every unit that receives one has its copy to divide and report on (C1.1).

Tables: plans, plan_tasks, plan_task_units, plan_revisions, plan_reports.
"""
