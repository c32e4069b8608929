"""What the public ranking lists answer."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.city.results.schemas import Hash, ListHead, ListOut
from wenming_api.kit.fields import Moment, Out


class RankingSort(StrEnum):
    """排名的排序"""

    NEWEST = "-published_at"
    OLDEST = "published_at"


class RankingRow(Out):
    """已公布的排名"""

    assessment_id: UUID
    number: str
    name: str
    region_name: str
    starts_on: date | None
    ends_on: date | None
    published_at: Moment
    lists: list[ListHead]


class RankingOut(Out):
    """一次测评公布的排名"""

    assessment_id: UUID
    result_id: UUID
    number: str
    name: str
    region_name: str
    starts_on: date | None
    ends_on: date | None
    published_at: Moment
    hash: Hash
    sites: int = Field(description="点位数")
    standards: int = Field(description="测评标准数")
    observations: int = Field(description="测评次数")
    lists: list[ListOut]
