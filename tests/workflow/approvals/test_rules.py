"""The engine's rules: no sequence of acts leaves the table, nobody decides his own, what has ended never changes."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wenming_api.workflow.approvals.rules import (
    TRANSITIONS,
    ApprovalState,
    Decider,
    Decision,
    Turn,
    outcome,
    places_to_decide,
    right_to_decide,
    turn_state,
)
from wenming_api.workflow.stand_ins.rules import Represented

IDS = st.sampled_from([UUID(int=number) for number in range(1, 6)])
UNITS = st.sampled_from([UUID(int=number) for number in range(101, 104)])
PERMISSIONS = st.sampled_from(["records.review", "submissions.review"])
HELD = st.frozensets(PERMISSIONS)
REPRESENTED = st.lists(st.builds(Represented, user_id=IDS, unit_id=UNITS, permissions=HELD), max_size=3)
DECIDERS = st.builds(
    Decider, user_id=IDS, unit_id=UNITS, permissions=HELD, absent=st.booleans(), represents=REPRESENTED
)
TURNS = st.builds(
    Turn,
    state=st.sampled_from(ApprovalState),
    step_name=st.just("单位审核"),
    unit_id=UNITS,
    permission=PERMISSIONS,
    author_id=IDS,
)


@given(TURNS, DECIDERS)
def test_whoever_may_decide_has_the_permission_and_the_place_and_did_not_write_it(turn, who):
    right = right_to_decide(turn, who)
    assert right.may == (right.why_not is None)
    if not right.may:
        assert right.on_behalf_of is None
        return
    assert turn.state is ApprovalState.PENDING
    assert turn.permission in who.permissions
    assert not who.absent
    assert turn.author_id not in {who.user_id, right.on_behalf_of}
    if right.on_behalf_of is None:
        assert who.unit_id == turn.unit_id
    else:
        (lent, *_) = [each for each in who.represents if each.user_id == right.on_behalf_of]
        assert any(
            each.unit_id == turn.unit_id and turn.permission in each.permissions
            for each in who.represents
            if each.user_id == lent.user_id
        )


@given(TURNS, DECIDERS)
def test_the_places_where_somebody_decides_are_those_where_he_may(turn, who):
    listed = (
        turn.state is ApprovalState.PENDING
        and turn.author_id != who.user_id
        and any(
            place.unit_id == turn.unit_id and turn.permission in place.permissions and place.user_id != turn.author_id
            for place in places_to_decide(who)
        )
    )
    assert listed == right_to_decide(turn, who).may


@given(TURNS, DECIDERS)
def test_a_deputy_lends_no_permission(turn, who):
    powerless = replace(who, permissions=frozenset())
    assert not right_to_decide(turn, powerless).may


@given(st.sampled_from(Decision), st.integers(1, 10), st.integers(0, 9))
def test_a_decision_ends_it_or_moves_one_step_on(decision, steps, before_last):
    position = max(1, steps - before_last)
    state, at = outcome(decision, position=position, steps=steps)
    assert state in TRANSITIONS[ApprovalState.PENDING]
    if state is ApprovalState.PENDING:
        assert (decision, at) == (Decision.APPROVE, position + 1)
    else:
        assert at == position
        assert state is turn_state(decision)
    assert 1 <= at <= steps


class OneApproval(RuleBasedStateMachine):
    """Acts of many on one approval, in any order."""

    @initialize(steps=st.integers(1, 4))
    def begin(self, steps: int) -> None:
        self.steps = steps
        self.state, self.position = ApprovalState.PENDING, 1
        self.ended: tuple[ApprovalState, int] | None = None
        self.approvals = 0

    @rule(decision=st.sampled_from(Decision), who=DECIDERS, turn=TURNS)
    def act(self, decision: Decision, who: Decider, turn: Turn) -> None:
        if not right_to_decide(replace(turn, state=self.state), who).may:
            return
        former = self.state
        self.state, self.position = outcome(decision, position=self.position, steps=self.steps)
        self.approvals += decision is Decision.APPROVE
        assert self.state in TRANSITIONS[former]

    @invariant()
    def what_has_ended_stays(self) -> None:
        if not hasattr(self, "state"):
            return
        if self.ended is not None:
            assert (self.state, self.position) == self.ended
        if self.state is not ApprovalState.PENDING:
            self.ended = (self.state, self.position)
        assert (self.state is ApprovalState.APPROVED) == (self.approvals == self.steps)


TestOneApproval = OneApproval.TestCase
