"""What questionnaire scores take and answer."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Code, Moment, Out, ScoreOut, Strict


class SurveyScoreSort(StrEnum):
    """问卷得分的排序"""

    REGION = "region_path"
    BEST = "-score"
    WORST = "score"


class ComputeIn(Strict):
    """计算问卷得分"""

    method_code: Annotated[Code | None, Field(description="只计算此方法；null 为全部来自问卷的方法")] = None


class ComputedMethod(Out):
    """一种方法计算后的各区域总分"""

    method_code: str
    regions: int = Field(description="有得分的区域数")
    created: int
    updated: int
    unchanged: int
    removed: int


class ComputeOut(Out):
    """计算结果"""

    methods: list[ComputedMethod]


class SurveyScoreOut(Out):
    """一个区域在一条标准上的问卷得分"""

    id: UUID
    method_code: str
    region_id: UUID
    region_name: str
    region_path: str
    standard_id: UUID
    standard_code: str
    respondents: int | None = Field(description="作答人数；少于 5 人时为 null")
    score: ScoreOut | None = Field(description="得分率 × 100；作答少于 5 人时不显示，为 null")
    exact: str | None = Field(description="精确值（分数）；作答少于 5 人时为 null", examples=["500/7"])
    created_at: Moment = Field(description="计算时间")
