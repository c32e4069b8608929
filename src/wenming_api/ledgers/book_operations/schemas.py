"""Requests and answers of merging and distributing."""

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, Moment, Name, Out, Reason, Strict
from wenming_api.ledgers.book_operations.rules import MAX_NAMED, MAX_SOURCES, MAX_TARGETS
from wenming_api.ledgers.books.rules import OperationKind
from wenming_api.ledgers.books.schemas import BookEntryRef


class BookOperationSort(StrEnum):
    """归并与分发的排序"""

    NEWEST = "-made_at"
    OLDEST = "made_at"


class BookMoveSort(StrEnum):
    """移动明细的排序"""

    NODE = "node_code"
    TITLE = "title"


class JudgedBook(Judged):
    """一册及所依据的版本"""

    book_id: UUID = Field(description="台账册")


class BookTarget(Strict):
    """移入哪一册：已有的一册，或新立一册，二者取一"""

    book_id: UUID | None = Field(default=None, description="已有的一册；与来源同一目录、同一种类")
    title: Name | None = Field(default=None, description="新立一册的册名")
    unit_id: UUID | None = Field(default=None, description="新册的立册单位；不填则同第一个来源")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.book_id is None) == (self.title is None):
            raise ValueError("须选择已有的一册，或填写新册的册名，二者取一")
        if self.book_id is not None and self.unit_id is not None:
            raise ValueError("立册单位只在新立一册时填写")
        return self


class BookMerge(Strict):
    """归并：把几册的全部条目移入一册"""

    sources: Annotated[list[JudgedBook], Field(min_length=1, max_length=MAX_SOURCES, description="来源各册")]
    target: BookTarget
    reason: Reason


class BookPortion(Strict):
    """分给一册的条目：整个小类，或逐条指明"""

    target: BookTarget
    node_ids: Annotated[list[UUID], Field(max_length=500, description="这些小类下的全部条目")] = []
    entries: Annotated[list[BookEntryRef], Field(max_length=MAX_NAMED, description="逐条指明；先于小类")] = []

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.node_ids and not self.entries:
            raise ValueError("须指明小类或条目")
        return self


class BookDistribute(Judged):
    """分发：把一册的条目分到几册，未指明的留在原册"""

    portions: Annotated[list[BookPortion], Field(min_length=1, max_length=MAX_TARGETS, description="各册所得")]
    reason: Reason


class BookOperationOut(Out):
    """一次归并或分发"""

    id: UUID = Field(description="编号")
    kind: OperationKind = Field(description="merge 归并；distribute 分发")
    moved: int = Field(description="移动的条目数")
    reason: str = Field(description="原因")
    made_by_name: str = Field(description="经办人")
    made_at: Moment = Field(description="办理时间")
    undone_at: Moment | None = Field(description="撤销时间；未撤销为 null")
    undone_by_name: str | None = Field(description="撤销人")
    undo_reason: str | None = Field(description="撤销原因")
    version: int = Field(description="版本")


class BookFlow(Out):
    """从一册到另一册移动了多少"""

    from_book_id: UUID = Field(description="来源册")
    from_title: str = Field(description="来源册名")
    to_book_id: UUID = Field(description="去向册")
    to_title: str = Field(description="去向册名")
    entries: int = Field(description="条目数")


class BookOperationDetail(BookOperationOut):
    """归并或分发的详情：来龙去脉与能否撤销"""

    flows: list[BookFlow] = Field(description="各册之间的移动")
    depending: list[UUID] = Field(description="此后又移动了同一些条目的操作；须先撤销它们")
    allowed_actions: list[AllowedAction]


class BookMoveOut(Out):
    """移动的一条"""

    id: UUID = Field(description="编号")
    submission_id: UUID = Field(description="报送")
    node_id: UUID = Field(description="目录节点")
    node_code: str = Field(description="小类编号")
    title: str = Field(description="记录标题")
    from_book_id: UUID = Field(description="来源册")
    to_book_id: UUID = Field(description="去向册")
    current: bool = Field(description="条目现在是否仍因这次移动而在去向册")
