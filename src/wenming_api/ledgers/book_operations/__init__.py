"""台账归并与分发 (S2.3): moves of entries between books, with lineage and undo.

Tables: book_operations, book_moves (of `ledgers.books`).
"""
