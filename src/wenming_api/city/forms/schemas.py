"""A filled-in form as a client sends it, and a form as it is answered."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import UUID7, AwareDatetime, Field, StringConstraints, model_validator

from wenming_api.city.standards.rules import MAX_DEDUCTIONS, ListKind
from wenming_api.kit.fields import Latitude, Longitude, LongText, Out, PositiveScore, Reason, ScoreOut, Strict
from wenming_api.kit.geo import Crs

MAX_LINES = 500
MAX_PHOTOS = 20

ClockTime = Annotated[
    AwareDatetime,
    Field(
        ge=datetime(2000, 1, 1, tzinfo=UTC),
        lt=datetime(2100, 1, 1, tzinfo=UTC),
        examples=["2026-11-22T09:30:00+08:00"],
    ),
]
"""A time that a device reports: any zone, in this century."""

Amount = Annotated[Decimal, Field(ge=0, le=Decimal(10**9), max_digits=19, decimal_places=10, allow_inf_nan=False)]
"""What an assessor counted or measured, in the unit of the standard's rule."""

RuleCode = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A grade's or reason's code, compared with those of the rule."""

Located = TypeVar("Located", "PhotoIn", "SubmissionIn")

Remark = Annotated[LongText, Field(max_length=1000)]


class PhotoIn(Strict):
    """照片：文件编号可先于文件内容到达"""

    file_id: UUID = Field(description="照片文件的编号（UUIDv7，可由客户端生成）")
    taken_at: ClockTime | None = Field(default=None, description="拍摄时间")
    longitude: Longitude | None = None
    latitude: Latitude | None = None

    @model_validator(mode="after")
    def _both_coordinates(self) -> "PhotoIn":
        return _with_both(self)


class LineDeductionIn(Strict):
    """扣分项"""

    reason: RuleCode = Field(description="扣分原因代码", examples=["litter"])
    points: PositiveScore | None = Field(default=None, description="扣分；原因有固定分值时可省略", examples=["0.5"])
    note: Remark | None = Field(default=None, description="说明")
    photos: list[PhotoIn] = Field(default=[], max_length=MAX_PHOTOS, description="照片")


class EntryIn(Strict):
    """一条标准的评分内容：按评分方式填写其中一种，或不适用"""

    not_applicable: bool | None = Field(default=None, description="不适用（须说明原因）")
    passed: bool | None = Field(default=None, description="符合/不符合")
    grade: RuleCode | None = Field(default=None, description="档次代码", examples=["A"])
    count: Amount | None = Field(default=None, description="数量")
    of: Amount | None = Field(default=None, description="实测总量（按比例计数时）")
    vetoed: bool | None = Field(default=None, description="是否触发一票否决")
    deductions: list[LineDeductionIn] | None = Field(
        default=None, max_length=MAX_DEDUCTIONS, description="扣分项；没有扣分时为空列表"
    )


class LineIn(Strict):
    """一条标准的评分"""

    standard_id: UUID
    entry: EntryIn
    note: Remark | None = Field(default=None, description="说明")
    photos: list[PhotoIn] = Field(default=[], max_length=MAX_PHOTOS, description="照片")


class SubmissionIn(Strict):
    """一次提交：编号由客户端生成，重复提交只记一次"""

    id: UUID7 = Field(description="提交编号（UUIDv7，由客户端生成）")
    replaces: UUID | None = Field(
        default=None, description="所依据的当前版本编号；首次提交为 null。已有更新的版本时答 409"
    )
    captured_at: ClockTime = Field(
        description="现场完成时间（设备时钟）；晚于服务器时间 10 分钟以上或早于 2020 年的，请校准设备时间后重新提交"
    )
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    crs: Crs = Field(default=Crs.WGS84, description="坐标系")
    note: Remark | None = Field(default=None, description="说明")
    reason: Reason | None = Field(default=None, description="更正的原因（更正已提交的测评表时必填）")
    lines: list[LineIn] = Field(min_length=1, max_length=MAX_LINES)

    @model_validator(mode="after")
    def _both_coordinates(self) -> "SubmissionIn":
        return _with_both(self)


def _with_both(value: Located) -> Located:
    if (value.longitude is None) != (value.latitude is None):
        raise ValueError("经度和纬度须同时填写")
    return value


class FormLine(Out):
    """测评表中的一条标准"""

    standard_id: UUID
    code: str = Field(examples=["Ⅲ-1-①"])
    text: str
    list_kind: ListKind
    max_score: ScoreOut
    rule: dict[str, Any] = Field(description="评分方式")
    requires_photo: bool = Field(description="失分时须有照片")
    note: str
