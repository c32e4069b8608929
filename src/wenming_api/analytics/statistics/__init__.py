"""Statistics (测评数据统计): pivots over the cells of current results. No tables."""
