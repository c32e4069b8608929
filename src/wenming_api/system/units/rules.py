"""Credit codes of units and their paths in the chain of managing units (M2.2)."""

import re
from typing import Final

SYMBOLS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 symbols of GB 32100-2015: no I, O, S, V, Z."""

CREDIT_CODE_PATTERN: Final = rf"^[{SYMBOLS}]{{18}}$"
_CREDIT_CODE = re.compile(CREDIT_CODE_PATTERN)
_WEIGHTS = tuple(pow(3, position, 31) for position in range(17))

CATEGORIES: Final = {
    "category_code": "unit_category",
    "nature_code": "unit_nature",
    "industry_code": "industry",
    "civility_level_code": "civility_level",
}
"""Fields of a unit that hold codes, and the dictionaries that the codes are of."""

MAX_DEPTH: Final = 20
"""Most units from the top of a management chain to its end."""


def credit_check_symbol(body: str) -> str:
    """The 18th symbol for the first 17 of a unified social credit code (GB 32100-2015)."""
    total = sum(SYMBOLS.index(symbol) * weight for symbol, weight in zip(body, _WEIGHTS, strict=True))
    return SYMBOLS[(31 - total % 31) % 31]


def is_credit_code(code: str) -> bool:
    """Whether `code` has the form of a unified social credit code and its check symbol is right."""
    return _CREDIT_CODE.fullmatch(code) is not None and credit_check_symbol(code[:17]) == code[17]


def child_path(managing_path: str, number: int) -> str:
    """The path of a unit: that of its managing unit, its own number, a slash."""
    return f"{managing_path}{number}/"


def depth(path: str) -> int:
    """How many units a path names."""
    return path.count("/")


def lies_below(path: str, other: str) -> bool:
    """Whether the unit of `path` is the unit of `other` or anywhere below it."""
    return path.startswith(other)


def moved_path(path: str, *, old: str, new: str) -> str:
    """The path of a unit below one whose path was `old` and is now `new`."""
    if not path.startswith(old):
        raise ValueError(f"{path} does not lie below {old}")
    return new + path[len(old) :]
