"""The life of a submission (报送) as one table that services, allowed actions and tests read: pure.

Functions L2.5, L2.6, L4.2, C1.4, A6.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_INDEX = re.compile("0|[1-9][0-9]{0,5}")

MAX_MARKS: Final = 100
"""Most fields that are marked when a submission is returned."""


class SubmissionState(StrEnum):
    """submitted → received → accepted | returned; withdrawn only before receipt; returned → submitted anew."""

    SUBMITTED = "submitted"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return _STATE_LABELS[self]


_S = SubmissionState
_STATE_LABELS = {
    _S.SUBMITTED: "待签收",
    _S.RECEIVED: "已签收",
    _S.ACCEPTED: "已通过",
    _S.RETURNED: "已退回",
    _S.WITHDRAWN: "已撤回",
    _S.ARCHIVED: "已归档",
}

OPEN: Final = frozenset({_S.SUBMITTED, _S.RECEIVED})
"""The receiver owes an answer."""

IN_FORCE: Final = frozenset({_S.ACCEPTED, _S.ARCHIVED})
"""Counts in books and statistics."""


class RoundOutcome(StrEnum):
    """一次报送的结果：通过、退回、撤回"""

    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Side(StrEnum):
    """Who acts: the unit that sent, or the one that received."""

    SENDER = "sender"
    RECEIVER = "receiver"


class SubmissionAction(StrEnum):
    """What can be done to a submission; also the last segment of the route that does it."""

    RECEIVE = "receive"
    ACCEPT = "accept"
    RETURN = "return"
    ARCHIVE = "archive"
    RECOMMEND = "recommend"
    WITHDRAW = "withdraw"
    RESUBMIT = "resubmit"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return _ACTION_LABELS[self]


_A = SubmissionAction
_ACTION_LABELS = {
    _A.RECEIVE: "签收",
    _A.ACCEPT: "审核通过",
    _A.RETURN: "退回",
    _A.ARCHIVE: "归档",
    _A.RECOMMEND: "推荐上级",
    _A.WITHDRAW: "撤回",
    _A.RESUBMIT: "重新报送",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the table: who takes the action, from which states, to which (None: the state stays)."""

    side: Side
    sources: frozenset[SubmissionState]
    target: SubmissionState | None


STEPS: Final[Mapping[SubmissionAction, Step]] = {
    _A.RECEIVE: Step(Side.RECEIVER, frozenset({_S.SUBMITTED}), _S.RECEIVED),
    _A.ACCEPT: Step(Side.RECEIVER, frozenset({_S.RECEIVED}), _S.ACCEPTED),
    _A.RETURN: Step(Side.RECEIVER, frozenset({_S.RECEIVED}), _S.RETURNED),
    _A.ARCHIVE: Step(Side.RECEIVER, frozenset({_S.ACCEPTED}), _S.ARCHIVED),
    _A.RECOMMEND: Step(Side.RECEIVER, IN_FORCE, None),
    _A.WITHDRAW: Step(Side.SENDER, frozenset({_S.SUBMITTED}), _S.WITHDRAWN),
    _A.RESUBMIT: Step(Side.SENDER, frozenset({_S.RETURNED}), _S.SUBMITTED),
}
"""The whole state machine. What is not in it cannot happen; withdrawn and archived lead nowhere.

ACCEPT names where its last approval step leads: with several steps, the submission stays received until then.
"""

JUDGING: Final = frozenset({_A.ACCEPT, _A.RETURN})
REASONED: Final = frozenset({_A.RETURN, _A.WITHDRAW})
"""Actions that are not taken without a reason."""

_PERMISSIONS = {
    _A.WITHDRAW: "报送台账",
    _A.RESUBMIT: "报送台账",
    _A.RECOMMEND: "报送台账",
}


def permission_label(action: SubmissionAction) -> str:
    """The permission that the action asks for, as administrators call it."""
    return _PERMISSIONS.get(action, "审核报送")


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what a caller may do with a submission."""

    state: SubmissionState
    may_send: bool
    may_review: bool
    in_sender: bool
    """The caller belongs to the unit that sent."""
    in_receiver: bool
    """The caller belongs to the unit that received, or stands in for somebody of it."""
    is_author: bool
    """He wrote the record or sent it himself: nobody judges his own work, not even as another unit's stand-in."""
    may_decide: bool
    """It is his turn in the approval."""
    decide_why_not: str | None
    newer_approved: bool
    """The record has an approved version that is newer than the one sent."""
    topic_closed: str | None = None
    """Why the topic takes nothing back; None without a topic, or when it does."""


def why_not(action: SubmissionAction, now: Situation) -> str | None:
    """Reason, for the user, why the caller cannot take the action now; None when he can."""
    return refusal_of_person(action, now) or refusal_of_state(action, now)


def refusal_of_person(action: SubmissionAction, now: Situation) -> str | None:
    """Why the caller is not the one who takes this action, whatever the state."""
    sends = action in _PERMISSIONS
    if not (now.may_send if sends else now.may_review):
        return f"没有“{permission_label(action)}”权限"
    if STEPS[action].side is Side.SENDER:
        return None if now.in_sender else f"只有报送单位可以{action.label}"
    if not now.in_receiver:
        return f"只有接收单位可以{action.label}"
    if action in JUDGING and now.is_author:
        return "不能审核自己撰写或报送的台账，请由他人审核"
    return None


def refusal_of_state(action: SubmissionAction, now: Situation) -> str | None:
    """Why the action is not possible now, whoever takes it."""
    step = STEPS[action]
    if now.state not in step.sources:
        if action is _A.WITHDRAW and now.state is _S.RECEIVED:
            return "接收单位已签收，不能再撤回"
        if action in JUDGING and now.state is _S.SUBMITTED:
            return "请先签收"
        return f"当前为“{now.state.label}”，不能{action.label}"
    if action in JUDGING and not now.may_decide:
        return now.decide_why_not or "尚未轮到您审核"
    if action is _A.RESUBMIT:
        if now.topic_closed is not None:
            return now.topic_closed
        if not now.newer_approved:
            return "台账还没有修改后经单位审核通过的新版本"
    return None


def legal_actions(state: SubmissionState) -> list[str]:
    """What a submission in this state allows, whoever asks."""
    return [action.value for action, step in STEPS.items() if state in step.sources]


def resolves(pointer: str, content: Any) -> bool:
    """Whether a JSON pointer (RFC 6901) names something in the content."""
    if not pointer.startswith("/"):
        return False
    here = content
    for token in pointer[1:].split("/"):
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping) and name in here:
            here = here[name]
        elif isinstance(here, list) and _INDEX.fullmatch(name) and int(name) < len(here):
            here = here[int(name)]
        else:
            return False
    return True
