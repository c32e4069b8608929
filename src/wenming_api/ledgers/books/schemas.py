"""Requests and answers of books."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, Strict
from wenming_api.ledgers.books.rules import BookKind, BookState


class BookSort(StrEnum):
    """台账册的排序"""

    YEAR = "year"
    NEWEST_YEAR = "-year"
    TITLE = "title"
    NEWEST = "-created_at"


class BookEntrySort(StrEnum):
    """台账册条目的排序"""

    DECIDED = "decided_at"
    LATEST = "-decided_at"
    TITLE = "title"


class BookOut(Out):
    """台账册"""

    id: UUID = Field(description="编号")
    title: str = Field(description="册名", examples=["文明单位台账 2026年"])
    unit_id: UUID = Field(description="单位")
    unit_name: str = Field(description="立册单位")
    catalogue_id: UUID = Field(description="所依目录")
    catalogue_name: str = Field(description="目录名称")
    year: int = Field(description="年度", examples=[2026])
    kind: BookKind = Field(description="own 本单位台账；collected 汇集台账（审核通过的下级报送）")
    part: int = Field(description="第几册；前一册归档后新通过的条目进入下一册")
    natural: bool = Field(description="是否自动生成；否则为归并、分发时新立")
    state: BookState = Field(description="状态")
    entries: int = Field(description="条目数；一份报送在几个小类下就是几条")
    archived_at: Moment | None = Field(description="归档时间")
    version: int = Field(description="版本")


class BookDetail(BookOut):
    """台账册详情"""

    region_path: str = Field(description="区域路径")
    records: int = Field(description="其中台账记录数，一条记录只计一次")
    missing: int = Field(description="按目录要求还缺的条目数")
    incomplete: int = Field(description="还缺条目的目录节点数")
    hash: str | None = Field(description="归档时对全部条目所作的 SHA-256；未归档为 null")
    archived_by_name: str | None = Field(description="归档人")
    archive_reason: str | None = Field(description="归档说明")
    allowed_actions: list[AllowedAction]


class BookUpdate(Strict):
    """修改册名"""

    title: Name = Field(description="册名")


class BookContentsLine(Out):
    """台账册目录的一行"""

    node_id: UUID = Field(description="目录节点")
    parent_id: UUID | None = Field(description="上级节点；顶层为 null")
    code: str = Field(description="编号")
    name: str = Field(description="名称")
    depth: int = Field(description="层级，从 1 起")
    leaf: bool = Field(description="是否小类")
    required: int = Field(description="一年应有的条目数")
    have: int = Field(description="已有条目数，含下级")
    missing: int = Field(description="还缺条目数，含下级")


class BookContents(Out):
    """台账册目录，按目录顺序；下级紧接上级之后"""

    book_id: UUID = Field(description="台账册")
    entries: int = Field(description="条目数")
    missing: int = Field(description="还缺条目数")
    incomplete: int = Field(description="还缺条目的节点数")
    items: list[BookContentsLine] = Field(description="逐行")


class BookEntryOut(Out):
    """台账册的一条"""

    submission_id: UUID = Field(description="报送")
    node_id: UUID = Field(description="目录节点")
    node_code: str = Field(description="小类编号")
    node_name: str = Field(description="小类名称")
    record_id: UUID = Field(description="台账记录")
    version_no: int = Field(description="通过的记录版本")
    title: str = Field(description="记录标题")
    record_unit_id: UUID = Field(description="记录所属单位")
    record_unit_name: str = Field(description="记录所属单位名称")
    sender_unit_name: str = Field(description="报送单位名称")
    receiver_unit_name: str = Field(description="接收单位名称")
    submitted_at: Moment = Field(description="报送时间")
    decided_at: Moment = Field(description="审核通过时间")
    moved: bool = Field(description="是否由归并、分发移入")


class BookEntryRef(Strict):
    """指明一条：报送与其所在小类"""

    submission_id: UUID = Field(description="报送")
    node_id: UUID = Field(description="目录节点")


Year = Annotated[int, Field(ge=1949, le=2200, description="年度", examples=[2026])]
