"""问卷得分 (C3.7): answers summed up by region and standard, and put into the roll-up. Table: survey_scores."""
