"""Requests and answers of packages."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import LongText, Moment, Name, Out, Strict
from wenming_api.kit.shrinking import SMALLEST_LIMIT
from wenming_api.ledgers.packages.rules import GapKind, MemberKind, PackageState

StatementLimit = Annotated[int, Field(ge=1, le=20_000, description="说明的字数上限；null 则按目录节点，默认 500 字")]
PhotoLimit = Annotated[
    int,
    Field(ge=SMALLEST_LIMIT, le=30 * 1024 * 1024, description="单张照片的字节上限；null 则按目录节点，默认 1 MB"),
]


class PackageSort(StrEnum):
    """材料包的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    TITLE = "title"


class GapSort(StrEnum):
    """缺项的排序"""

    POSITION = "position"


class MemberSort(StrEnum):
    """材料包内容的排序"""

    POSITION = "position"
    LARGEST = "-size"


class PackageCreate(Strict):
    """新建材料包"""

    book_id: UUID = Field(description="取材的台账册")
    title: Name | None = Field(default=None, description="名称；不填则同册名")
    statement_limit: StatementLimit | None = None
    photo_limit_bytes: PhotoLimit | None = None


class PackageUpdate(Strict):
    """修改材料包；未给出的字段不变"""

    title: Name | None = Field(default=None, description="名称")
    statement_limit: StatementLimit | None = None
    photo_limit_bytes: PhotoLimit | None = None


class StatementIn(Strict):
    """一个节点的说明；为空则用台账记录的结论性说明"""

    node_id: UUID = Field(description="目录节点")
    text: LongText = Field(description="说明")


class StatementsUpdate(Strict):
    """填写各节点的说明"""

    items: Annotated[list[StatementIn], Field(min_length=1, max_length=200, description="各节点的说明")]


class PackageOut(Out):
    """申报材料包"""

    id: UUID = Field(description="编号")
    title: str = Field(description="名称")
    book_id: UUID = Field(description="取材的台账册")
    unit_id: UUID = Field(description="单位")
    unit_name: str = Field(description="申报单位")
    catalogue_id: UUID = Field(description="所依目录")
    year: int = Field(description="年度")
    state: PackageState = Field(description="状态")
    statement_limit: int | None = Field(description="说明的字数上限；null 则按目录节点")
    photo_limit_bytes: int | None = Field(description="单张照片的字节上限；null 则按目录节点")
    validated_at: Moment | None = Field(description="最近一次校验时间")
    blocking: int = Field(description="必须补正的缺项数")
    warnings: int = Field(description="其他缺项数")
    members_total: int = Field(description="应打包的文件数")
    members_done: int = Field(description="已打包的文件数")
    bytes_done: int = Field(description="已写入的字节数")
    size: int | None = Field(description="材料包的字节数；未打包为 null")
    manifest_hash: str | None = Field(description="清单 manifest.json 的 SHA-256")
    built_at: Moment | None = Field(description="打包完成时间")
    error: str | None = Field(description="失败原因")
    created_at: Moment = Field(description="建立时间")
    version: int = Field(description="版本")


class PackageDetail(PackageOut):
    """材料包详情"""

    state_label: str = Field(description="状态名称")
    allowed_actions: list[AllowedAction]


class PackageProgress(Out):
    """打包进度"""

    state: PackageState = Field(description="状态")
    members_total: int = Field(description="应打包的文件数")
    members_done: int = Field(description="已打包的文件数")
    bytes_done: int = Field(description="已写入的字节数")
    percent: int = Field(description="百分比，0–100", ge=0, le=100)
    started_at: Moment | None = Field(description="开始时间")
    progressed_at: Moment | None = Field(description="最近一次进展的时间")
    seconds_left: int | None = Field(description="按目前速度还需的秒数；不能估计为 null")
    error: str | None = Field(description="失败原因")


class PackageGapOut(Out):
    """一个缺项"""

    position: int = Field(description="序号")
    kind: GapKind = Field(description="缺项种类")
    blocking: bool = Field(description="是否必须补正后才能打包")
    node_id: UUID = Field(description="目录节点")
    node_code: str = Field(description="节点编号")
    node_name: str = Field(description="节点名称")
    submission_id: UUID | None = Field(description="所涉报送")
    file_id: UUID | None = Field(description="所涉文件")
    by: int | None = Field(description="缺几条或超几字")
    message: str = Field(description="说明")


class PackageMemberOut(Out):
    """材料包中的一个文件"""

    position: int = Field(description="序号")
    name: str = Field(description="包内路径")
    kind: MemberKind = Field(description="文件种类")
    node_id: UUID | None = Field(description="所属节点")
    submission_id: UUID | None = Field(description="来自哪份报送")
    size: int | None = Field(description="字节数；尚未写入为 null")
    sha256: str | None = Field(description="SHA-256；尚未写入为 null")


class PackageLink(Out):
    """下载链接"""

    url: str = Field(description="直接从文件存储下载，限时有效")
    expires_at: Moment = Field(description="失效时间")
    size: int = Field(description="字节数")
    manifest_hash: str = Field(description="清单 manifest.json 的 SHA-256")


class StatementOut(Out):
    """一个节点的说明"""

    node_id: UUID = Field(description="目录节点")
    text: str = Field(description="说明")
