"""Requests and answers of catalogues."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, LongText, Moment, Name, Out, ShortText, Strict
from wenming_api.ledgers.catalogues.rules import MAX_DEPTH, NODE_CODE_PATTERN, CatalogueKind, CatalogueState

NodeCode = Annotated[str, Field(pattern=NODE_CODE_PATTERN, description="编号，如原表所印", examples=["1-1"])]
Year = Annotated[int, Field(ge=1949, le=2200, description="适用年度", examples=[2026])]
LevelNames = Annotated[
    list[Name], Field(min_length=1, max_length=MAX_DEPTH, description="自上而下各级的名称", examples=[["大类", "小类"]])
]
Required = Annotated[int, Field(ge=0, le=10_000, description="一年应有的条数，据此判断是否齐全")]
StatementLimit = Annotated[int, Field(ge=1, le=20_000, description="说明报告的字数上限")]
PhotoLimit = Annotated[int, Field(ge=10_000, le=100_000_000, description="单张照片的大小上限，字节")]
Position = Annotated[int, Field(ge=0, le=100_000, description="排序号，小的在前")]


class CatalogueSort(StrEnum):
    """分类目录的排序"""

    NAME = "name"
    CODE = "code"
    NEWEST = "-created_at"


class CatalogueCreate(Strict):
    """新建分类目录"""

    code: Code
    name: Name = Field(examples=["文明单位档案目录"])
    kind: CatalogueKind = CatalogueKind.CATEGORY
    year: Year | None = None
    level_names: LevelNames = ["大类", "小类"]
    source: ShortText | None = Field(default=None, description="出处")


class CatalogueUpdate(Strict):
    """修改分类目录草稿；未给出的字段不变"""

    name: Name | None = None
    year: Year | None = None
    level_names: LevelNames | None = None
    source: ShortText | None = Field(default=None, description="出处")


class CatalogueClone(Strict):
    """复制为新的草稿"""

    code: Code
    name: Name
    year: Year | None = None


class CatalogueRow(Out):
    """列表中的分类目录"""

    id: UUID
    code: str
    name: str
    kind: CatalogueKind
    year: int | None = Field(description="适用年度；不限为 null")
    state: CatalogueState
    level_names: list[str] = Field(description="自上而下各级的名称")
    source: str | None
    unit_id: UUID = Field(description="维护单位")
    unit_name: str = Field(description="维护单位名称")
    updated_at: Moment
    version: int


class CatalogueOut(CatalogueRow):
    """分类目录详情"""

    cloned_from_id: UUID | None
    node_count: int = Field(description="分类总数")
    leaf_count: int = Field(description="小类总数")
    created_at: Moment
    allowed_actions: list[AllowedAction]


class NodeCreate(Strict):
    """新增分类"""

    parent_id: UUID | None = Field(default=None, description="上级分类；最高一级为 null")
    code: NodeCode
    name: Name = Field(examples=["我们的节日"])
    position: Position | None = Field(default=None, description="排序号；不填则排在最后")
    required: Required = 0
    guidance: LongText | None = Field(default=None, description="填报要求")
    statement_limit: StatementLimit | None = None
    photo_limit_bytes: PhotoLimit | None = None
    active: bool = True


class NodeUpdate(Strict):
    """修改分类；未给出的字段不变"""

    code: NodeCode | None = None
    name: Name | None = None
    position: Position | None = None
    required: Required | None = None
    guidance: LongText | None = Field(default=None, description="填报要求")
    statement_limit: StatementLimit | None = None
    photo_limit_bytes: PhotoLimit | None = None
    active: bool | None = None


class CategoryLinks(Strict):
    """同时计入的其他目录的分类，整体替换"""

    node_ids: Annotated[list[UUID], Field(max_length=50)]


class LinkOut(Out):
    """同时计入的分类"""

    node_id: UUID
    catalogue_id: UUID
    catalogue_name: str
    code: str
    name: str


class NodeRow(Out):
    """一个分类；按树的次序列出"""

    id: UUID
    catalogue_id: UUID
    parent_id: UUID | None
    path: str = Field(examples=["1/1-1/"])
    depth: int = Field(description="层级，从 1 起")
    code: str
    name: str
    position: int
    leaf: bool = Field(description="是否小类；记录只归入小类")
    required: int
    guidance: str | None = Field(description="填报要求")
    statement_limit: int | None = Field(description="说明报告的字数上限；不限为 null")
    photo_limit_bytes: int | None = Field(description="单张照片的大小上限，字节；不限为 null")
    active: bool
    version: int


class NodeOut(NodeRow):
    """分类详情"""

    links: list[LinkOut] = Field(description="归入此分类的记录同时计入的其他分类")
    allowed_actions: list[AllowedAction]


class NodeTree(Out):
    """一个目录的全部分类，按树的次序"""

    catalogue_id: UUID
    version: int
    items: list[NodeRow]
