"""Dictionaries (数据字典): named lists of codes that other domains store, disabled, never deleted.

Tables: ``dictionaries``, ``dictionary_items``.
"""
