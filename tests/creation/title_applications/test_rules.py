"""The life of an application reaches no unlisted state."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.creation.title_applications.rules import (
    EDITABLE,
    FINAL,
    STEPS,
    ApplicationAction,
    ApplicationState,
    allowed_from,
    next_state,
    refusal_of,
)

A, S = ApplicationAction, ApplicationState
LISTED = {
    (S.DRAFT, A.SUBMIT, S.RECOMMENDING),
    (S.RETURNED, A.SUBMIT, S.RECOMMENDING),
    (S.RECOMMENDING, A.RECOMMEND, S.RECOMMENDED),
    (S.RECOMMENDING, A.RETURN, S.RETURNED),
    (S.RECOMMENDED, A.RETURN, S.RETURNED),
    (S.DRAFT, A.WITHDRAW, S.WITHDRAWN),
    (S.RETURNED, A.WITHDRAW, S.WITHDRAWN),
    (S.RECOMMENDING, A.WITHDRAW, S.WITHDRAWN),
    (S.RECOMMENDED, A.EVALUATE, S.EVALUATED),
    (S.EVALUATED, A.EVALUATE, S.EVALUATED),
    (S.EVALUATED, A.NAME, S.NAMED),
    (S.RECOMMENDED, A.REJECT, S.REJECTED),
    (S.EVALUATED, A.REJECT, S.REJECTED),
    (S.NAMED, A.REVOKE, S.REVOKED),
}


def walk(steps):
    state = S.DRAFT
    for action in steps:
        possible = [row for row in LISTED if row[:2] == (state, action)]
        assert (refusal_of(action, state) is None) == bool(possible)
        assert (action.value in allowed_from(state)) == bool(possible)
        if not possible:
            with pytest.raises(ValueError):
                next_state(action, state)
            continue
        state = next_state(action, state)
        assert state is possible[0][2]
    return state


@given(steps=st.lists(st.sampled_from(A), max_size=60))
def test_no_sequence_reaches_an_unlisted_state(steps):
    walk(steps)


@pytest.mark.long
def test_no_sequence_of_100_000_reaches_an_unlisted_state():
    chance = random.Random(2026)
    for _ in range(100_000):
        walk(chance.choices(list(A), k=12))


def test_final_states_lead_nowhere_and_every_action_is_listed():
    assert {state for state in S if not allowed_from(state)} == set(FINAL)
    assert {action for _, action, _ in LISTED} == set(A) == set(STEPS)
    assert {S.DRAFT, S.RETURNED} == EDITABLE
