"""文明城市创建管理: the assessment of a city, from the indicator system to the published ranking."""
