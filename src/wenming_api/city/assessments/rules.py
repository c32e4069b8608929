"""The life of an assessment (S1.2) as one table that services, allowed actions and tests read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AssessmentState(StrEnum):
    """Where an assessment (测评) stands. `stopped` and `archived` are final; `paused` is not."""

    DRAFT = "draft"
    PUBLISHED = "published"
    SAMPLING = "sampling"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    REVIEWING = "reviewing"
    CLOSED = "closed"
    ARCHIVED = "archived"
    STOPPED = "stopped"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return _STATE_LABELS[self]


_STATE_LABELS = {
    AssessmentState.DRAFT: "草稿",
    AssessmentState.PUBLISHED: "已发布",
    AssessmentState.SAMPLING: "抽选中",
    AssessmentState.IN_PROGRESS: "测评中",
    AssessmentState.PAUSED: "已暂停",
    AssessmentState.REVIEWING: "复核中",
    AssessmentState.CLOSED: "已结束",
    AssessmentState.ARCHIVED: "已归档",
    AssessmentState.STOPPED: "已终止",
}

FINAL = frozenset({AssessmentState.ARCHIVED, AssessmentState.STOPPED})
RUNNING = frozenset(
    {
        AssessmentState.PUBLISHED,
        AssessmentState.SAMPLING,
        AssessmentState.IN_PROGRESS,
        AssessmentState.PAUSED,
        AssessmentState.REVIEWING,
    }
)
ENTRY_OPEN = frozenset({AssessmentState.IN_PROGRESS})
"""The only state in which assessors enter anything."""

REVIEW_OPEN = frozenset({AssessmentState.IN_PROGRESS, AssessmentState.PAUSED, AssessmentState.REVIEWING})
"""Reviewers go on working while entry rests."""

FIELD_WORK_OVER = frozenset(
    {AssessmentState.REVIEWING, AssessmentState.CLOSED, AssessmentState.ARCHIVED, AssessmentState.STOPPED}
)
"""From here on the drawn list is no secret any more."""

DRAW_OPEN = frozenset({AssessmentState.SAMPLING, AssessmentState.IN_PROGRESS, AssessmentState.PAUSED})
"""A draw may be committed, drawn, made effective or void: also in mid field work, when one was voided."""

RESULT_OPEN = frozenset({AssessmentState.REVIEWING, AssessmentState.CLOSED})
"""A result may be published: after the field work, before the archive."""

_QUOTAS_OPEN = frozenset({AssessmentState.DRAFT, AssessmentState.PUBLISHED, AssessmentState.SAMPLING})
_PEOPLE_OPEN = frozenset({AssessmentState.DRAFT}) | RUNNING - {AssessmentState.REVIEWING}


class AssessmentAction(StrEnum):
    """What moves an assessment on; also the last segment of the route that does it."""

    PUBLISH = "publish"
    SAMPLE = "sample"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    REVIEW = "review"
    CLOSE = "close"
    ARCHIVE = "archive"
    STOP = "stop"


TOLD = frozenset({AssessmentAction.START, AssessmentAction.PAUSE, AssessmentAction.RESUME})
"""Steps after which assessors may, or may not, work; they are told."""


class Guard(StrEnum):
    """A condition beside the state that a transition asks for."""

    NO_GAPS = "no_gaps"
    EFFECTIVE_DRAW = "effective_draw"
    PUBLISHED_RESULT = "published_result"

    @property
    def refusal(self) -> str:
        """Why the transition is refused when the condition does not hold."""
        return _GUARD_REFUSALS[self]


_GUARD_REFUSALS = {
    Guard.NO_GAPS: "测评方案尚不完整，请先补全发布检查列出的各项",
    Guard.EFFECTIVE_DRAW: "尚无生效的抽选结果，不能开始测评",
    Guard.PUBLISHED_RESULT: "尚未发布测评成绩，不能归档",
}


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table: the action leads from any of its sources to one target. Each needs a reason."""

    action: AssessmentAction
    label: str
    sources: frozenset[AssessmentState]
    target: AssessmentState
    guard: Guard | None = None


