"""Region scores (区域成绩): field scores, composites, ranking lists, parents. Pure; no tables."""
