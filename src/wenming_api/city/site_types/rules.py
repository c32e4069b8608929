"""Rules of site types, and the types delivered with the product."""

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Final

CODE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,19}$"
"""Codes of types: letters, digits, hyphen, underscore; up to 20 characters. Draws and workbooks carry them."""


@dataclass(frozen=True, slots=True)
class BaseType:
    """A type delivered with the product, with the published handbook it is taken from."""

    code: str
    name: str
    category: str
    is_place: bool
    source: str
    note: str | None


def base_types() -> list[BaseType]:
    """The 54 types of a city's assessment handbook of 2018, in its order."""
    text = resources.files(__package__).joinpath("data/site_types.csv").read_text(encoding="utf-8")
    return [
        BaseType(
            code=row["code"],
            name=row["name"],
            category=row["category"],
            is_place=row["is_place"] == "true",
            source=f"{row['edition']} {row['source']}",
            note=row["note"] or None,
        )
        for row in csv.DictReader(text.splitlines())
    ]
