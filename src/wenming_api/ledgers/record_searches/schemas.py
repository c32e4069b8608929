"""What the list of records is asked for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Search
from wenming_api.kit.pages import given
from wenming_api.ledgers.contents.schemas import Day
from wenming_api.ledgers.records.rules import RecordState
from wenming_api.system.dictionaries.rules import CODE_PATTERN

SEVERITIES = r"^(notice|minor|serious)$"


class RecordSort(StrEnum):
    """台账记录的排序"""

    UPDATED_DOWN = "-updated_at"
    UPDATED = "updated_at"
    HAPPENED_DOWN = "-happened_on"
    HAPPENED = "happened_on"
    NUMBER_DOWN = "-number"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records: every condition given holds. The fields are the query parameters of the list."""

    q: Annotated[Search | None, Field(description="内容中包含的词，两个字以上；多个词以空格分开")] = None
    state: Annotated[RecordState | None, Field(description="状态")] = None
    unit_id: Annotated[UUID | None, Field(description="填报单位")] = None
    under_unit_id: Annotated[UUID | None, Field(description="填报单位及其下级单位")] = None
    region_id: Annotated[UUID | None, Field(description="区域（含下级）")] = None
    node_id: Annotated[UUID | None, Field(description="分类；大类包含其小类")] = None
    work_area: Annotated[str | None, Field(max_length=40, pattern=CODE_PATTERN, description="工作领域代码")] = None
    owner_id: Annotated[UUID | None, Field(description="填报人")] = None
    severity: Annotated[str | None, Field(max_length=10, pattern=SEVERITIES, description="质控问题中最严重的一级")] = (
        None
    )
    happened_from: Annotated[Day | None, Field(description="发生日期，从（含）")] = None
    happened_to: Annotated[Day | None, Field(description="发生日期，到（含）")] = None
    period_from: Annotated[Day | None, Field(description="所属期与此日之后有交集")] = None
    period_to: Annotated[Day | None, Field(description="所属期与此日之前有交集")] = None

    def given(self) -> dict[str, Any]:
        """The conditions that are given, by name."""
        return given(**{name: getattr(self, name) for name in self.__slots__})
