"""问卷样本层与配额 (C3.7): how many respondents of which region, live. Uses the tables of `city.questionnaires`."""
