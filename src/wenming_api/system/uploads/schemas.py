"""What clients send and get about uploads."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field, field_validator

from wenming_api.kit.fields import ClientId, Moment, Name, Out, Strict
from wenming_api.system.files.rules import MAX_FILES_PER_UPLOAD, FileKind, FileState


class FileAnnounced(Strict):
    """将要上传的一个文件"""

    id: ClientId | None = Field(default=None, description="离线时由客户端生成的 UUIDv7；重发同一 id 不会重复建立")
    name: Name = Field(description="文件名", examples=["IMG_2026.jpg"])
    kind: FileKind = Field(description="photo 照片、video 视频、workbook 表格、document 文档")
    content_type: str = Field(max_length=100, pattern=r"^[a-z]+/[a-z0-9.+\-]+$", examples=["image/jpeg"])
    size: int = Field(ge=1, le=2**40, description="字节数，上传时必须与之一致", examples=[2481233])


class UploadRequested(Strict):
    """一批要上传的文件"""

    id: ClientId | None = Field(default=None, description="批次号，可由客户端生成")
    files: list[FileAnnounced] = Field(min_length=1, max_length=MAX_FILES_PER_UPLOAD)

    @field_validator("files")
    @classmethod
    def _distinct(cls, files: list[FileAnnounced]) -> list[FileAnnounced]:
        given = [one.id for one in files if one.id is not None]
        if len(given) != len(set(given)):
            raise ValueError("同一批中的文件编号不能重复")
        return files


class SlotStatus(StrEnum):
    """批次中一个文件的情况：send 请上传；arrived 已收到；refused 不接受"""

    SEND = "send"
    ARRIVED = "arrived"
    REFUSED = "refused"


class FormOut(Out):
    """以 multipart/form-data 直接 POST 到对象存储：先依次写入 fields，最后写入名为 file 的文件"""

    url: str = Field(examples=["http://192.168.1.2:8333/wenming"])
    fields: dict[str, str]


class PartOut(Out):
    """分片上传中的一片：以 PUT 直接发送到 url"""

    number: int = Field(description="第几片，从 1 起")
    offset: int = Field(description="该片在文件中的起点（字节）")
    size: int = Field(description="该片的字节数")
    uploaded: bool = Field(description="是否已收到，断点续传时跳过")
    url: str | None = Field(description="已收到时为 null")


class Slot(Out):
    """批次中的一个文件"""

    file_id: UUID
    status: SlotStatus
    state: FileState | None = Field(description="文件状态；不接受时为 null")
    form: FormOut | None = Field(description="照片、表格与文档的上传表单")
    parts: list[PartOut] | None = Field(description="视频的分片")
    code: str | None = Field(description="不接受或尚未收到的原因代码", examples=["content_type"])
    message: str | None = Field(description="原因说明", examples=["照片只接受 JPG、PNG 格式"])


class UploadOut(Out):
    """一个上传批次，逐个文件给出情况"""

    id: UUID
    expires_at: Moment = Field(description="此前未传完的文件将被清除")
    links_expire_at: Moment = Field(description="此前表单与分片地址有效；过期后用相同的 id 重新请求即可")
    files: list[Slot]


class Arrival(Out):
    """一个文件的接收情况"""

    file_id: UUID
    status: SlotStatus
    state: FileState
    code: str | None = Field(description="尚未收到的原因代码", examples=["not_arrived"])
    message: str | None


class ArrivalsOut(Out):
    """批次的接收情况"""

    id: UUID
    files: list[Arrival]
