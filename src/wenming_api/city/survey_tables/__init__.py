"""问卷结果表 (C3.7): counts, shares and means of every question, by county or stratum. No tables of its own."""
