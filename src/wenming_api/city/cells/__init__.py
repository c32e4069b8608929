"""Cells (统计单元): score lines summed up for statistics when a result is computed.

No tables: `city.results` stores them.
"""
