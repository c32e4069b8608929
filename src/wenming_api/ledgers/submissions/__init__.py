"""报送 (L2.6, L4.2, C1.4, A6): an approved version of a record goes to units above, each time with a life of its own.

Tables: submissions, submission_rounds, submission_nodes.
"""
