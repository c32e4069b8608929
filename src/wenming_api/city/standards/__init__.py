"""Standards (测评项目、测评内容、测评标准、评分标准): the indicator tree of an edition and what is judged in it.

Tables: indicator_systems, indicators, standards, standard_site_types, standard_duties.
"""
