"""What every import of a table answers: counts, and the first faults by row and column."""

from pydantic import Field

from wenming_api.kit.fields import Out
from wenming_api.kit.workbooks import ReadTable

SHOWN_FAULTS = 1_000


class ImportFault(Out):
    """导入文件中的一处错误"""

    row: int = Field(description="行号（表头为第 1 行）", examples=[12])
    column: str | None = Field(description="列名", examples=["上级代码"])
    message: str = Field(examples=["上级代码 370399000000 不存在，或该行有误"])


class ImportReport(Out):
    """导入结果"""

    dry_run: bool = Field(description="是否只校验不保存")
    applied: bool = Field(description="是否已保存")
    total: int
    created: int
    updated: int
    unchanged: int
    failed: int
    faults: list[ImportFault] = Field(description="前 1,000 处错误；完整内容见错误工作簿")


def failed_rows(read: ReadTable) -> int:
    """How many rows have an error."""
    return len({error.row for error in read.errors})


def faults_of(read: ReadTable) -> list[ImportFault]:
    """The first errors of a table, by row."""
    return [
        ImportFault(row=error.row, column=error.header or None, message=error.message)
        for error in sorted(read.errors, key=lambda found: found.row)[:SHOWN_FAULTS]
    ]
