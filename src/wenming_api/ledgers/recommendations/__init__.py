"""推荐上级 (L2.5, B4.1): an accepted submission goes further up or to the media, as a new one that knows its origin.

Makes submissions; no tables of its own.
"""
