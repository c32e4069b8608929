"""What method totals take and answer."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.city.surveys.rules import ScoreSource
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Moment, Out, PositiveScore, ScoreIn, ScoreOut, ShortText, Strict

Points = Annotated[ScoreIn, Field(ge=0, description="得分，不超过满分", examples=["91.3"])]
Most = Annotated[PositiveScore, Field(description="满分", examples=["100"])]


class MethodScoreSort(StrEnum):
    """问卷与材料得分的排序"""

    REGION = "region_path"
    BEST = "-score"
    WORST = "score"
    NEWEST = "-created_at"


class MethodScoreCreate(Strict):
    """录入一个区域或单位的得分"""

    method_code: Annotated[Code, Field(description="测评方法代码，来源须为录入", examples=["survey"])]
    region_id: UUID | None = Field(default=None, description="区域；与单位二者选一")
    unit_id: UUID | None = Field(default=None, description="单位；与区域二者选一")
    score: Points
    max_score: Most = Decimal(100)
    note: ShortText | None = None

    @model_validator(mode="after")
    def _one_object(self) -> Self:
        if (self.region_id is None) == (self.unit_id is None):
            raise ValueError("须指明区域或单位之一")
        return self


class MethodScoreUpdate(Strict):
    """修改得分；未给出的字段不变"""

    score: Points | None = None
    max_score: Most | None = None
    note: ShortText | None = None


class MethodScoreOut(Out):
    """一个区域或单位在一种测评方法上的得分"""

    id: UUID
    assessment_id: UUID
    method_code: str = Field(examples=["survey"])
    method_name: str = Field(examples=["问卷调查"])
    region_id: UUID | None
    unit_id: UUID | None
    object_name: str = Field(description="区域全名或单位名称", examples=["淄博市/张店区"])
    region_path: str
    score: ScoreOut
    max_score: ScoreOut
    source: ScoreSource
    note: str | None
    created_at: Moment
    version: int


class MethodScoreDetail(MethodScoreOut):
    """得分详情"""

    updated_at: Moment
    allowed_actions: list[AllowedAction]
