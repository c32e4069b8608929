"""State machine of a score sheet (测评表), and the arithmetic of several assessors (C3.3).

Pure: no session, no clock, no await. What a filled-in form is worth is `city.forms.rules.judge`.

    (made by assignment)
          │
       assigned ──save_draft──► draft ◄─┐save_draft
          │                       │     ┘
          └────────submit─────────┴──► submitted ──accept──► accepted
                                        ▲   ▲  │                │
                                 submit │   │  └─return─► returned
                                (reason)│   └────correct (reason)┘
                                        └──────── returned

A submitted version never changes: every `submit` and `correct` makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from wenming_api.city.assessments.rules import ENTRY_OPEN, REVIEW_OPEN, AssessmentState


class SheetState(StrEnum):
    """Where a sheet stands."""

    ASSIGNED = "assigned"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"

    @property
    def label(self) -> str:
        """What a user calls it."""
        labels = {
            "assigned": "待测评",
            "draft": "草稿",
            "submitted": "已提交",
            "accepted": "已审核",
            "returned": "已退回",
        }
        return labels[self.value]


class SheetAction(StrEnum):
    """What somebody can do with a sheet."""

    SAVE_DRAFT = "save_draft"
    SUBMIT = "submit"
    CORRECT = "correct"
    ACCEPT = "accept"
    RETURN = "return"
    UNASSIGN = "unassign"

    @property
    def label(self) -> str:
        """What a user calls it."""
        labels = {
            "save_draft": "保存草稿",
            "submit": "提交",
            "correct": "更正",
            "accept": "审核通过",
            "return": "退回",
            "unassign": "撤销分配",
        }
        return labels[self.value]


class VersionKind(StrEnum):
    """Why a version was made."""

    FIRST = "first"
    RESUBMITTED = "resubmitted"
    CORRECTED = "corrected"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"first": "首次提交", "resubmitted": "退回后重新提交", "corrected": "更正"}[self.value]


class Evidence(StrEnum):
    """Whether the photos a sheet's current version names can be shown."""

    COMPLETE = "complete"
    AWAITING = "awaiting"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"complete": "照片齐全", "awaiting": "等待照片", "failed": "照片未通过检查"}[self.value]


class Verdict(StrEnum):
    """What a reviewer decided about one version."""

    ACCEPTED = "accepted"
    RETURNED = "returned"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"accepted": "通过", "returned": "退回"}[self.value]


class LateState(StrEnum):
    """What became of a submission that came while entry was frozen."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    REJECTED = "rejected"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"waiting": "待处理", "admitted": "已收入", "rejected": "不予收入"}[self.value]


GONE: Final = None
"""Where `unassign` leads: the sheet does not exist any more."""

TRANSITIONS: Final[Mapping[tuple[SheetState, SheetAction], SheetState | None]] = {
    (SheetState.ASSIGNED, SheetAction.SAVE_DRAFT): SheetState.DRAFT,
    (SheetState.DRAFT, SheetAction.SAVE_DRAFT): SheetState.DRAFT,
    (SheetState.RETURNED, SheetAction.SAVE_DRAFT): SheetState.RETURNED,
    (SheetState.ASSIGNED, SheetAction.SUBMIT): SheetState.SUBMITTED,
    (SheetState.DRAFT, SheetAction.SUBMIT): SheetState.SUBMITTED,
    (SheetState.RETURNED, SheetAction.SUBMIT): SheetState.SUBMITTED,
    (SheetState.SUBMITTED, SheetAction.CORRECT): SheetState.SUBMITTED,
    (SheetState.ACCEPTED, SheetAction.CORRECT): SheetState.SUBMITTED,
    (SheetState.SUBMITTED, SheetAction.ACCEPT): SheetState.ACCEPTED,
    (SheetState.SUBMITTED, SheetAction.RETURN): SheetState.RETURNED,
    (SheetState.ASSIGNED, SheetAction.UNASSIGN): GONE,
    (SheetState.DRAFT, SheetAction.UNASSIGN): GONE,
}

NEEDS_REASON: Final = frozenset({SheetAction.CORRECT, SheetAction.RETURN})
_BY_THE_AUTHOR: Final = frozenset({SheetAction.SAVE_DRAFT, SheetAction.SUBMIT, SheetAction.CORRECT})
_BY_A_REVIEWER: Final = frozenset({SheetAction.ACCEPT, SheetAction.RETURN})


def legal_actions(state: SheetState) -> tuple[SheetAction, ...]:
    """The actions the table lists for this state, in the order of the enum."""
    return tuple(action for action in SheetAction if (state, action) in TRANSITIONS)


def sending_action(state: SheetState) -> SheetAction:
    """How a new version enters a sheet in this state: as a submission, or as a correction."""
    return SheetAction.SUBMIT if (state, SheetAction.SUBMIT) in TRANSITIONS else SheetAction.CORRECT


def version_kind(state: SheetState) -> VersionKind:
    """What the version that enters a sheet in this state is called."""
    if sending_action(state) is SheetAction.CORRECT:
        return VersionKind.CORRECTED
    return VersionKind.RESUBMITTED if state is SheetState.RETURNED else VersionKind.FIRST


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides who may do what with one sheet now."""

    state: SheetState
    is_author: bool
    own_unit: bool
    """The site's responsible unit is the assessor's own, or one below it."""
    entry_open: bool
    review_open: bool
    in_force: bool
    """The draw is the effective one and the site still stands in it."""
    evidence: Evidence = Evidence.COMPLETE
    may_submit: bool = False
    may_review: bool = False
    may_assign: bool = False


