"""The life of an activity reaches no unlisted state."""

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.activities.events.rules import (
    STEPS,
    ActivityAction,
    ActivityKind,
    ActivityState,
    allowed_from,
    next_state,
    refusal_of,
)

A, S = ActivityAction, ActivityState
MOVES = {
    (S.PLANNED, A.SUBMIT): S.IN_APPROVAL,
    (S.RETURNED, A.SUBMIT): S.IN_APPROVAL,
    (S.IN_APPROVAL, A.APPROVE): S.APPROVED,
    (S.IN_APPROVAL, A.RETURN): S.RETURNED,
    (S.IN_APPROVAL, A.RECALL): S.PLANNED,
    (S.APPROVED, A.CONTENT): S.HELD,
    (S.HELD, A.CONTENT): S.HELD,
    (S.RECORDED, A.CONTENT): S.RECORDED,
    (S.HELD, A.RECORD): S.RECORDED,
    **{(state, A.CANCEL): S.CANCELLED for state in (S.PLANNED, S.RETURNED, S.IN_APPROVAL, S.APPROVED)},
    **{(state, A.UPDATE): state for state in (S.PLANNED, S.RETURNED)},
    **{(state, A.POSTPONE): state for state in (S.PLANNED, S.RETURNED, S.APPROVED)},
}
APPROVAL = {A.SUBMIT, A.APPROVE, A.RETURN, A.RECALL}


def listed(kind, state, action):
    if not kind.needs_approval:
        if action in APPROVAL:
            return None
        if (state, action) == (S.PLANNED, A.CONTENT):
            return S.HELD
    return MOVES.get((state, action))


@given(kind=st.sampled_from(ActivityKind), steps=st.lists(st.sampled_from(A), max_size=60))
def test_no_sequence_reaches_an_unlisted_state(kind, steps):
    state = S.PLANNED
    for action in steps:
        target = listed(kind, state, action)
        assert (refusal_of(action, state, kind) is None) == (target is not None)
        assert (action.value in allowed_from(state, kind)) == (target is not None)
        if target is not None:
            state = next_state(action, state, kind)
            assert state is target


def test_only_ad_hoc_plans_need_approval():
    assert [kind for kind in ActivityKind if kind.needs_approval] == [ActivityKind.AD_HOC]
    assert set(STEPS) == set(A)
