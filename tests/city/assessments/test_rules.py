"""The life of an assessment reaches no unlisted state."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.assessments.rules import (
    ENTRY_OPEN,
    FINAL,
    RUNNING,
    TRANSITIONS,
    AssessmentAction,
    AssessmentState,
    Guard,
    allowed_from,
    next_state,
    refusal_of,
)

A, S = AssessmentAction, AssessmentState
LISTED = {
    (S.DRAFT, A.PUBLISH, S.PUBLISHED),
    (S.PUBLISHED, A.SAMPLE, S.SAMPLING),
    (S.SAMPLING, A.START, S.IN_PROGRESS),
    (S.IN_PROGRESS, A.PAUSE, S.PAUSED),
    (S.PAUSED, A.RESUME, S.IN_PROGRESS),
    (S.IN_PROGRESS, A.REVIEW, S.REVIEWING),
    (S.PAUSED, A.REVIEW, S.REVIEWING),
    (S.REVIEWING, A.CLOSE, S.CLOSED),
    (S.CLOSED, A.ARCHIVE, S.ARCHIVED),
    *((state, A.STOP, S.STOPPED) for state in (S.PUBLISHED, S.SAMPLING, S.IN_PROGRESS, S.PAUSED, S.REVIEWING)),
}
EVERY_GUARD = frozenset(Guard)


def walk(steps):
    """Go through the steps that are possible; each must be a listed one, and no listed one refused without cause."""
    state = S.DRAFT
    for action, met in steps:
        if refusal_of(action, state, met) is not None:
            with pytest.raises(ValueError):
                next_state(action, state, met)
            unmet = TRANSITIONS[action].guard not in {None, *met}
            assert unmet or not any(row[:2] == (state, action) for row in LISTED)
            continue
        reached = next_state(action, state, met)
        assert (state, action, reached) in LISTED
        state = reached
    return state


@given(steps=st.lists(st.tuples(st.sampled_from(A), st.frozensets(st.sampled_from(Guard))), max_size=60))
def test_no_sequence_reaches_an_unlisted_state(steps):
    walk(steps)


@pytest.mark.long
def test_no_sequence_of_100_000_reaches_an_unlisted_state():
    dice = random.Random(20260101)
    guards = [frozenset(), EVERY_GUARD, *(frozenset({guard}) for guard in Guard)]
    ends = set()
    for _ in range(100_000):
        length = dice.randrange(30)
        ends.add(walk(zip(dice.choices(list(A), k=length), dice.choices(guards, k=length), strict=True)))
    assert ends == set(S), "every state is the end of some sequence"


@pytest.mark.parametrize(("state", "action", "target"), sorted(LISTED))
def test_every_listed_step_is_possible(state, action, target):
    assert next_state(action, state, EVERY_GUARD) is target
    assert action in allowed_from(state)


def test_final_states_allow_nothing():
    assert {S.STOPPED, S.ARCHIVED} == FINAL
    assert all(allowed_from(state) == () for state in FINAL)
    assert "不可再变更" in refusal_of(A.START, S.STOPPED)


@pytest.mark.parametrize("action", [row.action for row in TRANSITIONS.values() if row.guard])
def test_a_guard_that_is_not_met_refuses_in_words(action):
    row = TRANSITIONS[action]
    for state in row.sources:
        assert refusal_of(action, state) == row.guard.refusal
        assert refusal_of(action, state, frozenset({row.guard})) is None


def test_a_refusal_names_the_states_that_would_do():
    assert refusal_of(A.RESUME, S.DRAFT, EVERY_GUARD) == "当前为“草稿”，仅在“已暂停”时可以恢复"


def test_entry_is_open_in_one_state_only():
    assert {S.IN_PROGRESS} == ENTRY_OPEN
    assert S.DRAFT not in RUNNING
    assert not RUNNING & FINAL
