"""Marks of activities (A7). Pure."""


def manages(unit_path: str, other: str) -> bool:
    """Whether the unit of `unit_path` stands above the unit of `other`: nobody marks his own."""
    return other.startswith(unit_path) and other != unit_path
