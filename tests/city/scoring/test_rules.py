"""The sheet's state machine and the mean of several assessors: pure properties."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.scoring.rules import (
    TRANSITIONS,
    Evidence,
    SheetAction,
    SheetState,
    Situation,
    VersionKind,
    agree,
    is_own_unit,
    legal_actions,
    sending_action,
    version_kind,
    why_not,
)

LISTED = {
    "assigned": {"save_draft": "draft", "submit": "submitted", "unassign": None},
    "draft": {"save_draft": "draft", "submit": "submitted", "unassign": None},
    "submitted": {"correct": "submitted", "accept": "accepted", "return": "returned"},
    "returned": {"save_draft": "returned", "submit": "submitted"},
    "accepted": {"correct": "submitted"},
}

situations = st.builds(
    Situation,
    state=st.sampled_from(SheetState),
    is_author=st.booleans(),
    own_unit=st.booleans(),
    entry_open=st.booleans(),
    review_open=st.booleans(),
    in_force=st.booleans(),
    evidence=st.sampled_from(Evidence),
    may_submit=st.booleans(),
    may_review=st.booleans(),
    may_assign=st.booleans(),
)


def test_the_table_is_the_one_that_was_agreed() -> None:
    table: dict[str, dict[str, str | None]] = {state: {} for state in SheetState}
    for (state, action), after in TRANSITIONS.items():
        table[state][action] = after
    assert table == LISTED


@given(st.lists(st.sampled_from(SheetAction), max_size=60), st.booleans())
def test_no_sequence_of_actions_leaves_the_table(actions: list[SheetAction], everything_open: bool) -> None:
    state: SheetState | None = SheetState.ASSIGNED
    versions = 0
    for action in actions:
        if state is None:
            break
        now = Situation(
            state=state,
            is_author=action not in (SheetAction.ACCEPT, SheetAction.RETURN),
            own_unit=False,
            entry_open=everything_open,
            review_open=everything_open,
            in_force=True,
            may_submit=True,
            may_review=True,
            may_assign=True,
        )
        if why_not(action, now) is None:
            assert action in LISTED[state]
            state = TRANSITIONS[state, action]
            versions += action in (SheetAction.SUBMIT, SheetAction.CORRECT)
            assert state is None or state in LISTED
            assert (state in ("submitted", "accepted", "returned")) == (versions > 0)
        else:
            assert action not in LISTED[state] or not everything_open


@given(situations, st.sampled_from(SheetAction))
def test_what_is_allowed_is_allowed_for_every_reason(now: Situation, action: SheetAction) -> None:
    allowed = why_not(action, now) is None
    writer = now.may_submit and now.is_author and not now.own_unit and now.in_force and now.entry_open
    reviewer = now.may_review and not now.is_author and now.review_open
    expected = {
        SheetAction.SAVE_DRAFT: writer,
        SheetAction.SUBMIT: writer,
        SheetAction.CORRECT: writer,
        SheetAction.ACCEPT: reviewer and now.evidence is Evidence.COMPLETE,
        SheetAction.RETURN: reviewer,
        SheetAction.UNASSIGN: now.may_assign,
    }[action]
    assert allowed == (action in LISTED[now.state] and expected)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (SheetState.ASSIGNED, VersionKind.FIRST),
        (SheetState.DRAFT, VersionKind.FIRST),
        (SheetState.RETURNED, VersionKind.RESUBMITTED),
        (SheetState.SUBMITTED, VersionKind.CORRECTED),
        (SheetState.ACCEPTED, VersionKind.CORRECTED),
    ],
)
def test_how_a_version_enters(state: SheetState, kind: VersionKind) -> None:
    assert sending_action(state) in legal_actions(state)
    assert version_kind(state) is kind


@pytest.mark.parametrize(
    ("assessor", "site", "own"),
    [
        ("1/15/", "1/15/", True),
        ("1/15/", "1/15/208/", True),
        ("1/15/208/", "1/15/", False),
        ("1/15/", "1/150/", False),
        (None, "1/15/", False),
        ("1/15/", None, False),
        ("", "1/15/", False),
    ],
)
def test_own_unit_and_those_below_it(assessor: str | None, site: str | None, own: bool) -> None:
    assert is_own_unit(assessor, site) is own


@given(
    st.lists(st.none() | st.fractions(0, 10, max_denominator=100), max_size=6),
    st.fractions(0, 1, max_denominator=20),
)
def test_mean_and_spread_of_several_assessors(values: list[Fraction | None], threshold: Fraction) -> None:
    result = agree(values, max_score=Fraction(10), threshold=threshold)
    applicable = sorted(value for value in values if value is not None)
    if not applicable:
        assert result.mean is None
        assert not result.disputed
        return
    assert result.mean == sum(applicable) / Fraction(len(applicable))
    assert applicable[0] <= result.mean <= applicable[-1]
    pairs = itertools.combinations_with_replacement(applicable, 2)
    assert result.spread == max(high - low for low, high in pairs)
    assert result.disputed == (result.spread > threshold * 10)


@pytest.mark.parametrize("state", SheetState)
@pytest.mark.parametrize("action", SheetAction)
def test_a_refusal_says_when_it_would_be_possible(state: SheetState, action: SheetAction) -> None:
    if action in LISTED[state]:
        return
    now = Situation(
        state=state, is_author=True, own_unit=False, entry_open=True, review_open=True, in_force=True, may_submit=True
    )
    refusal = why_not(action, now)
    assert refusal is not None
    assert refusal.startswith(f"测评表当前为“{state.label}”，仅在“")
    for other in SheetState:
        if action in LISTED[other]:
            assert other.label in refusal.split("仅在")[1]


def test_a_frozen_assessment_says_when_entry_and_review_are_open() -> None:
    frozen = Situation(
        state=SheetState.SUBMITTED,
        is_author=True,
        own_unit=False,
        entry_open=False,
        review_open=False,
        in_force=True,
        may_submit=True,
    )
    assert "“测评中”" in (why_not(SheetAction.CORRECT, frozen) or "")
    reviewed = replace(frozen, is_author=False, may_review=True)
    assert "“测评中、已暂停、复核中”" in (why_not(SheetAction.ACCEPT, reviewed) or "")
