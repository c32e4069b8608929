"""届别: the terms in which titles are applied for, with their windows. Tables: title_terms."""
