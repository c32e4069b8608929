"""What strata take and answer."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Code, Moment, Name, Out, Reason, Strict

MAX_STRATA = 2_000
Quota = Annotated[int, Field(ge=1, le=100_000, description="应收的有效答卷数", examples=[20])]


class StratumSort(StrEnum):
    """样本层的排序"""

    POSITION = "position"
    REGION = "region_path"
    LEAST = "left"
    MOST = "-left"


class StratumIn(Strict):
    """一个样本层：某区域的若干受访者"""

    code: Annotated[Code, Field(description="层代码，本问卷内不重复", examples=["370302-001"])]
    name: Name | None = Field(default=None, description="名称；不填为区域名称")
    region_id: UUID = Field(description="区域，须在测评范围内，如社区")
    quota: Quota


class StrataIn(Strict):
    """全部样本层，按顺序；整体替换。例如每区 15 个社区，每社区 20 户"""

    strata: list[StratumIn] = Field(max_length=MAX_STRATA, description="样本层")


class QuotaChange(Strict):
    """变更一层的配额"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
    quota: Quota
    reason: Reason


class StratumOut(Out):
    """一个样本层及其进度"""

    id: UUID
    questionnaire_id: UUID = Field(description="问卷")
    code: str
    name: str
    region_id: UUID
    region_name: str
    region_path: str
    quota: int = Field(description="应收的有效答卷数")
    taken: int = Field(description="已计入样本的答卷数")
    left: int = Field(description="还可接收的答卷数")
    version: int


class StratumDetail(StratumOut):
    """样本层详情"""

    updated_at: Moment
    allowed_actions: list[AllowedAction]


class StrataOut(Out):
    """设置后的样本层"""

    strata: int = Field(description="层数")
    quota: int = Field(description="配额合计")
    version: int
