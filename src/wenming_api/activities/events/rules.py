"""The four kinds of activities and the life of one (A2) as one table that services, actions and tests read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ActivityKind(StrEnum):
    """The four kinds of the construction plan."""

    KEY_WORK = "key_work"
    ANNUAL = "annual"
    AD_HOC = "ad_hoc"
    ARISING = "arising"

    @property
    def label(self) -> str:
        """What the kind is called."""
        return {
            "key_work": "创建重点工作",
            "annual": "年度专项计划",
            "ad_hoc": "临时计划需审批",
            "arising": "创建或其他工作产生",
        }[self.value]

    @property
    def needs_approval(self) -> bool:
        """Whether the plan is approved before any content: the others follow from work that has been decided."""
        return self is ActivityKind.AD_HOC

    @property
    def may_be_past(self) -> bool:
        """Whether it may be entered after it has taken place."""
        return self is ActivityKind.ARISING


class MarkKind(StrEnum):
    """What the managing unit calls an activity."""

    EXCELLENT = "excellent"
    DEMONSTRATION = "demonstration"

    @property
    def label(self) -> str:
        """What the mark is called."""
        return {"excellent": "优秀活动", "demonstration": "示范活动"}[self.value]


class ActivityState(StrEnum):
    """Where an activity stands. `cancelled` is final; a recorded one lives on in its record."""

    PLANNED = "planned"
    IN_APPROVAL = "in_approval"
    RETURNED = "returned"
    APPROVED = "approved"
    HELD = "held"
    RECORDED = "recorded"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return {
            "planned": "计划中",
            "in_approval": "审批中",
            "returned": "已退回",
            "approved": "已批准",
            "held": "已开展",
            "recorded": "已入台账",
            "cancelled": "已取消",
        }[self.value]


class ActivityAction(StrEnum):
    """What moves an activity on; also the last segment of the route that does it."""

    UPDATE = "update"
    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"
    RECALL = "recall"
    CONTENT = "content"
    RECORD = "record"
    POSTPONE = "postpone"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the table. `target` None: the state stays. `only`: for plans that need approval (True) or do not."""

    label: str
    sources: frozenset[ActivityState]
    target: ActivityState | None
    approvable: bool | None = None


_S, _A = ActivityState, ActivityAction
_OPEN = frozenset({_S.PLANNED, _S.RETURNED})
STEPS: Mapping[ActivityAction, Step] = {
    _A.UPDATE: Step("修改计划", _OPEN, None),
    _A.SUBMIT: Step("提交审批", _OPEN, _S.IN_APPROVAL, approvable=True),
    _A.APPROVE: Step("批准", frozenset({_S.IN_APPROVAL}), _S.APPROVED, approvable=True),
    _A.RETURN: Step("退回", frozenset({_S.IN_APPROVAL}), _S.RETURNED, approvable=True),
    _A.RECALL: Step("撤回审批", frozenset({_S.IN_APPROVAL}), _S.PLANNED, approvable=True),
    _A.CONTENT: Step("填写内容", frozenset({_S.PLANNED, _S.APPROVED, _S.HELD, _S.RECORDED}), _S.HELD),
    _A.RECORD: Step("形成台账", frozenset({_S.HELD}), _S.RECORDED),
    _A.POSTPONE: Step("调整时间", _OPEN | {_S.APPROVED}, None),
    _A.CANCEL: Step("取消", _OPEN | {_S.IN_APPROVAL, _S.APPROVED}, _S.CANCELLED),
}


def refusal_of(action: ActivityAction, state: ActivityState, kind: ActivityKind) -> str | None:
    """Why an activity of a kind cannot take a step in a state, in Chinese; None when it can."""
    step = STEPS[action]
    if step.approvable and not kind.needs_approval:
        return f"“{kind.label}”的计划不需要审批"
    if action is _A.CONTENT and state is _S.PLANNED and kind.needs_approval:
        return "计划批准后才能填写活动内容"
    if state not in step.sources:
        return f"当前状态“{state.label}”不能{step.label}"
    return None


def next_state(action: ActivityAction, state: ActivityState, kind: ActivityKind) -> ActivityState:
    """Where a step leads; `ValueError` when it is refused. Content entered again leaves a recorded one recorded."""
    refusal = refusal_of(action, state, kind)
    if refusal is not None:
        raise ValueError(refusal)
    if action is _A.CONTENT and state is _S.RECORDED:
        return state
    return STEPS[action].target or state


def allowed_from(state: ActivityState, kind: ActivityKind) -> list[str]:
    """Steps that a state allows."""
    return [action.value for action in STEPS if refusal_of(action, state, kind) is None]


def dates_problem(kind: ActivityKind, starts_at: datetime, ends_at: datetime, today: date) -> str | None:
    """Why an activity cannot be planned for these times (aware, Asia/Shanghai days), in Chinese."""
    if ends_at < starts_at:
        return "结束时间不能早于开始时间"
    if (ends_at - starts_at).days > 366:
        return "一次活动不能超过一年"
    if ends_at.date() < today and not kind.may_be_past:
        return f"“{kind.label}”的计划时间不能在过去；已开展的活动请选择“{ActivityKind.ARISING.label}”"
    return None
