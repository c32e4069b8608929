"""What clients send and get about files."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.decoding import Defect
from wenming_api.kit.fields import Moment, Out
from wenming_api.system.files.rules import FileKind, FileState, Variant

Degrees = Annotated[Decimal, Field(examples=["118.0549000"])]


class FileSort(StrEnum):
    """文件排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    LARGEST = "-size"


class Link(Out):
    """直接从对象存储读取的限时地址"""

    variant: Variant = Field(description="original 原件、public 公开副本、preview 预览、thumbnail 缩略图")
    content_type: str
    url: str
    expires_at: Moment


class FileItem(Out):
    """文件列表中的一项"""

    id: UUID
    owner_id: UUID
    kind: FileKind
    state: FileState
    name: str
    content_type: str
    size: int = Field(description="字节数")
    width: int | None = Field(description="宽（像素，方向已校正）")
    height: int | None
    seconds: float | None = Field(description="视频时长（秒）")
    taken_at: Moment | None = Field(description="拍摄时间（EXIF）")
    longitude: Degrees | None = Field(description="拍摄经度（WGS-84）")
    latitude: Degrees | None = Field(description="拍摄纬度（WGS-84）")
    defect: Defect | None = Field(description="隔离原因代码")
    duplicate_of_id: UUID | None = Field(description="内容相同的更早文件")
    created_at: Moment
    version: int
    thumbnail: Link | None


class FileOut(Out):
    """文件详情"""

    id: UUID
    owner_id: UUID
    upload_session_id: UUID | None
    kind: FileKind
    state: FileState
    state_label: str = Field(examples=["可用"])
    name: str
    content_type: str
    size: int
    sha256: str | None = Field(description="原件的 SHA-256")
    phash: str | None = Field(description="感知哈希，64 位十六进制", examples=["54afc08bd0af03ad"])
    width: int | None
    height: int | None
    seconds: float | None
    taken_at: Moment | None
    taken_zone_known: bool | None = Field(description="相机是否写明时区；未写明按北京时间")
    longitude: Degrees | None
    latitude: Degrees | None
    camera: str | None
    defect: Defect | None
    defect_label: str | None = Field(description="隔离原因", examples=["文件已损坏，无法解码"])
    duplicate_of_id: UUID | None
    held: bool = Field(description="是否已被引用；被引用的文件不能删除")
    created_at: Moment
    uploaded_at: Moment | None
    processed_at: Moment | None
    version: int
    links: list[Link]
    allowed_actions: list[AllowedAction]
