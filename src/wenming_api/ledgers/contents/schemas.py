"""What a record says."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, PlainSerializer, StringConstraints, model_validator

from wenming_api.kit.clock import SHANGHAI
from wenming_api.kit.fields import Latitude, Longitude, LongText, Name, ShortText, Strict, as_text
from wenming_api.ledgers.contents.rules import (
    MAX_ATTACHMENTS,
    MAX_CATEGORIES,
    MAX_PHOTOS,
    MAX_UNDERLINES,
    MAX_VIDEOS,
    AttachmentKind,
)
from wenming_api.system.dictionaries.rules import CODE_PATTERN

CaptionPart = Annotated[ShortText, Field(max_length=200)]
When = Annotated[
    AwareDatetime,
    Field(ge=datetime(1949, 10, 1, tzinfo=SHANGHAI), lt=datetime(2101, 1, 1, tzinfo=SHANGHAI)),
    PlainSerializer(lambda value: value.astimezone(SHANGHAI).isoformat(), return_type=str, when_used="json"),
]
Day = Annotated[date, Field(ge=date(1949, 10, 1), lt=date(2101, 1, 1))]
Hours = Annotated[
    Decimal,
    Field(ge=0, le=1_000_000, max_digits=9, decimal_places=2, allow_inf_nan=False, examples=["36.5"]),
    PlainSerializer(as_text, return_type=str, when_used="json"),
]
VideoUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^https?://[^\s<>\"\\^`{|}\x00-\x20]+$"),
    Field(examples=["https://v.example.gov.cn/play/1024"]),
]
WorkArea = Annotated[
    str, Field(pattern=CODE_PATTERN, description="工作领域，见字典 work_area", examples=["volunteer_service"])
]


class Caption(Strict):
    """照片说明的六要素"""

    time: CaptionPart = Field(default="", description="时间", examples=["2026年3月5日上午"])
    place: CaptionPart = Field(default="", description="地点", examples=["城里社区广场"])
    people: CaptionPart = Field(default="", description="人物")
    theme: CaptionPart = Field(default="", description="主题")
    background: CaptionPart = Field(default="", description="背景")
    reason: CaptionPart = Field(default="", description="事由")


class Photo(Strict):
    """记录中的一张照片"""

    file_id: UUID
    caption: Caption = Caption()


class Video(Strict):
    """视频：网络链接或上传的视频文件，二者取一"""

    url: VideoUrl | None = None
    file_id: UUID | None = None
    title: ShortText = Field(default="", description="标题；留空时由系统从网页读取")
    cover_file_id: UUID | None = Field(default=None, description="封面图片")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.url is None) == (self.file_id is None):
            raise ValueError("视频须填写链接或选择上传的视频文件，二者取一")
        return self


class Attachment(Strict):
    """记录的一份附件"""

    file_id: UUID
    name: Name
    kind: AttachmentKind = AttachmentKind.OTHER


class Underline(Strict):
    """正文中证明指标的一段，按字符从 0 起，不含 end"""

    start: int = Field(ge=0, lt=20_000, description="起始字符，从 0 起")
    end: int = Field(gt=0, le=20_000, description="结束字符（不含）")


class Content(Strict):
    """台账记录的内容"""

    title: Name = Field(examples=["学雷锋志愿服务进社区"])
    text: LongText = Field(default="", description="正文")
    node_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CATEGORIES, description="所属小类，可多选")]
    work_area_code: WorkArea | None = None
    happened_at: When | None = Field(default=None, description="开始时间")
    ended_at: When | None = Field(default=None, description="结束时间")
    period_start: Day | None = Field(default=None, description="所属期起")
    period_end: Day | None = Field(default=None, description="所属期止")
    place: ShortText = Field(default="", description="地点")
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    participants: Annotated[LongText, Field(max_length=2_000)] = Field(default="", description="参加人员")
    participant_count: int | None = Field(default=None, ge=0, le=1_000_000, description="参加人数")
    photos: Annotated[list[Photo], Field(max_length=MAX_PHOTOS)] = []
    videos: Annotated[list[Video], Field(max_length=MAX_VIDEOS)] = []
    attachments: Annotated[list[Attachment], Field(max_length=MAX_ATTACHMENTS)] = []
    document_number: ShortText | None = Field(default=None, description="文号", examples=["淄文明办〔2026〕3号"])
    volunteer_hours: Hours | None = Field(default=None, description="志愿服务时长，小时")
    conclusion: Annotated[LongText, Field(max_length=5_000)] = Field(default="", description="结论性说明")
    underlines: Annotated[list[Underline], Field(max_length=MAX_UNDERLINES)] = []

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if len(set(self.node_ids)) < len(self.node_ids):
            raise ValueError("分类有重复")
        if self.happened_at and self.ended_at and self.ended_at < self.happened_at:
            raise ValueError("结束时间早于开始时间")
        if (self.period_start is None) != (self.period_end is None):
            raise ValueError("所属期的起止须同时填写")
        if self.period_start and self.period_end and self.period_end < self.period_start:
            raise ValueError("所属期止早于所属期起")
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("经度与纬度须同时填写")
        for label, files in (("照片", self.photos), ("附件", self.attachments)):
            if len({each.file_id for each in files}) < len(files):
                raise ValueError(f"{label}有重复的文件")
        if any(mark.end <= mark.start or mark.end > len(self.text) for mark in self.underlines):
            raise ValueError("标注的起止须在正文之内")
        return self
