"""Stand-ins: no deputy of a deputy, one deputy at a time, on any day."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.workflow.stand_ins.rules import Span, clash, within_reach

PEOPLE = [UUID(int=number) for number in range(1, 6)]
START = date(2026, 11, 1)


@st.composite
def spans(draw):
    first = draw(st.integers(0, 20))
    return Span(
        draw(st.sampled_from(PEOPLE)),
        draw(st.sampled_from(PEOPLE)),
        START + timedelta(days=first),
        START + timedelta(days=first + draw(st.integers(0, 8))),
    )


@given(st.lists(spans(), max_size=30))
def test_on_every_day_whoever_has_a_deputy_is_nobody_s_deputy(wanted):
    kept = []
    for span in wanted:
        if clash(span, kept) is None:
            kept.append(span)
    for no in range(30):
        day = START + timedelta(days=no)
        now = [span for span in kept if span.starts_on <= day <= span.ends_on]
        represented = [span.user_id for span in now]
        assert len(represented) == len(set(represented))
        assert not set(represented) & {span.deputy_id for span in now}


@given(spans(), st.lists(spans(), max_size=5))
def test_a_refusal_names_a_real_clash(new, existing):
    if clash(new, existing) is None or new.user_id == new.deputy_id:
        return
    assert any(
        new.overlaps(other) and (other.user_id in {new.user_id, new.deputy_id} or other.deputy_id == new.user_id)
        for other in existing
    )


def test_a_deputy_is_of_the_unit_above_it_or_below_it():
    assert within_reach("1/15/", "1/15/")
    assert within_reach("1/15/", "1/")
    assert within_reach("1/15/", "1/15/208/")
    assert not within_reach("1/15/", "1/16/")
