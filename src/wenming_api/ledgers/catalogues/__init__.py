"""Catalogues (分类目录): the trees of big and small categories, or of indicators, that records and books are filed by.

Tables: ``catalogues``, ``catalogue_nodes``, ``catalogue_links``.
"""
