"""Cells: what one holds, how text is made harmless, and parsers from a cell to a typed value."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

Cell = str | int | float | bool | date | datetime | time | timedelta | Decimal | None
"""What a cell may hold. Empty cells are ``None`` after reading."""

Parser = Callable[[Cell], object]
"""Turns a non-empty cell into a value, or raises :class:`CellError`."""

EnumT = TypeVar("EnumT", bound=StrEnum)

MAX_CELL_LENGTH = 32_767
"""The most characters a cell can hold, by the file format."""

# Spreadsheet programs take a text that starts so for a formula when a file is opened or pasted; the
# full-width forms count in East Asian locales. Leading apostrophes belong to the pattern so that escaping is
# reversible.
_FORMULA_LIKE = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_TRUE = frozenset({"是", "true", "yes", "y", "1", "√"})
_FALSE = frozenset({"否", "false", "no", "n", "0", "×"})
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_LIST_SEPARATORS = re.compile(r"[、,，;；\n]")


class CellError(ValueError):
    """A cell cannot be taken as it is; the message is shown to the user, in Chinese."""


def neutralise(text: str) -> str:
    """Make a text harmless in a spreadsheet: formula-like ones get an apostrophe in front."""
    return f"'{text}" if _FORMULA_LIKE.match(text) else text


def restore(text: str) -> str:
    """Undo :func:`neutralise`: ``restore(neutralise(t)) == t`` for every text."""
    return text[1:] if _ESCAPED.match(text) else text


def plain_text(cell: Cell) -> str:
    """The text of a cell as a person would read it; numbers without a needless ``.0``, dates as ISO."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)


def check_characters(text: str) -> str:
    """The text itself; raises :class:`CellError` when it holds NUL, control characters or surrogates."""
    if _FORBIDDEN.search(text):
        raise CellError("含有不允许的控制字符")
    return text


def text(cell: Cell) -> str:
    """Trimmed text, line ends as LF."""
    return plain_text(cell).replace("\r\n", "\n").replace("\r", "\n").strip()


def integer(minimum: int | None = None, maximum: int | None = None) -> Parser:
    """Whole numbers within bounds (inclusive)."""

    def parse(cell: Cell) -> int:
        number = _number(cell)
        if number != number.to_integral_value():
            raise CellError("应为整数")
        _check_bounds(number, minimum, maximum)
        return int(number)

    return parse


def decimal(minimum: Decimal | int | None = None, maximum: Decimal | int | None = None, places: int = 10) -> Parser:
    """Exact decimals within bounds (inclusive) with at most ``places`` digits after the point."""

    def parse(cell: Cell) -> Decimal:
        number = _number(cell)
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            raise CellError(f"小数不得超过 {places} 位")
        _check_bounds(number, minimum, maximum)
        return number

    return parse


def boolean(cell: Cell) -> bool:
    """是 or 否 (also true/false, yes/no, 1/0)."""
    if isinstance(cell, bool):
        return cell
    word = plain_text(cell).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellError("应填“是”或“否”")


def choice(options: Mapping[str, EnumT]) -> Parser:
    """One of the labels; the value stored is the option's."""

    def parse(cell: Cell) -> EnumT:
        label = text(cell)
        if label not in options:
            raise CellError(f"应为下列之一：{'、'.join(options)}")
        return options[label]

    return parse


def calendar_date(cell: Cell) -> date:
    """A date cell, or a text such as 2026-03-05, 2026/3/5, 2026年3月5日."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DATE.fullmatch(text(cell))
    if found is None:
        raise CellError("应为日期，例如 2026-03-05")
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise CellError("日期不存在") from None


def text_list(cell: Cell, *, maximum: int = 200) -> tuple[str, ...]:
    """Texts separated by 、 , ; or line ends; empty ones dropped, order kept."""
    parts = tuple(part for raw in _LIST_SEPARATORS.split(plain_text(cell)) if (part := raw.strip()))
    if len(parts) > maximum:
        raise CellError(f"最多 {maximum} 项")
    return parts


def join_list(parts: Sequence[str]) -> str:
    """The writing side of :func:`text_list`."""
    return "、".join(parts)


def _number(cell: Cell) -> Decimal:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
        raise CellError("应为数字")
    # repr gives the shortest decimal that is the same float, which is what the user typed.
    written = repr(cell) if isinstance(cell, float) else str(cell)
    try:
        number = Decimal(written.strip())
    except InvalidOperation:
        raise CellError("应为数字") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise CellError("应为数字")
    return number


def _check_bounds(number: Decimal, minimum: Decimal | int | None, maximum: Decimal | int | None) -> None:
    if minimum is not None and number < minimum:
        raise CellError(f"不得小于 {minimum}")
    if maximum is not None and number > maximum:
        raise CellError(f"不得大于 {maximum}")
