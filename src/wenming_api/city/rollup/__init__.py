"""Roll-up (成绩汇总): from judged lines to every figure of a result. Pure; no tables."""
