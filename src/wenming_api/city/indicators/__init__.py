"""Indicators (测评项目、测评指标、测评内容): the tree of a system above its standards, read whole, changed while draft.

Tables: indicators (in `city.standards.models`).
"""
