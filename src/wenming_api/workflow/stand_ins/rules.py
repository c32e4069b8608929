"""Who may stand in for whom, and when: one deputy at a time, and no deputy of a deputy."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

MAX_DAYS: Final = 366
"""The longest a deputy stands in without being named anew."""


class StandInKind(StrEnum):
    """Whether the user goes on deciding himself."""

    DELEGATION = "delegation"
    ABSENCE = "absence"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"delegation": "委托（本人仍可审批）", "absence": "外出（由代理人审批）"}[self.value]


@dataclass(frozen=True, slots=True)
class Span:
    """A deputy for a user, from one day to another, both included."""

    user_id: UUID
    deputy_id: UUID
    starts_on: date
    ends_on: date

    def overlaps(self, other: "Span") -> bool:
        """Whether there is a day that both cover."""
        return self.starts_on <= other.ends_on and other.starts_on <= self.ends_on


@dataclass(frozen=True, slots=True)
class Represented:
    """A user in whose place somebody decides today, with what that user may."""

    user_id: UUID
    unit_id: UUID
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Today:
    """What stand-ins mean for a user on one day: whether he is away himself, and in whose places he decides."""

    absent: bool = False
    represents: tuple[Represented, ...] = ()


def within_reach(user_path: str, deputy_path: str) -> bool:
    """Whether the deputy's unit is the user's own, or above or below it in the chain of managing units."""
    return user_path.startswith(deputy_path) or deputy_path.startswith(user_path)


def clash(new: Span, existing: Iterable[Span]) -> str | None:
    """Why a deputy cannot be named, in Chinese; None when he can.

    On every day, whoever has a deputy is nobody's deputy: chains are no longer than one, so there are no circles.
    """
    if new.user_id == new.deputy_id:
        return "不能委托给自己"
    for other in existing:
        if not new.overlaps(other):
            continue
        when = f"{other.starts_on}至{other.ends_on}"
        if other.user_id == new.user_id:
            return f"{when}已有代理人，请先结束原代理"
        if other.user_id == new.deputy_id:
            return f"代理人{when}已把审批委托给他人，不能再代理别人"
        if other.deputy_id == new.user_id:
            return f"{when}正代理他人审批，不能再转委托"
    return None
