"""Plans: states, lights, who receives what, and how progress adds up."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.workflow.plans.rules import (
    DONE,
    EDITABLE,
    REPORTABLE,
    TRANSITIONS,
    PlanAction,
    PlanLight,
    PlanState,
    Standing,
    TaskChangeKind,
    TaskFacts,
    allowed,
    changes_between,
    combine,
    days_late,
    depth_of,
    height_of,
    light,
    next_state,
    roll_up,
    tasks_for,
    would_circle,
)

TODAY = date(2026, 6, 15)
UNITS = [UUID(int=1_000 + no) for no in range(3)]


@st.composite
def trees(draw) -> dict[UUID, UUID | None]:
    """Parents of up to a dozen tasks; no circles, since a parent comes before its children."""
    parents: dict[UUID, UUID | None] = {}
    for no in range(draw(st.integers(1, 12))):
        parents[UUID(int=no)] = draw(st.sampled_from([None, *parents]))
    return parents


standings = st.one_of(
    st.builds(Standing, st.decimals(0, Decimal("99.99"), places=2)),
    st.builds(Standing, st.just(DONE), st.dates(date(2026, 1, 1), date(2026, 12, 31))),
)


@given(st.lists(st.sampled_from(PlanAction)))
def test_no_sequence_leaves_the_table(actions):
    state = PlanState.DRAFT
    for act in actions:
        following = next_state(state, act)
        assert (following is not None) == (act in allowed(state))
        assert following is None or TRANSITIONS[state, act] is following
        state = following or state
    if state is PlanState.CLOSED:
        assert not allowed(state)


def test_what_is_edited_is_not_closed_and_what_is_reported_on_was_published():
    assert PlanState.CLOSED not in EDITABLE | REPORTABLE
    assert PlanState.DRAFT not in REPORTABLE


@given(st.integers(-400, 400), st.integers(0, 90))
def test_lights(days, warn):
    shown = light(due_on=TODAY + timedelta(days=days), done_on=None, today=TODAY, warn_days=warn)
    assert shown is (PlanLight.RED if days < 0 else PlanLight.YELLOW if days <= warn else PlanLight.GREEN)
    assert light(due_on=TODAY + timedelta(days=days), done_on=TODAY, today=TODAY, warn_days=warn) is PlanLight.GREEN
    assert light(due_on=None, done_on=None, today=TODAY, warn_days=warn) is PlanLight.GREEN
    assert days_late(due_on=TODAY + timedelta(days=days), done_on=None, today=TODAY) == max(0, -days)


def test_done_late_stays_late():
    assert days_late(due_on=date(2026, 6, 1), done_on=date(2026, 6, 4), today=TODAY) == 3


@given(st.lists(standings, max_size=30))
def test_parts_add_up_to_their_mean_and_never_to_done_too_early(parts):
    whole = combine(parts)
    assert (whole.progress == DONE) == (whole.done_on is not None)
    assert (whole.progress == DONE) == (bool(parts) and all(part.done_on for part in parts))
    if parts:
        exact = Fraction(sum((part.progress for part in parts), Decimal(0))) / len(parts)
        assert abs(Fraction(whole.progress) - exact) <= Fraction(1, 100)


@given(trees(), st.data())
def test_progress_follows_from_the_leaves(parents, data):
    leaves = set(parents) - set(parents.values())
    reported = {leaf: data.draw(standings) for leaf in leaves}
    received = {leaf: data.draw(standings) for leaf in data.draw(st.sets(st.sampled_from(sorted(leaves))))}
    found = roll_up(parents, reported, received)
    assert found.keys() == parents.keys()
    for task in parents:
        below = [one for one, parent in parents.items() if parent == task]
        if below:
            assert found[task] == combine([found[one] for one in below])
        else:
            assert found[task] == received.get(task, reported[task])


@given(trees(), st.data())
def test_what_a_unit_receives_is_its_own_what_is_for_all_and_the_headings_above(parents, data):
    inner = set(parents.values())
    named = st.frozensets(st.sampled_from(UNITS))
    tasks = [TaskFacts(one, up, data.draw(named)) for one, up in parents.items()]
    for unit in UNITS:
        mine = tasks_for(unit, tasks)
        assert {task.id for task in tasks if unit in task.unit_ids} <= mine
        assert {task.id for task in tasks if not task.unit_ids and task.id not in inner} <= mine
        assert all(parents[one] is None or parents[one] in mine for one in mine)
        lowest = {one for one in mine if not any(parents[other] == one for other in mine)}
        for task in tasks:
            if task.id in lowest:
                assert unit in task.unit_ids or (not task.unit_ids and task.id not in inner)


@given(trees(), st.data())
def test_depth_height_and_circles(parents, data):
    one, other = data.draw(st.sampled_from(sorted(parents))), data.draw(st.sampled_from([None, *sorted(parents)]))
    above = set()
    at = other
    while at is not None:
        above.add(at)
        at = parents[at]
    assert would_circle(one, other, parents) == (one in above)
    assert depth_of(other, parents) == len(above)
    deepest = max(depth_of(task, parents) for task in parents if would_circle(one, task, parents))
    assert height_of(one, parents) == deepest - depth_of(one, parents) + 1


def test_changes_of_a_revision():
    before = [{"id": "a", "title": "甲", "due_on": "2026-01-01"}, {"id": "b", "title": "乙", "due_on": None}]
    after = [{"id": "a", "title": "甲", "due_on": "2026-02-01"}, {"id": "c", "title": "丙", "due_on": None}]
    found = [(one.task_id, one.change, one.fields) for one in changes_between(before, after)]
    assert found == [
        ("a", TaskChangeKind.CHANGED, {"due_on": ("2026-01-01", "2026-02-01")}),
        ("c", TaskChangeKind.ADDED, {}),
        ("b", TaskChangeKind.REMOVED, {}),
    ]
    assert changes_between(after, after) == []
