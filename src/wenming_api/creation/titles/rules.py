"""The history of a holder's level: an append-only chain, of which the last event on or before a day tells the level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from wenming_api.creation.title_rules.rules import TitleLevel


class TitleCause(StrEnum):
    """Why a level changed."""

    NAMED = "named"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        """What it is called."""
        return {"named": "命名", "revoked": "撤销"}[self.value]


@dataclass(frozen=True, slots=True)
class Event:
    """From `from_on` the holder is of `level`, by the decision on an application."""

    no: int
    level: TitleLevel
    from_on: date
    application_id: UUID | None = None


def level_on(events: Sequence[Event], day: date) -> TitleLevel:
    """The level held on a day: that of the last event in force by then. Of two on one day the later number counts."""
    held = [event for event in events if event.from_on <= day]
    return max(held, key=lambda event: event.no).level if held else TitleLevel.NONE


def naming_problem(current: TitleLevel, named: TitleLevel, prerequisite: TitleLevel) -> str | None:
    """Why a holder of `current` cannot be named at a level, in Chinese: a title never falls by naming."""
    if named is TitleLevel.NONE:
        return "命名的级别不能为“无称号”"
    if current.rank < prerequisite.rank:
        return f"须先获得{prerequisite.label}称号，目前为{current.label}"
    if named.rank < current.rank:
        return f"目前已是{current.label}，不能命名为较低的{named.label}"
    return None


def revocation_problem(current: TitleLevel, falls_to: TitleLevel) -> str | None:
    """Why a level cannot be revoked down to another, in Chinese."""
    if current is TitleLevel.NONE:
        return "目前没有称号"
    if falls_to.rank >= current.rank:
        return f"撤销后的级别须低于目前的{current.label}"
    return None


def date_problem(last: date | None, from_on: date, today: date) -> str | None:
    """Why an event cannot take effect on a day, in Chinese: history is not rewritten or written ahead."""
    if last is not None and from_on < last:
        return f"生效日期不能早于上一次变动（{last.isoformat()}）"
    if from_on > today:
        return "生效日期不能晚于今天"
    return None
