"""Editions of indicator systems (测评体系版本): made as a draft, published and frozen, retired, cloned to revise.

Tables: indicator_systems (in `city.standards.models`).
"""
