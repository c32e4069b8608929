"""Approvals (审批): states, who may decide at a step, what a decision leads to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from wenming_api.catalog.permissions import Permission
from wenming_api.workflow.stand_ins.rules import Represented


class ApprovalState(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    RETURNED = "returned"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"pending": "审批中", "approved": "已通过", "returned": "已退回", "cancelled": "已撤销"}[self.value]


class Decision(StrEnum):
    """What a decider does."""

    APPROVE = "approve"
    RETURN = "return"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"approve": "通过", "return": "退回"}[self.value]


TRANSITIONS: Final[dict[ApprovalState, frozenset[ApprovalState]]] = {
    ApprovalState.PENDING: frozenset(ApprovalState),
    ApprovalState.APPROVED: frozenset(),
    ApprovalState.RETURNED: frozenset(),
    ApprovalState.CANCELLED: frozenset(),
}
"""From which state an approval goes where; what has ended never changes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be approved: one version of something that belongs to a unit and was written by somebody.

    `kind` is a value of `ApprovalKind`; `receiver_unit_id` the unit whose people decide at the place 接收单位.
    """

    kind: str
    id: UUID
    version: int
    title: str
    unit_id: UUID
    author_id: UUID
    receiver_unit_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """What is wrong with one field of what was judged: a JSON pointer into it, and what to do."""

    field: str
    note: str

    def to_json(self) -> dict[str, Any]:
        """As kept with the decision."""
        return {"field": self.field, "note": self.note}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an approval stands, and whether the caller may decide now.

    `step_name`, `unit_id` and `due_on` are those of the current step, or of the last one when the approval has ended.
    `on_behalf_of`: the user in whose place the caller would decide, when he may not in his own right. After a decision
    `may_decide` speaks of the next step.
    """

    id: UUID
    state: ApprovalState
    position: int
    step_name: str
    unit_id: UUID
    due_on: date | None
    version: int
    may_decide: bool
    why_not: str | None
    on_behalf_of: UUID | None


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is: what deciding at a step takes."""

    state: ApprovalState
    step_name: str
    unit_id: UUID
    permission: str
    author_id: UUID


@dataclass(frozen=True, slots=True)
class Decider:
    """Who wants to decide. `absent`: he has named a deputy who decides in his place today."""

    user_id: UUID
    unit_id: UUID
    permissions: Collection[str]
    absent: bool = False
    represents: Sequence[Represented] = ()


@dataclass(frozen=True, slots=True)
class Right:
    """Whether somebody may decide: in his own right, in somebody's place, or why not (Chinese)."""

    may: bool
    why_not: str | None = None
    on_behalf_of: UUID | None = None


def _named(permission: str) -> str:
    try:
        return Permission(permission).label
    except ValueError:
        return permission


def right_to_decide(turn: Turn, who: Decider) -> Right:
    """Whether a decider may decide at a turn.

    It takes a user of the turn's unit who holds its permission, or a deputy of such a user. A deputy holds the
    permission himself: what he is lent is the place. Nobody decides on what he wrote, nor does his deputy for him.
    """
    if turn.state is not ApprovalState.PENDING:
        return Right(False, f"审批已结束（{turn.state.label}）")
    if who.user_id == turn.author_id:
        return Right(False, "不能审批本人提交的内容，请由其他人审批")
    if who.absent:
        return Right(False, "您已登记外出，由代理人审批；如已返回，请先结束外出登记")
    own_place = who.unit_id == turn.unit_id
    if turn.permission not in who.permissions:
        place = "" if own_place else f"，且“{turn.step_name}”环节由其他单位审批"
        return Right(False, f"需要“{_named(turn.permission)}”权限{place}")
    if own_place:
        return Right(True)
    fitting = [each for each in who.represents if each.unit_id == turn.unit_id and turn.permission in each.permissions]
    for each in fitting:
        if each.user_id != turn.author_id:
            return Right(True, on_behalf_of=each.user_id)
    if fitting:
        return Right(False, "委托人是提交人，不能由其代理人审批")
    return Right(False, f"当前是“{turn.step_name}”环节，由其他单位审批")


def outcome(decision: Decision, *, position: int, steps: int) -> tuple[ApprovalState, int]:
    """The state and position that a decision at `position` of `steps` leads to."""
    if decision is Decision.RETURN:
        return ApprovalState.RETURNED, position
    if position < steps:
        return ApprovalState.PENDING, position + 1
    return ApprovalState.APPROVED, position


def turn_state(decision: Decision) -> ApprovalState:
    """What a turn becomes by a decision."""
    return ApprovalState.RETURNED if decision is Decision.RETURN else ApprovalState.APPROVED


def overdue(due_on: date | None, today: date) -> bool:
    """Whether a deadline has passed: the day itself is still in time."""
    return due_on is not None and due_on < today


def places_to_decide(who: Decider) -> list[Represented]:
    """Where somebody may decide today and by which permissions: in his own right, and in the places of others."""
    if who.absent:
        return []
    held = frozenset(who.permissions)
    own = Represented(who.user_id, who.unit_id, held)
    return [own, *(Represented(each.user_id, each.unit_id, each.permissions & held) for each in who.represents)]
