"""What records are asked for and answer."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import ClientId, Judged, Moment, Out, Reason, ShortText, Strict
from wenming_api.ledgers.contents.rules import FileUse
from wenming_api.ledgers.contents.schemas import Content, Day
from wenming_api.ledgers.records.rules import RecordState, SourceKind
from wenming_api.system.files.rules import FileKind, FileState


class RecordCreate(Strict):
    """新增台账记录"""

    id: ClientId | None = Field(default=None, description="客户端生成的 UUIDv7；重发同一记录不会重复新增")
    content: Content


class RecordSave(Strict):
    """保存台账记录：整体替换内容，成为新的版本"""

    content: Content
    reason: ShortText | None = Field(default=None, description="修改说明，记入版本")


class RecordCopy(Strict):
    """复制为新的草稿，用于下一期"""

    id: ClientId | None = Field(default=None, description="客户端生成的 UUIDv7")
    period_start: Day = Field(description="新的所属期起")
    period_end: Day = Field(description="新的所属期止")


class FieldMark(Strict):
    """对一个字段的意见"""

    field: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_~\-]{1,60}){1,6}$", description="字段的 JSON Pointer")]
    note: Annotated[ShortText, Field(min_length=1)]


class Approve(Judged):
    """审核通过"""

    reason: ShortText | None = Field(default=None, description="意见")


class Return(Judged):
    """退回修改"""

    reason: Reason
    marks: Annotated[list[FieldMark], Field(max_length=100)] = []


class FindingOut(Out):
    """质控发现的一个问题"""

    code: str = Field(description="规则代码")
    severity: str = Field(description="严重程度：notice 提示、minor 一般、serious 严重")
    message: str
    path: str = Field(description="所涉字段的 JSON Pointer；不涉具体字段为空")


class CategoryOut(Out):
    """记录所属的一个小类"""

    node_id: UUID
    code: str
    name: str
    catalogue_id: UUID
    catalogue_name: str = Field(description="目录名称")


class RecordFileOut(Out):
    """记录中的一个文件"""

    file_id: UUID
    use: FileUse = Field(description="用途")
    kind: FileKind
    state: FileState
    name: str
    content_type: str
    size: int = Field(description="大小，字节")
    thumbnail: str | None


class VideoOut(Out):
    """系统从视频链接的网页读到的内容；不改变记录"""

    url: str = Field(description="视频链接")
    title: str | None = Field(description="网页的标题；没有为 null")
    cover_url: str | None = Field(description="网页给出的封面图片地址；没有为 null")
    fetched_at: Moment | None = Field(description="读取时间；尚未读取为 null")
    failure: str | None = Field(description="未能读取的原因；没有为 null")


class RecordRow(Out):
    """列表中的台账记录"""

    id: UUID
    number: int
    title: str
    state: RecordState
    work_area_code: str | None = Field(description="工作领域（字典代码）")
    happened_on: date | None = Field(description="发生日期；未填为 null")
    period_start: date | None = Field(description="所属期起")
    period_end: date | None = Field(description="所属期止")
    unit_id: UUID
    unit_name: str
    owner_id: UUID = Field(description="填报人")
    owner_name: str = Field(description="填报人姓名")
    current_version_no: int = Field(description="当前是第几版")
    approved_version_no: int | None = Field(description="已审核的是第几版；没有为 null")
    findings_worst: str | None = Field(description="质控问题中最严重的一级；没有问题为 null")
    categories: list[CategoryOut] = Field(description="所属小类")
    created_at: Moment
    updated_at: Moment
    version: int


class RecordOut(RecordRow):
    """台账记录详情"""

    region_path: str
    unit_path: str | None
    source_kind: SourceKind | None = Field(description="由什么生成；直接填报为 null")
    source_id: UUID | None = Field(description="由哪一个生成")
    copied_from_id: UUID | None = Field(description="复制自哪条记录")
    approval_id: UUID | None = Field(description="最近一次审核；没有为 null")
    content: Content
    findings: list[FindingOut] = Field(description="当前版本的质控结果")
    made_by_name: str = Field(description="当前版本的保存人姓名")
    made_at: Moment = Field(description="当前版本的保存时间")
    files: list[RecordFileOut]
    videos: list[VideoOut] = Field(description="视频链接的标题与封面，按链接的次序")
    draft_saved_at: Moment | None = Field(description="本人自动暂存的时间；没有为 null")
    allowed_actions: list[AllowedAction]


class RecordVersionRow(Out):
    """台账记录的一个版本"""

    no: int
    content_hash: str = Field(description="内容的 SHA-256")
    findings_count: int = Field(description="质控问题数")
    made_by: UUID = Field(description="保存人")
    made_by_name: str = Field(description="保存人姓名")
    made_at: Moment = Field(description="保存时间")
    reason: str | None = Field(description="修改说明")
    approved: bool = Field(description="是否为最近审核通过的版本")


class RecordVersionOut(RecordVersionRow):
    """台账记录的一个版本，含内容"""

    record_id: UUID = Field(description="记录")
    content: Content
    findings: list[FindingOut] = Field(description="保存时的质控结果")


class FieldChangeOut(Out):
    """两个版本之间一个字段的变化"""

    path: str = Field(description="字段的 JSON Pointer", examples=["/title"])
    label: str = Field(examples=["标题"])
    before: Any = Field(description="变更前；没有为 null")
    after: Any = Field(description="变更后；没有为 null")


class Comparison(Out):
    """两个版本的逐项比较"""

    record_id: UUID = Field(description="记录")
    from_no: int = Field(description="比较的起点")
    to_no: int = Field(description="比较的终点")
    changes: list[FieldChangeOut]


class RecordVersionSort(StrEnum):
    """版本的排序"""

    NEWEST = "-no"
    OLDEST = "no"
