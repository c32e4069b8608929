"""What statistics take and answer."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import Field

from wenming_api.analytics.statistics.rules import Dimension, Period
from wenming_api.kit.fields import Out, ScoreOut
from wenming_api.system.regions.rules import RegionLevel


@dataclass(frozen=True, slots=True)
class PivotWish:
    """Which lines are summed up, and by what."""

    dimensions: tuple[Dimension, ...]
    region_level: RegionLevel = RegionLevel.COUNTY
    indicator_level: int = 1
    period: Period = Period.MONTH
    assessment_ids: tuple[UUID, ...] = ()
    region_code: str | None = None
    site_type_code: str | None = None
    industry_code: str | None = None
    unit_id: UUID | None = None
    department_id: UUID | None = None
    indicator_id: UUID | None = None
    method: str | None = None


class PivotKey(Out):
    """一行在一个维度上的取值"""

    dimension: Dimension
    key: str | None = Field(description="代码或编号，可直接用作“成绩依据”的筛选条件；未填写的为 null")
    label: str


class PivotRow(Out):
    """透视表的一行"""

    keys: list[PivotKey]
    achieved: ScoreOut = Field(description="得分合计")
    max_score: ScoreOut = Field(description="分值合计")
    score: ScoreOut | None = Field(description="100 × 得分合计 / 分值合计，两位小数")
    applicable: int = Field(description="适用的评分条数")
    conforming: int = Field(description="其中符合的条数")
    conformance: ScoreOut | None = Field(description="符合率，百分数，两位小数")


class PivotOut(Out):
    """透视表"""

    dimensions: list[Dimension]
    rows: list[PivotRow]
    complete: bool = Field(description="行数超过上限时为 false，请增加筛选条件")
