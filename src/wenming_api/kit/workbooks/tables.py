"""Tables: the columns a sheet is declared to have, the rows read from one, and what was wrong with them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wenming_api.kit.workbooks.cells import Cell, Parser, text


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column.

    ``key`` names the value in code, ``header`` is what the first row shows. ``parse`` turns a non-empty cell
    into the value (default: trimmed text); ``show`` is its inverse for writing. ``max_length`` bounds the
    cell's text. ``choices`` become a drop-down in templates, ``hint`` a line of the template's instructions.
    """

    key: str
    header: str
    parse: Parser = text
    required: bool = False
    max_length: int = 500
    show: Callable[[Any], Cell] | None = None
    choices: tuple[str, ...] = ()
    hint: str = ""
    width: int = 16


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet by its name and columns."""

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        for names in ([c.key for c in self.columns], [c.header for c in self.columns]):
            if len(set(names)) != len(names):
                raise ValueError(f"{self.name}: duplicate column")

    def column(self, key: str) -> Column:
        return next(column for column in self.columns if column.key == key)


@dataclass(frozen=True, slots=True)
class Row:
    """A row whose every cell could be parsed. ``number`` counts as the spreadsheet does (the header is 1)."""

    number: int
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one cell, or (``key`` is None) with a row as a whole."""

    sheet: str
    row: int
    key: str | None
    header: str
    message: str


@dataclass(slots=True)
class ReadTable:
    """What was read from a sheet: good rows, errors, and the original cells for the error workbook.

    Rules that need more than one cell add their findings with :meth:`reject`.
    """

    table: Table
    headers: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    original: dict[int, tuple[Cell, ...]] = field(default_factory=dict)

    def reject(self, row: int, message: str, key: str | None = None) -> None:
        """Add an error for a row (of its column ``key``); the row itself stays in ``rows``."""
        header = self.table.column(key).header if key else ""
        self.errors.append(RowError(self.table.name, row, key, header, message))

    @property
    def ok(self) -> bool:
        return not self.errors

    def good_rows(self) -> Iterator[Row]:
        """The rows without any error."""
        bad = {error.row for error in self.errors}
        return (row for row in self.rows if row.number not in bad)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds checked before and while a file is read."""

    file_bytes: int = 20 * 1024 * 1024
    uncompressed_bytes: int = 160 * 1024 * 1024
    members: int = 2_000
    rows: int = 20_000
    columns: int = 100


DEFAULT_LIMITS = Limits()
