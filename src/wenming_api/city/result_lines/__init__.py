"""Evidence of results (成绩依据): the score lines and photos that a figure came from. No tables."""
