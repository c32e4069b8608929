"""Saved filters as they are sent and answered."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator

from wenming_api.kit.fields import Moment, Name, Out, ShortText, Strict
from wenming_api.ledgers.record_searches.schemas import RecordFilter, RecordSort

_NAMES = {*RecordFilter.__slots__, "sort"}


class FilterIn(Strict):
    """保存常用筛选"""

    name: Name = Field(examples=["本季度志愿服务"])
    query: Annotated[
        dict[str, ShortText], Field(max_length=20, description="台账列表的查询参数", examples=[{"q": "志愿"}])
    ]

    @field_validator("query")
    @classmethod
    def _known(cls, query: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(query.keys() - _NAMES):
            raise ValueError(f"台账列表没有查询参数“{unknown[0][:40]}”")
        if "sort" in query and query["sort"] not in {each.value for each in RecordSort}:
            raise ValueError("没有这种排序")
        return query


class FilterOut(Out):
    """常用筛选"""

    id: UUID
    name: str
    query: dict[str, Any] = Field(description="台账列表的查询参数")
    created_at: Moment
    updated_at: Moment
    version: int


class FilterSort(StrEnum):
    """常用筛选的排序"""

    NAME = "name"
    NEWEST = "-created_at"
