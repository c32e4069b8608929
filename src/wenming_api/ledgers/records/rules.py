"""Records (L1.1–L1.4, L2.4): states, and what may be done in each. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from wenming_api.ledgers.contents import rules as contents

FieldChange = contents.FieldChange
differences = contents.differences


class RecordState(StrEnum):
    """draft → in_review → approved | returned → in_review …; an approved record edited again is a draft again."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    RETURNED = "returned"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"draft": "草稿", "in_review": "审核中", "approved": "已审核", "returned": "已退回"}[self.value]


class RecordAction(StrEnum):
    """What may be done with a record; also the last segment of the route that does it."""

    SAVE = "save"
    SUBMIT = "submit"
    CANCEL = "cancel"
    APPROVE = "approve"
    RETURN = "return"
    DELETE = "delete"
    COPY = "copy"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "save": "编辑",
            "submit": "提交审核",
            "cancel": "撤回审核",
            "approve": "审核通过",
            "return": "退回",
            "delete": "删除",
            "copy": "复制",
        }[self.value]


class SourceKind(StrEnum):
    """What a record was made from without retyping."""

    ACTIVITY = "activity"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"activity": "活动"}[self.value]


_S, _A = RecordState, RecordAction
TRANSITIONS: Final[Mapping[tuple[RecordState, RecordAction], RecordState]] = {
    (_S.DRAFT, _A.SAVE): _S.DRAFT,
    (_S.RETURNED, _A.SAVE): _S.RETURNED,
    (_S.APPROVED, _A.SAVE): _S.DRAFT,
    (_S.DRAFT, _A.SUBMIT): _S.IN_REVIEW,
    (_S.RETURNED, _A.SUBMIT): _S.IN_REVIEW,
    (_S.IN_REVIEW, _A.CANCEL): _S.DRAFT,
    (_S.IN_REVIEW, _A.APPROVE): _S.APPROVED,
    (_S.IN_REVIEW, _A.RETURN): _S.RETURNED,
}
"""The whole state machine. What is not in it cannot happen."""


def next_state(state: RecordState, action: RecordAction) -> RecordState | None:
    """Where the action leads; None when the table does not list it."""
    return TRANSITIONS.get((state, action))


def allowed_from(state: RecordState) -> list[RecordAction]:
    """The actions that the table lists for a state."""
    return [action for source, action in TRANSITIONS if source is state]


def why_not(action: RecordAction, state: RecordState, *, submitted_once: bool = False) -> str | None:
    """Why the state forbids the action; None when it does not."""
    if action is _A.COPY:
        return None
    if action is _A.DELETE:
        if state is not _S.DRAFT:
            return f"记录{state.label}，只有草稿可以删除"
        return "记录提交过审核，须保留，不能删除" if submitted_once else None
    if (state, action) in TRANSITIONS:
        return None
    if action is _A.SAVE and state is _S.IN_REVIEW:
        return "记录正在审核，撤回或退回后才能修改"
    wanted = "、".join(source.label for source in RecordState if (source, action) in TRANSITIONS)
    return f"当前为“{state.label}”，仅在“{wanted}”时可以{action.label}"
