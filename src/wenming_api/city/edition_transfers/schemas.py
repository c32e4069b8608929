"""What importing an indicator system answers."""

from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Out


class SheetFault(Out):
    """导入工作簿中的一处错误"""

    sheet: str = Field(description="工作表", examples=["标准"])
    row: int = Field(description="行号（表头为第 1 行）", examples=[12])
    column: str | None = Field(description="列名；整行有误时为 null", examples=["分值"])
    message: str = Field(examples=["不得小于 0"])


class ContentChange(Out):
    """按编号比较，导入前后的变化"""

    created: int
    updated: int
    unchanged: int
    removed: int


class EditionImportReport(Out):
    """测评体系的导入结果"""

    dry_run: bool = Field(description="是否只校验不保存")
    applied: bool = Field(description="是否已保存；有任何错误则全部不保存")
    system_id: UUID | None = Field(description="导入的体系；未保存的新体系为 null")
    version: int | None = Field(description="导入后的版本；未保存时为 null")
    content_hash: str | None = Field(description="内容的 SHA-256，与导出时相同则内容相同；有误时为 null")
    indicators: ContentChange
    standards: ContentChange
    failed: int = Field(description="有误的行数")
    faults: list[SheetFault] = Field(description="前 1,000 处错误；完整内容见错误工作簿")
