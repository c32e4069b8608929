"""Flows: how steps by place become the steps of one approval."""

import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.workflow.approval_flows.rules import (
    ApprovalKind,
    Office,
    Place,
    PlannedStep,
    Step,
    Unmanned,
    base_flow,
    base_flows,
    base_levels,
    plan,
    prefixes,
)

PERMISSIONS = ("records.review", "submissions.review")
OFFICES = [Office(UUID(int=number), f"单位{number}") for number in range(1, 5)]
STEPS = st.builds(
    Step,
    name=st.text(min_size=1, max_size=5),
    level_code=st.just("unit"),
    permission=st.sampled_from(PERMISSIONS),
    place=st.sampled_from(Place),
    working_days=st.none() | st.integers(1, 20),
)
PLACES = st.dictionaries(st.sampled_from(Place), st.none() | st.sampled_from(OFFICES))


@given(st.lists(STEPS, min_size=1, max_size=6), PLACES)
def test_a_plan_keeps_the_order_and_nobody_decides_twice_running(steps, at):
    left = [step for step in steps if step.place in at]
    if not left or any(at[step.place] is None for step in left):
        with pytest.raises(Unmanned) as gap:
            plan(steps, at)
        assert at.get(gap.value.step.place) is None
        return
    planned = plan(steps, at)
    assert {step.unit_id for step in planned} == {at[step.place].unit_id for step in left}
    pairs = [(step.unit_id, step.permission) for step in planned]
    assert all(one != other for one, other in itertools.pairwise(pairs))
    names = [step.name for step in left]
    position = -1
    for step in planned:
        position = names.index(step.name, position + 1)


@given(STEPS, st.sampled_from(OFFICES))
def test_planned_steps_survive_being_kept(step, office):
    (planned,) = plan([step], {step.place: office})
    assert PlannedStep.from_json(planned.to_json()) == planned


def test_a_flow_without_any_place_is_refused():
    (step,) = base_flow(ApprovalKind.SUBMISSION).steps
    with pytest.raises(Unmanned) as gap:
        plan([step], {})
    assert "接收单位" in gap.value.explanation


def test_one_flow_is_delivered_for_every_kind_with_levels_that_exist():
    assert sorted(flow.kind for flow in base_flows()) == sorted(ApprovalKind)
    codes = {level.code for level in base_levels()}
    assert {step.level_code for flow in base_flows() for step in flow.steps} <= codes
    assert [level.rank for level in base_levels()] == sorted(level.rank for level in base_levels())
    with pytest.raises(ValueError):
        base_flow("nothing")


def test_prefixes_are_a_path_and_those_above_it():
    assert prefixes("1/15/208/") == ["1/", "1/15/", "1/15/208/"]
    assert prefixes("") == []
