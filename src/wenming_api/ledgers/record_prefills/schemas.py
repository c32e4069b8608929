"""What is offered while a record is written."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Latitude, Longitude, Moment, Out


class PrefillSource(StrEnum):
    """预填内容的来源"""

    RECORD = "record"
    UNIT = "unit"


class PrefilledField(Out):
    """一个预填的字段"""

    field: str = Field(description="字段名", examples=["place"])
    label: str
    value: Any = Field(description="预填的值")
    source: PrefillSource = Field(description="来源：record 以前的记录，unit 单位资料")
    source_id: UUID = Field(description="来自哪条记录或哪个单位")
    source_title: str = Field(description="来源的标题或名称")
    as_of: Moment = Field(description="来源最近修改的时间")


class PrefillOut(Out):
    """已有数据可预填的内容"""

    node_id: UUID
    fields: list[PrefilledField] = Field(description="预填的字段及其来源；没有可用的数据时为空")


class CaptionSuggestion(Out):
    """由照片自带信息得出的说明建议"""

    file_id: UUID
    ready: bool = Field(description="照片是否已检查完毕；未完毕时稍后再试")
    time: str | None = Field(description="建议的时间；照片未带拍摄时间为 null", examples=["2026年3月5日 9:05"])
    place: str | None = Field(description="建议的地点；照片未带位置为 null")
    taken_at: Moment | None
    longitude: Longitude | None
    latitude: Latitude | None
