"""统计分析决策: statistics over what the other sub-systems recorded."""
