"""The life of an application for a title (L5) as one table that services, allowed actions and tests read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ApplicationState(StrEnum):
    """Where an application stands. `rejected`, `withdrawn` and `revoked` are final."""

    DRAFT = "draft"
    RECOMMENDING = "recommending"
    RETURNED = "returned"
    RECOMMENDED = "recommended"
    EVALUATED = "evaluated"
    NAMED = "named"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return {
            "draft": "草稿",
            "recommending": "推荐中",
            "returned": "已退回",
            "recommended": "已推荐",
            "evaluated": "已评审",
            "named": "已命名",
            "rejected": "未予命名",
            "withdrawn": "已撤回",
            "revoked": "已撤销",
        }[self.value]


class ApplicationAction(StrEnum):
    """What moves an application on; also the last segment of the route that does it."""

    SUBMIT = "submit"
    RECOMMEND = "recommend"
    RETURN = "return"
    WITHDRAW = "withdraw"
    EVALUATE = "evaluate"
    NAME = "name"
    REJECT = "reject"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the table: the action leads from any of its sources to one target."""

    label: str
    sources: frozenset[ApplicationState]
    target: ApplicationState


_S, _A = ApplicationState, ApplicationAction
EDITABLE = frozenset({_S.DRAFT, _S.RETURNED})
FINAL = frozenset({_S.REJECTED, _S.WITHDRAWN, _S.REVOKED})
STEPS: Mapping[ApplicationAction, Step] = {
    _A.SUBMIT: Step("提交", EDITABLE, _S.RECOMMENDING),
    _A.RECOMMEND: Step("推荐", frozenset({_S.RECOMMENDING}), _S.RECOMMENDED),
    _A.RETURN: Step("退回", frozenset({_S.RECOMMENDING, _S.RECOMMENDED}), _S.RETURNED),
    _A.WITHDRAW: Step("撤回", EDITABLE | {_S.RECOMMENDING}, _S.WITHDRAWN),
    _A.EVALUATE: Step("评审", frozenset({_S.RECOMMENDED, _S.EVALUATED}), _S.EVALUATED),
    _A.NAME: Step("命名", frozenset({_S.EVALUATED}), _S.NAMED),
    _A.REJECT: Step("不予命名", frozenset({_S.RECOMMENDED, _S.EVALUATED}), _S.REJECTED),
    _A.REVOKE: Step("撤销称号", frozenset({_S.NAMED}), _S.REVOKED),
}


def next_state(action: ApplicationAction, state: ApplicationState) -> ApplicationState:
    """Where an action leads; `ValueError` when the state does not allow it."""
    step = STEPS[action]
    if state not in step.sources:
        raise ValueError(f"{action} is not possible from {state}")
    return step.target


def refusal_of(action: ApplicationAction, state: ApplicationState) -> str | None:
    """Why a state does not allow an action, in Chinese; None when it does."""
    step = STEPS[action]
    return None if state in step.sources else f"当前状态“{state.label}”不能{step.label}"


def allowed_from(state: ApplicationState) -> list[str]:
    """Actions that a state allows."""
    return [action.value for action, step in STEPS.items() if state in step.sources]
