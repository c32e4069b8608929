"""审批流程与审核级别 (M2.9): which steps an approval takes, whose people decide at each, by which permission.

Tables: approval_levels, approval_flows, approval_steps.
"""
