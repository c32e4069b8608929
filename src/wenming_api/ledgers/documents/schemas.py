"""Requests and responses of long prints."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Strict
from wenming_api.ledgers.documents.rules import MAX_RECORDS, DocumentKind, DocumentState


class DocumentSort(StrEnum):
    """打印文档的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"


class PrintRequest(Strict):
    """批量打印：选定的记录，或一本台账册"""

    title: Name | None = Field(default=None, description="文档名称；不给出时自动命名")
    record_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_RECORDS)] | None = Field(
        default=None, description="要打印的记录，按此次序"
    )
    book_id: UUID | None = Field(default=None, description="要打印的台账册")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.record_ids is None) == (self.book_id is None):
            raise ValueError("请选择记录或台账册，二者取一")
        if self.record_ids and len(set(self.record_ids)) < len(self.record_ids):
            raise ValueError("记录有重复")
        return self


class DocumentRow(Out):
    """列表中的打印文档"""

    id: UUID
    kind: DocumentKind = Field(description="种类")
    state: DocumentState = Field(description="状态")
    title: str = Field(description="名称")
    entries: int = Field(description="条目数")
    parts: int = Field(description="分几部分排版")
    parts_done: int = Field(description="已排版的部分")
    pages: int | None = Field(description="页数；未完成为 null")
    size: int | None = Field(description="字节数；未完成为 null")
    created_at: Moment
    finished_at: Moment | None = Field(description="完成时间；未完成为 null")
    expires_at: Moment | None = Field(description="保留到；未完成为 null")
    version: int


class DocumentOut(DocumentRow):
    """打印文档详情"""

    failure: str | None = Field(description="失败原因；没有为 null")
    sha256: str | None = Field(description="PDF 的 SHA-256；未完成为 null")
    url: str | None = Field(description="PDF 下载地址；未完成为 null")
    url_expires_at: Moment | None = Field(description="下载地址有效至；未完成为 null")
    allowed_actions: list[AllowedAction]
