"""What batches of links take and answer."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from wenming_api.city.questionnaires.schemas import Instant
from wenming_api.city.survey_strata.schemas import MAX_STRATA
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out, ShortText, Strict, Transition

MAX_LINKS = 20_000
LinkPrefix = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,180}$"),
    Field(description="答题页面的地址，令牌接在其后", examples=["https://wm.example.gov.cn/survey#"]),
]


class LinkFormat(StrEnum):
    """链接清单的格式"""

    XLSX = "xlsx"
    CSV = "csv"


class BatchSort(StrEnum):
    """链接批次的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"


class SurveyLinksIn(Strict):
    """生成一批一次性答题链接"""

    per_stratum: Annotated[int, Field(ge=1, le=1_000, description="每层的链接数", examples=[20])]
    stratum_ids: list[UUID] | None = Field(
        default=None, min_length=1, max_length=MAX_STRATA, description="只为这些样本层生成；null 为全部"
    )
    expires_at: Annotated[Instant, Field(description="链接失效时间", examples=["2026-11-15T00:00:00+08:00"])]
    link_prefix: LinkPrefix
    format: LinkFormat = Field(default=LinkFormat.XLSX, description="清单格式")
    note: ShortText | None = None


class BatchRow(Out):
    """一批答题链接；链接本身只在生成时给出一次"""

    id: UUID
    links: int = Field(description="链接数")
    spent: int = Field(description="已使用的链接数")
    revoked: int = Field(description="已作废的链接数")
    note: str | None
    expires_at: Moment
    created_at: Moment
    version: int


class BatchDetail(BatchRow):
    """链接批次详情"""

    allowed_actions: list[AllowedAction]


class LinkRevocation(Transition):
    """作废链接"""

    numbers: list[Annotated[int, Field(ge=1, le=MAX_LINKS)]] | None = Field(
        default=None, min_length=1, max_length=1_000, description="只作废清单中的这些序号；null 为整批"
    )
