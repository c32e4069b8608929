"""申报材料包 (C1.5, E1): what goes to the central system from a book: validated, planned, with its statements.

Tables: packages, package_statements, package_gaps, package_members, package_parts.
"""
