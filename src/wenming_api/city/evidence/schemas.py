"""What a reader gets to see of evidence."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Moment, Out
from wenming_api.system.files.rules import FileState
from wenming_api.system.files.schemas import Link

Degrees = Annotated[Decimal | None, Field(examples=["118.0549000"])]


class EvidencePhoto(Out):
    """一张证据照片；链接为限时地址，均不含照片自带的拍摄信息"""

    file_id: UUID
    line_id: UUID
    standard_id: UUID
    no: int = Field(description="在该标准中的序号")
    deduction_no: int | None = Field(description="所属扣分项；不属于某一扣分项时为 null")
    state: FileState | None = Field(description="文件状态；尚未登记时为 null")
    defect_label: str | None = Field(description="未通过检查的原因")
    taken_at: Moment | None = Field(description="测评人员填报的拍摄时间")
    longitude: Degrees = Field(description="填报的经度")
    latitude: Degrees
    camera_taken_at: Moment | None = Field(description="照片自带的拍摄时间（EXIF）")
    camera_longitude: Degrees = Field(description="照片自带的经度（WGS-84）")
    camera_latitude: Degrees
    duplicate_of_id: UUID | None = Field(description="内容相同的更早文件，提示照片被重复使用")
    thumbnail: Link | None
    preview: Link | None
    public: Link | None = Field(description="大图")