def _row(
    action: AssessmentAction,
    label: str,
    sources: set[AssessmentState] | frozenset[AssessmentState],
    target: AssessmentState,
    guard: Guard | None = None,
) -> Transition:
    return Transition(action, label, frozenset(sources), target, guard)


_S, _A = AssessmentState, AssessmentAction
TRANSITIONS: Mapping[AssessmentAction, Transition] = {
    row.action: row
    for row in (
        _row(_A.PUBLISH, "发布", {_S.DRAFT}, _S.PUBLISHED, Guard.NO_GAPS),
        _row(_A.SAMPLE, "进入抽选", {_S.PUBLISHED}, _S.SAMPLING),
        _row(_A.START, "开始测评", {_S.SAMPLING}, _S.IN_PROGRESS, Guard.EFFECTIVE_DRAW),
        _row(_A.PAUSE, "暂停", {_S.IN_PROGRESS}, _S.PAUSED),
        _row(_A.RESUME, "恢复", {_S.PAUSED}, _S.IN_PROGRESS, Guard.EFFECTIVE_DRAW),
        _row(_A.REVIEW, "转入复核", {_S.IN_PROGRESS, _S.PAUSED}, _S.REVIEWING),
        _row(_A.CLOSE, "结束", {_S.REVIEWING}, _S.CLOSED),
        _row(_A.ARCHIVE, "归档", {_S.CLOSED}, _S.ARCHIVED, Guard.PUBLISHED_RESULT),
        _row(_A.STOP, "终止", RUNNING, _S.STOPPED),
    )
}
"""The whole state machine. What is not in it cannot happen."""


def guards_met(*, effective_draw: bool, result: bool) -> frozenset[Guard]:
    """The guards that an assessment meets, those about its scheme apart."""
    met = {Guard.EFFECTIVE_DRAW: effective_draw, Guard.PUBLISHED_RESULT: result}
    return frozenset(guard for guard, holds in met.items() if holds)


def allowed_from(state: AssessmentState) -> tuple[AssessmentAction, ...]:
    """The actions the table lists for a state, guards not yet asked."""
    return tuple(row.action for row in TRANSITIONS.values() if state in row.sources)


def refusal_of(action: AssessmentAction, state: AssessmentState, met: frozenset[Guard] = frozenset()) -> str | None:
    """Why `action` cannot be taken in `state` with the guards `met`; None when it can."""
    row = TRANSITIONS[action]
    if state in FINAL:
        return f"测评{state.label}，状态不可再变更"
    if state not in row.sources:
        wanted = "、".join(source.label for source in AssessmentState if source in row.sources)
        return f"当前为“{state.label}”，仅在“{wanted}”时可以{row.label}"
    if row.guard is not None and row.guard not in met:
        return row.guard.refusal
    return None


def next_state(
    action: AssessmentAction, state: AssessmentState, met: frozenset[Guard] = frozenset()
) -> AssessmentState:
    """The state `action` leads to.

    Raises:
        ValueError: the table does not list the step, or its guard is not met; the text is the Chinese reason.
    """
    refusal = refusal_of(action, state, met)
    if refusal is not None:
        raise ValueError(refusal)
    return TRANSITIONS[action].target


def frozen_fields(state: AssessmentState, fields: frozenset[str], *, draw_open: bool) -> dict[str, str]:
    """Which of these fields of an assessment can no longer be changed, and why.

    Once published, an assessment stays what it was published as, but for its people, its end and its description;
    quotas may still be corrected until a draw has promised them.

    Args:
        draw_open: there is a draw that is not void.
    """
    frozen: dict[str, str] = {}
    for name in sorted(fields):
        if name == "quotas":
            if state not in _QUOTAS_OPEN:
                frozen[name] = f"测评{state.label}，配额不能再修改"
            elif draw_open:
                frozen[name] = "配额已随抽选承诺公布；如需修改，请先作废该抽选"
        elif name in {"assessors", "ends_on", "description"}:
            if state not in _PEOPLE_OPEN:
                frozen[name] = f"测评{state.label}，不能再修改"
        elif state is not AssessmentState.DRAFT:
            frozen[name] = "测评已发布，此项不能再修改；需要不同的方案时请复制为新的测评"
    return frozen
