"""What the drill-down from a figure takes and answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.city.standards.rules import Outcome
from wenming_api.kit.fields import Moment, Out, ScoreOut


class LineSort(StrEnum):
    """评分依据的排序"""

    SITE = "site_code"
    LOST = "-lost"
    STANDARD = "standard_code"


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines of a result are meant; every condition given must hold."""

    under: str | None = None
    region_code: str | None = None
    site_id: UUID | None = None
    site_type_code: str | None = None
    industry_code: str | None = None
    unit_id: UUID | None = None
    department_id: UUID | None = None
    standard_id: UUID | None = None
    indicator_id: UUID | None = None
    method: str | None = None
    conforming: bool | None = None
    outcome: Outcome | None = None


class LineDeduction(Out):
    """扣分项"""

    no: int
    points: ScoreOut
    reason_code: str | None
    note: str | None


class LinePhotoOut(Out):
    """照片"""

    no: int
    deduction_no: int | None = Field(description="所说明的扣分项序号")
    file_id: UUID
    taken_at: Moment | None
    longitude: Annotated[ScoreOut, Field(examples=["118.0475123"])] | None
    latitude: Annotated[ScoreOut, Field(examples=["36.8134497"])] | None


class ResultLine(Out):
    """一条评分依据"""

    id: UUID
    sheet_id: UUID
    sheet_version_id: UUID
    site_id: UUID
    site_code: str
    site_name: str
    site_type_code: str
    region_path: str
    standard_id: UUID
    standard_code: str
    standard_text: str
    outcome: Outcome
    entry: dict[str, Any] = Field(description="测评人员的判定")
    achieved: ScoreOut | None
    max_score: ScoreOut
    lost: ScoreOut | None = Field(description="失分")
    note: str | None
    deductions: list[LineDeduction]
    photos: list[LinePhotoOut]
