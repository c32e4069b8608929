"""Results (测评成绩): compute, publish, drill down.

Tables: results, result_snapshots, result_figures, result_sites, result_entries, result_sheets, result_spreads,
result_places, result_kinds, result_cells.
"""