def state_refusal(action: SheetAction, state: SheetState) -> str:
    """That this state does not allow `action`, and which ones do."""
    wanted = "、".join(each.label for each in SheetState if (each, action) in TRANSITIONS)
    return f"测评表当前为“{state.label}”，仅在“{wanted}”时可以{action.label}"


def why_not(action: SheetAction, now: Situation) -> str | None:
    """Why `action` is refused now (Chinese, for people), or None when it is allowed."""
    if (now.state, action) not in TRANSITIONS:
        return state_refusal(action, now.state)
    if action in _BY_THE_AUTHOR:
        return _why_not_write(now)
    if action in _BY_A_REVIEWER:
        return _why_not_review(action, now)
    return None if now.may_assign else "没有分配测评任务的权限"


def _why_not_write(now: Situation) -> str | None:
    if not now.may_submit:
        return "没有填报测评表的权限"
    if not now.is_author:
        return "只有该测评表的测评人员可以填报"
    if now.own_unit:
        return "不得测评本单位及其下属单位的点位"
    if not now.in_force:
        return "抽选已失效或点位已被替换"
    if not now.entry_open:
        return f"数据录入已冻结，仅测评为“{_labels(ENTRY_OPEN)}”时可以填报"
    return None


def _why_not_review(action: SheetAction, now: Situation) -> str | None:
    if not now.may_review:
        return "没有审核测评表的权限"
    if now.is_author:
        return "不能审核自己提交的测评表"
    if not now.review_open:
        return f"仅测评为“{_labels(REVIEW_OPEN)}”时可以审核"
    if action is SheetAction.ACCEPT and now.evidence is Evidence.AWAITING:
        return "照片尚未全部到达，到齐并通过检查后才能审核通过"
    if action is SheetAction.ACCEPT and now.evidence is Evidence.FAILED:
        return "有照片未通过检查，请退回补充"
    return None


def _labels(states: frozenset[AssessmentState]) -> str:
    return "、".join(state.label for state in AssessmentState if state in states)


def is_own_unit(assessor_unit_path: str | None, site_unit_path: str | None) -> bool:
    """Whether the site belongs to the assessor's unit or to one below it (`1/15/` contains `1/15/208/`)."""
    if not assessor_unit_path or not site_unit_path:
        return False
    return site_unit_path.startswith(assessor_unit_path)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What several assessors found for one standard at one site."""

    mean: Fraction | None
    """Mean of the applicable lines; None when none applies."""
    spread: Fraction
    """Largest minus smallest of the applicable lines, in points."""
    disputed: bool
    """The spread is larger than threshold × max_score."""


def agree(achieved: Iterable[Fraction | None], *, max_score: Fraction, threshold: Fraction) -> Agreement:
    """Unite the lines of several assessors; None stands for a line that is not applicable.

    `threshold` is a share of `max_score` (0.2 = a fifth).
    """
    applicable = [value for value in achieved if value is not None]
    if not applicable:
        return Agreement(mean=None, spread=Fraction(0), disputed=False)
    spread = max(applicable) - min(applicable)
    mean = sum(applicable, Fraction(0)) / len(applicable)
    return Agreement(mean=mean, spread=spread, disputed=spread > threshold * max_score)
