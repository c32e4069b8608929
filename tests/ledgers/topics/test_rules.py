"""The life of a topic."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.ledgers.topics.rules import (
    TRANSITIONS,
    TopicAction,
    TopicState,
    closed_to,
    legal_actions,
    next_state,
    why_not,
)

DAYS = st.dates(date(2024, 1, 1), date(2027, 1, 1))


@given(state=st.sampled_from(TopicState), action=st.sampled_from(TopicAction))
def test_an_action_is_possible_exactly_when_nothing_speaks_against_it(state: TopicState, action: TopicAction) -> None:
    possible = action.value in legal_actions(state)
    assert possible == (why_not(state, action) is None)
    if action is not TopicAction.DELETE:
        assert possible == (next_state(state, action) is not None)


def test_archived_is_final_and_only_a_draft_is_deleted() -> None:
    assert legal_actions(TopicState.ARCHIVED) == []
    assert [state for state in TopicState if "delete" in legal_actions(state)] == [TopicState.DRAFT]
    assert TopicState.DRAFT not in TRANSITIONS.values() or all(
        source is TopicState.DRAFT for (source, _), target in TRANSITIONS.items() if target is TopicState.DRAFT
    )


@given(state=st.sampled_from(TopicState), opens=DAYS, closes=DAYS, today=DAYS)
def test_it_accepts_while_published_from_the_first_day_to_the_last(
    state: TopicState, opens: date, closes: date, today: date
) -> None:
    refused = closed_to(state, opens_on=opens, closes_on=closes, today=today)
    assert (refused is None) == (state is TopicState.PUBLISHED and opens <= today <= closes)
