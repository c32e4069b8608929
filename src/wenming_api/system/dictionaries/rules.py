"""Rules of dictionaries: which codes are possible, how a list is put in order. Function M1.2."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final
from uuid import UUID

CODE_PATTERN: Final = r"^[a-z0-9][a-z0-9_]{0,39}$"
"""Codes are lower-case words, because other rows and exports carry them."""

MAX_ITEMS: Final = 2_000
"""Most items of one dictionary."""


@dataclass(frozen=True, slots=True)
class BaseItem:
    """An item delivered with the product."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class BaseDictionary:
    """A dictionary delivered with the product; items may be renamed, ordered, disabled, added."""

    code: str
    name: str
    items: tuple[BaseItem, ...]


def is_code(text: str) -> bool:
    """Whether the text can be a code."""
    return re.fullmatch(CODE_PATTERN, text) is not None


def order_problem(wanted: Sequence[UUID], existing: Sequence[UUID]) -> str | None:
    """A new order names every item of the dictionary once; answers the reason when it does not."""
    if len(set(wanted)) != len(wanted):
        return "新的顺序中有重复的字典项"
    if set(wanted) != set(existing):
        return "新的顺序必须恰好包含该字典的全部字典项"
    return None


def base_dictionaries() -> list[BaseDictionary]:
    """Dictionaries delivered with the product, in order."""
    text = resources.files(__package__).joinpath("data/dictionaries.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[str, list[BaseItem]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["dictionary"], (row["dictionary_name"], []))[1].append(BaseItem(row["code"], row["name"]))
    return [BaseDictionary(code, name, tuple(items)) for code, (name, items) in found.items()]
