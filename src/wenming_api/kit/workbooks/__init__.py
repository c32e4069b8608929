"""Typed tables in XLSX and CSV files: declare columns, read rows with errors by row and column, write them.

Files are hostile until shown otherwise: sizes, zip structure and the extent of every sheet are checked before
a library opens them; formulas are refused on reading, and texts that look like one are neutralised on writing
and restored on reading, so that a round trip is equal.
"""

from wenming_api.kit.workbooks.cells import (
    Cell,
    CellError,
    boolean,
    calendar_date,
    choice,
    decimal,
    integer,
    join_list,
    neutralise,
    plain_text,
    restore,
    text,
    text_list,
)
from wenming_api.kit.workbooks.problems import (
    WorkbookEncrypted,
    WorkbookHeaderMismatch,
    WorkbookProblem,
    WorkbookTooLarge,
)
from wenming_api.kit.workbooks.reading import read_cells, read_table, read_workbook
from wenming_api.kit.workbooks.tables import Column, Limits, ReadTable, Row, RowError, Table
from wenming_api.kit.workbooks.writing import (
    MEDIA_TYPE,
    WorkbookWriter,
    write_csv,
    write_errors,
    write_table,
    write_template,
)

__all__ = [
    "MEDIA_TYPE",
    "Cell",
    "CellError",
    "Column",
    "Limits",
    "ReadTable",
    "Row",
    "RowError",
    "Table",
    "WorkbookEncrypted",
    "WorkbookHeaderMismatch",
    "WorkbookProblem",
    "WorkbookTooLarge",
    "WorkbookWriter",
    "boolean",
    "calendar_date",
    "choice",
    "decimal",
    "integer",
    "join_list",
    "neutralise",
    "plain_text",
    "read_cells",
    "read_table",
    "read_workbook",
    "restore",
    "text",
    "text_list",
    "write_csv",
    "write_errors",
    "write_table",
    "write_template",
]
