"""替换 (replacement): a drawn site found closed gives way to the next of its reserve.

No tables of its own: `sampling` holds the sites of a draw.
"""
