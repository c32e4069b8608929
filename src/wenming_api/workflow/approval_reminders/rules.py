"""Who is told that something waits, and in which words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from wenming_api.workflow.approval_flows.rules import ApprovalKind
from wenming_api.workflow.approvals.rules import Decider, Turn, right_to_decide

LINES: Final = 20
"""Most lines of one message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn that waits for a decision."""

    turn_id: UUID
    approval_id: UUID
    kind: ApprovalKind
    title: str
    due_on: date | None
    turn: Turn


def deciders(waiting: Waiting, people: Iterable[Decider]) -> list[UUID]:
    """Who of some people may decide: exactly those whom the engine would let."""
    return [one.user_id for one in people if right_to_decide(waiting.turn, one).may]


def by_person(found: Iterable[Waiting], people: Sequence[Decider]) -> dict[UUID, list[Waiting]]:
    """What waits for whom, in the order found. `people` are all who could decide at one of the turns."""
    places: dict[UUID, list[Decider]] = {}
    for person in people:
        for unit_id in {person.unit_id, *(each.unit_id for each in person.represents)}:
            places.setdefault(unit_id, []).append(person)
    told: dict[UUID, list[Waiting]] = {}
    for waiting in found:
        for user_id in deciders(waiting, places.get(waiting.turn.unit_id, ())):
            told.setdefault(user_id, []).append(waiting)
    return told


def line(waiting: Waiting, *, days_late: int = 0) -> str:
    """One line about what waits; `days_late` in working days."""
    text = f"{waiting.kind.label}“{waiting.title}”"
    if waiting.due_on is not None:
        text += f"，应于 {waiting.due_on} 前审批"
    if days_late > 0:
        text += f"（已逾期 {days_late} 个工作日）"
    return text


def body(waiting: Sequence[Waiting], days_late: Mapping[UUID, int] | None = None) -> str:
    """A message's lines, the longest waiting first as given."""
    lines = [line(one, days_late=(days_late or {}).get(one.turn_id, 0)) for one in waiting[:LINES]]
    if len(waiting) > LINES:
        lines.append(f"另有 {len(waiting) - LINES} 项")
    return "\n".join(lines)
