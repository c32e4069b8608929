"""问卷与材料审核得分 (C3.3): totals of the methods other than field work. Table: method_scores."""
