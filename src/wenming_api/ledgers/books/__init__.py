"""台账册 (C1.3, C1.4): what was accepted, by unit, catalogue and year; a query until it is archived.

Tables: books, book_entries, book_operations, book_moves.
"""
