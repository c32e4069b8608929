"""报送、重新报送 (L2.6, A6): sending a version out, and again after a return.

Makes submissions; no tables of its own.
"""
