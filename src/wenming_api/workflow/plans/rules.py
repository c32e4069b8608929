"""Plans: states, lights, progress and what a revision changed. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_TASKS = 2_000
"""Tasks of one plan."""
MAX_DEPTH = 6
_CENT = Decimal("0.01")
DONE = Decimal(100)


class PlanState(StrEnum):
    """Where a plan stands (C1.1)."""

    DRAFT = "draft"
    PUBLISHED = "published"
    REVISING = "revising"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"draft": "草稿", "published": "已发布", "revising": "修订中", "closed": "已办结"}[self.value]


class PlanAction(StrEnum):
    """What changes the state of a plan."""

    PUBLISH = "publish"
    REVISE = "revise"
    CLOSE = "close"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"publish": "发布", "revise": "修订", "close": "办结"}[self.value]


TRANSITIONS: Mapping[tuple[PlanState, PlanAction], PlanState] = {
    (PlanState.DRAFT, PlanAction.PUBLISH): PlanState.PUBLISHED,
    (PlanState.PUBLISHED, PlanAction.REVISE): PlanState.REVISING,
    (PlanState.REVISING, PlanAction.PUBLISH): PlanState.PUBLISHED,
    (PlanState.PUBLISHED, PlanAction.CLOSE): PlanState.CLOSED,
}
"""Every transition there is; a closed plan stays closed."""

EDITABLE = frozenset({PlanState.DRAFT, PlanState.REVISING})
"""States in which tasks may be added, changed, moved and removed."""
REPORTABLE = frozenset({PlanState.PUBLISHED, PlanState.REVISING})
"""States in which progress is reported: a revision under way does not hold up the work."""


def next_state(state: PlanState, action: PlanAction) -> PlanState | None:
    """Where an action leads, or None when the state does not allow it."""
    return TRANSITIONS.get((state, action))


def allowed(state: PlanState) -> list[PlanAction]:
    """The actions that a state allows, in their usual order."""
    return [action for action in PlanAction if (state, action) in TRANSITIONS]


class PlanLight(StrEnum):
    """How a task stands against its due date (C1.1)."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"green": "正常", "yellow": "临近到期", "red": "已逾期"}[self.value]


def light(*, due_on: date | None, done_on: date | None, today: date, warn_days: int) -> PlanLight:
    """Green while there is time or when done; yellow within `warn_days` of the due date; red after it."""
    if due_on is None or done_on is not None:
        return PlanLight.GREEN
    if today > due_on:
        return PlanLight.RED
    return PlanLight.YELLOW if (due_on - today).days <= warn_days else PlanLight.GREEN


def days_late(*, due_on: date | None, done_on: date | None, today: date) -> int:
    """Calendar days past the due date, until it was done or until today; 0 when in time or without a date."""
    if due_on is None:
        return 0
    return max(0, ((done_on or today) - due_on).days)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a task is: per cent with two decimals, and the day it was done (only at 100)."""

    progress: Decimal = Decimal(0)
    done_on: date | None = None


def together(*, count: int, total: Decimal, undone: int, latest: date | None) -> Standing:
    """The standing of a task whose `count` parts add up to `total`: the mean, and 100 only when no part is undone."""
    if count == 0:
        return Standing()
    if undone == 0:
        return Standing(DONE, latest)
    mean = (total / count).quantize(_CENT, ROUND_HALF_UP)
    return Standing(min(mean, DONE - _CENT))


def combine(parts: Iterable[Standing]) -> Standing:
    """The standing of a task from those of its parts."""
    known = list(parts)
    return together(
        count=len(known),
        total=sum((part.progress for part in known), Decimal(0)),
        undone=sum(1 for part in known if part.done_on is None),
        latest=max((part.done_on for part in known if part.done_on), default=None),
    )


def roll_up(
    parents: Mapping[UUID, UUID | None],
    reported: Mapping[UUID, Standing],
    received: Mapping[UUID, Standing],
) -> dict[UUID, Standing]:
    """The standing of every task of a plan: what lies below it, else what its receivers did, else what was reported.

    `reported` are the plan's own reports, `received` the standings that the receivers' copies add up to.
    """
    children: dict[UUID | None, list[UUID]] = {}
    for task, parent in parents.items():
        children.setdefault(parent, []).append(task)
    found: dict[UUID, Standing] = {}

    def settle(task: UUID) -> Standing:
        below = children.get(task)
        if below:
            found[task] = combine([settle(one) for one in below])
        else:
            found[task] = received.get(task) or reported.get(task, Standing())
        return found[task]

    for top in children.get(None, []):
        settle(top)
    return found


class TaskPart(StrEnum):
    """What a unit is to a task: the first named leads (牵头), the others help (协办)."""

    LEAD = "lead"
    HELP = "help"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"lead": "牵头", "help": "协办"}[self.value]


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What deciding about a task takes."""

    id: UUID
    parent_id: UUID | None
    unit_ids: frozenset[UUID] = frozenset()


def tasks_for(unit_id: UUID, tasks: Sequence[TaskFacts]) -> set[UUID]:
    """Which tasks a unit receives: those that name it, those that name nobody, and the headings above them."""
    parents = {task.id: task.parent_id for task in tasks}
    has_children = {task.parent_id for task in tasks}
    mine: set[UUID] = set()
    for task in tasks:
        named = unit_id in task.unit_ids
        for_all = not task.unit_ids and task.id not in has_children
        if not (named or for_all):
            continue
        at: UUID | None = task.id
        while at is not None and at not in mine:
            mine.add(at)
            at = parents[at]
    return mine


def would_circle(task_id: UUID, parent_id: UUID | None, parents: Mapping[UUID, UUID | None]) -> bool:
    """Whether a task would come to lie below itself."""
    at = parent_id
    while at is not None:
        if at == task_id:
            return True
        at = parents.get(at)
    return False


def depth_of(task_id: UUID | None, parents: Mapping[UUID, UUID | None]) -> int:
    """How deep a task lies: 1 for a task without a parent, 0 for none."""
    depth, at = 0, task_id
    while at is not None:
        depth, at = depth + 1, parents.get(at)
    return depth


def height_of(task_id: UUID, parents: Mapping[UUID, UUID | None]) -> int:
    """How many levels a task and what lies below it take."""
    below = [one for one, parent in parents.items() if parent == task_id]
    return 1 + max((height_of(one, parents) for one in below), default=0)


class TaskChangeKind(StrEnum):
    """What a revision did to a task."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"added": "新增", "changed": "修改", "removed": "取消"}[self.value]


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One task of a revision against the revision before it."""

    task_id: str
    title: str
    change: TaskChangeKind
    fields: dict[str, tuple[Any, Any]]


def changes_between(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[TaskChange]:
    """What changed from one revision's tasks to the next's, in the order of the later one, removed tasks last."""
    old = {task["id"]: task for task in before}
    found: list[TaskChange] = []
    for task in after:
        former = old.pop(task["id"], None)
        if former is None:
            found.append(TaskChange(task["id"], task["title"], TaskChangeKind.ADDED, {}))
            continue
        fields = {name: (former.get(name), value) for name, value in task.items() if former.get(name) != value}
        if fields:
            found.append(TaskChange(task["id"], task["title"], TaskChangeKind.CHANGED, fields))
    found += [TaskChange(task["id"], task["title"], TaskChangeKind.REMOVED, {}) for task in old.values()]
    return found
