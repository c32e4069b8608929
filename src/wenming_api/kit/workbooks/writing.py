"""Writing XLSX row by row in constant memory, and CSV; texts are neutralised against formula injection.

Blocking work: call it through ``asyncio.to_thread`` from a coroutine, or add rows as they are fetched.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO, Self

import xlsxwriter

from wenming_api.kit.workbooks.cells import MAX_CELL_LENGTH, Cell, neutralise, plain_text
from wenming_api.kit.workbooks.tables import ReadTable, Table

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CHUNK = 1 << 16
_LARGEST_EXACT = 2**53


class WorkbookWriter:
    """Writes the sheets of a workbook one after the other.

    ::

        with WorkbookWriter(file) as book:
            book.begin(TABLE)
            for item in items:
                book.add({"code": item.code, "name": item.name})
    """

    def __init__(self, output: BinaryIO) -> None:
        self._book = xlsxwriter.Workbook(output, {"constant_memory": True, "in_memory": False})
        self._header = self._book.add_format({"bold": True, "bg_color": "#DDE7F3", "border": 1})
        self._failing = self._book.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006"})
        self._date = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._datetime = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet: Any = None
        self._table: Table | None = None
        self._row = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def begin(self, table: Table, extra_headers: Iterable[str] = ()) -> None:
        """Start a sheet with the table's headers; required ones carry a star."""
        self._table = table
        self._sheet = self._book.add_worksheet(table.name)
        self._sheet.freeze_panes(1, 0)
        for position, column in enumerate(table.columns):
            self._sheet.set_column(position, position, column.width)
            header = f"{column.header}*" if column.required else column.header
            self._sheet.write_string(0, position, header, self._header)
            if column.choices and len(",".join(column.choices)) <= 255:
                self._sheet.data_validation(
                    1, position, 20_000, position, {"validate": "list", "source": list(column.choices)}
                )
        for position, header in enumerate(extra_headers, start=len(table.columns)):
            self._sheet.set_column(position, position, 40)
            self._sheet.write_string(0, position, header, self._header)
        self._row = 1

    def begin_plain(self, name: str, headers: Iterable[str]) -> None:
        """Start a sheet with free headers; fill it with :meth:`add_cells`."""
        self._table = None
        self._sheet = self._book.add_worksheet(name)
        for position, header in enumerate(headers):
            self._sheet.set_column(position, position, 24)
            self._sheet.write_string(0, position, header, self._header)
        self._row = 1

    def add(self, values: Mapping[str, Any]) -> None:
        """Write a row of the sheet begun last from values by column key."""
        if self._table is None:
            raise RuntimeError("begin() a table first")
        self.add_cells(_shown(self._table, values))

    def add_cells(self, cells: Iterable[Cell], failing: frozenset[int] = frozenset()) -> None:
        """Write a row of plain cells; the positions in ``failing`` are marked red."""
        for position, cell in enumerate(cells):
            self._write(position, cell, self._failing if position in failing else None)
        self._row += 1

    def _write(self, position: int, cell: Cell, style: Any) -> None:
        sheet, row = self._sheet, self._row
        if cell is None:
            if style is not None:
                sheet.write_blank(row, position, None, style)
        elif isinstance(cell, bool):
            sheet.write_string(row, position, plain_text(cell), style)
        elif isinstance(cell, int | float | Decimal):
            # A spreadsheet number is a float: what it cannot hold exactly goes as text.
            exact = Decimal(str(cell))
            if Decimal(repr(float(exact))) == exact and abs(exact) <= _LARGEST_EXACT:
                sheet.write_number(row, position, cell, style)
            else:
                sheet.write_string(row, position, str(cell), style)
        elif isinstance(cell, datetime):
            sheet.write_datetime(row, position, cell.replace(tzinfo=None), style or self._datetime)
        elif isinstance(cell, date):
            sheet.write_datetime(row, position, cell, style or self._date)
        elif isinstance(cell, time | timedelta):
            sheet.write_string(row, position, plain_text(cell), style)
        else:
            text = neutralise(cell)
            if len(text) > MAX_CELL_LENGTH:
                raise ValueError(f"cell text longer than {MAX_CELL_LENGTH} characters")
            sheet.write_string(row, position, text, style)


def write_table(table: Table, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A workbook of one sheet, in memory; for long lists write to a file with :class:`WorkbookWriter`."""
    output = io.BytesIO()
    with WorkbookWriter(output) as book:
        book.begin(table)
        for row in rows:
            book.add(row)
    return output.getvalue()


def write_template(tables: Iterable[Table]) -> bytes:
    """An empty workbook to fill in: the headers, drop-downs, and a sheet of instructions."""
    tables = tuple(tables)
    output = io.BytesIO()
    with WorkbookWriter(output) as book:
        for table in tables:
            book.begin(table)
        book.begin_plain("填写说明", ("工作表", "列", "必填", "可选值", "说明"))
        for table in tables:
            for column in table.columns:
                required = "是" if column.required else "否"
                book.add_cells((table.name, column.header, required, "、".join(column.choices), column.hint))
    return output.getvalue()


def write_errors(results: Iterable[ReadTable]) -> bytes:
    """The original rows with an 错误 column, failing cells marked. Corrected, it can be imported again."""
    output = io.BytesIO()
    with WorkbookWriter(output) as book:
        for result in results:
            _write_error_sheet(book, result)
    return output.getvalue()


def _write_error_sheet(book: WorkbookWriter, result: ReadTable) -> None:
    messages: dict[int, list[str]] = defaultdict(list)
    failing: dict[int, set[int]] = defaultdict(set)
    for error in result.errors:
        messages[error.row].append(f"{error.header}：{error.message}" if error.header else error.message)
        if error.header in result.headers:
            failing[error.row].add(result.headers.index(error.header))
    width = len(result.headers)
    book.begin_plain(result.table.name, (*result.headers, "错误"))
    for number, cells in result.original.items():
        padded = [cell if cell != "" else None for cell in cells] + [None] * (width - len(cells))
        shown = [cell if cell is None or len(plain_text(cell)) < MAX_CELL_LENGTH else None for cell in padded]
        text = "；".join(messages[number])[: MAX_CELL_LENGTH - 1]
        book.add_cells([*shown, text or None], frozenset(failing[number]))


def write_csv(table: Table, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """CSV in UTF-8 with the mark that spreadsheet programs expect, in chunks."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    writer.writerow([column.header for column in table.columns])
    for row in rows:
        writer.writerow(
            [neutralise(cell) if isinstance(cell, str) else plain_text(cell) for cell in _shown(table, row)]
        )
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _shown(table: Table, values: Mapping[str, Any]) -> Iterator[Cell]:
    for column in table.columns:
        value = values.get(column.key)
        yield column.show(value) if column.show and value is not None else value
