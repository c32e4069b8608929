"""Reading XLSX and CSV into typed rows, within bounds, with errors that name row and column.

Blocking work: call it through ``asyncio.to_thread`` from a coroutine.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from python_calamine import CalamineError, CalamineWorkbook

from wenming_api.kit.workbooks import archive
from wenming_api.kit.workbooks.cells import Cell, CellError, check_characters, plain_text, restore
from wenming_api.kit.workbooks.problems import (
    WorkbookEncrypted,
    WorkbookHeaderMismatch,
    WorkbookProblem,
    WorkbookTooLarge,
)
from wenming_api.kit.workbooks.tables import DEFAULT_LIMITS, Column, Limits, ReadTable, Row, Table

_FORMULA_CELL = "单元格是公式，请改为数值后再导入"
_ERROR_COLUMN = "错误"


def read_table(data: bytes, table: Table, limits: Limits = DEFAULT_LIMITS) -> ReadTable:
    """Read one table from an XLSX (the sheet of its name, else the first) or a CSV (UTF-8 or GB 18030).

    Raises a :class:`WorkbookProblem` when the file as a whole cannot be read or has no rows; everything else
    is in the result.
    """
    _check_size(data, limits)
    if not archive.is_zip(data):
        _refuse_ole(data)
        return _with_rows(_parse(table, _csv_rows(data, limits), set()))
    opened = archive.inspect(data, limits)
    name = table.name if table.name in opened.sheets else next(iter(opened.sheets), "")
    return _with_rows(_read_sheet(opened, table, name))


def read_workbook(data: bytes, tables: Sequence[Table], limits: Limits = DEFAULT_LIMITS) -> dict[str, ReadTable]:
    """Read several tables from the sheets of their names; every one must be there."""
    _check_size(data, limits)
    _refuse_ole(data)
    if not archive.is_zip(data):
        raise WorkbookProblem("文件不是 XLSX 工作簿")
    opened = archive.inspect(data, limits)
    missing = [table.name for table in tables if table.name not in opened.sheets]
    if missing:
        raise WorkbookHeaderMismatch(f"缺少工作表：{'、'.join(missing)}")
    return {table.name: _read_sheet(opened, table, table.name) for table in tables}


def read_cells(table: Table, rows: Iterable[tuple[Cell, ...]]) -> ReadTable:
    """Read rows that come from elsewhere than a workbook (the headers first) by the same rules."""
    return _with_rows(_parse(table, rows, set()))


def _with_rows(read: ReadTable) -> ReadTable:
    """A file with nothing in it was not meant: it would be imported, and nothing would have happened."""
    if not read.original:
        raise WorkbookProblem("表中没有数据行，请填写后重新上传")
    return read


def _check_size(data: bytes, limits: Limits) -> None:
    if not data:
        raise WorkbookProblem("文件为空")
    if len(data) > limits.file_bytes:
        raise WorkbookTooLarge(f"文件超过 {limits.file_bytes // 1024 // 1024} MB")


def _refuse_ole(data: bytes) -> None:
    if archive.is_ole(data):
        raise WorkbookEncrypted("工作簿已加密，或是旧版 .xls 格式，请另存为未加密的 .xlsx 后重新上传")


def _read_sheet(opened: archive.Archive, table: Table, name: str) -> ReadTable:
    if name not in opened.sheets:
        raise WorkbookProblem("文件中没有可读取的工作表")
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(opened.data)) as workbook:
            rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, ValueError, OSError, OverflowError) as error:
        raise WorkbookProblem("文件已损坏，不是有效的 XLSX 工作簿") from error
    return _parse(table, (tuple(row) for row in rows), opened.sheets[name].formulas)


def _csv_rows(data: bytes, limits: Limits) -> Iterator[tuple[Cell, ...]]:
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            content = data.decode("gb18030")
        except UnicodeDecodeError as error:
            raise WorkbookProblem("文件既不是 XLSX 工作簿，也不是 UTF-8 或 GB 18030 编码的 CSV") from error
    if "\x00" in content:
        raise WorkbookProblem("文件既不是 XLSX 工作簿，也不是文本 CSV")
    try:
        for number, row in enumerate(csv.reader(io.StringIO(content, newline=""), strict=True)):
            if number > limits.rows:
                raise WorkbookTooLarge(f"行数超过 {limits.rows} 行")
            if len(row) > limits.columns:
                raise WorkbookTooLarge(f"列数超过 {limits.columns} 列")
            yield tuple(row)
    except csv.Error as error:
        raise WorkbookProblem("CSV 格式有误") from error


def _parse(table: Table, rows: Iterable[tuple[Cell, ...]], formulas: set[tuple[int, int]]) -> ReadTable:
    remaining = iter(rows)
    positions, headers = _match_headers(table, next(remaining, ()))
    result = ReadTable(table, headers)
    for number, raw in enumerate(remaining, start=2):
        cells = tuple(restore(cell) if isinstance(cell, str) else cell for cell in raw)
        if all(cell is None or cell == "" for cell in cells):
            continue
        result.original[number] = cells[: len(headers)]
        values: dict[str, object] = {}
        for column in table.columns:
            position = positions.get(column.key)
            cell = cells[position] if position is not None and position < len(cells) else None
            try:
                if position is not None and (number, position + 1) in formulas:
                    raise CellError(_FORMULA_CELL)
                values[column.key] = _parse_cell(column, cell)
            except CellError as error:
                result.reject(number, str(error), column.key)
        if len(values) == len(table.columns):
            result.rows.append(Row(number, values))
    return result


def _parse_cell(column: Column, cell: Cell) -> object:
    if isinstance(cell, str):
        check_characters(cell)
        if not cell.strip():
            cell = None
    if cell is None:
        if column.required:
            raise CellError("不能为空")
        return None
    if len(plain_text(cell)) > column.max_length:
        raise CellError(f"不得超过 {column.max_length} 个字符")
    return column.parse(cell)


def _match_headers(table: Table, first_row: tuple[Cell, ...]) -> tuple[dict[str, int], tuple[str, ...]]:
    found = [plain_text(cell).strip().removesuffix("*") for cell in first_row]
    while found and not found[-1]:
        found.pop()
    if found and found[-1] == _ERROR_COLUMN:  # a corrected error workbook comes back as it is
        found.pop()
    known = {column.header: column.key for column in table.columns}
    problems = []
    if missing := [c.header for c in table.columns if c.required and c.header not in found]:
        problems.append(f"缺少列：{'、'.join(missing)}")
    if unknown := [header[:50] or "（空）" for header in found if header not in known]:
        problems.append(f"多出列：{'、'.join(unknown[:10])}")
    if repeated := sorted({header for header in found if header in known and found.count(header) > 1}):
        problems.append(f"重复列：{'、'.join(repeated)}")
    if problems:
        raise WorkbookHeaderMismatch(f"工作表“{table.name}”{'；'.join(problems)}")
    return {known[header]: position for position, header in enumerate(found)}, tuple(found)
