"""States of a system, and the hash of its content."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.editions.rules import (
    TRANSITIONS,
    Content,
    ContentIndicator,
    ContentStandard,
    SystemAction,
    allowed,
    content_hash,
    publication_faults,
)
from wenming_api.city.standards.rules import ListKind, SystemState

ORDER = list(SystemState)
CONTENT = Content(
    level_names=("测评项目", "测评内容"),
    methods={"field": "实地考察"},
    indicators=(ContentIndicator("Ⅰ-1", None, 1, "环境"), ContentIndicator("Ⅱ-1", "Ⅰ-1", 2, "街巷")),
    standards=(
        ContentStandard(
            code="①",
            indicator_code="Ⅱ-1",
            text="整洁",
            list_kind=ListKind.REGULAR,
            max_score=Decimal("2.5"),
            methods=("field",),
            rule={"kind": "pass_fail"},
            requires_photo=False,
            site_types=("26", "27"),
            duties=(),
            evidence=(),
            note="",
            source="",
        ),
    ),
)


@given(st.lists(st.sampled_from(SystemAction)))
def test_no_sequence_of_actions_leaves_the_table_or_goes_back(actions):
    state = SystemState.DRAFT
    for action in actions:
        following = TRANSITIONS.get((state, action))
        assert (action.value in allowed(state)) == (following is not None)
        if following is not None:
            assert ORDER.index(following) == ORDER.index(state) + 1
            state = following
    assert state in ORDER


def test_the_same_content_has_the_same_hash():
    standard = CONTENT.standards[0]
    same = replace(standard, max_score=Decimal("2.5000000000"), site_types=("27", "26"))
    assert content_hash(replace(CONTENT, standards=(same,))) == content_hash(CONTENT)
    for changed in (
        replace(standard, max_score=Decimal("2.51")),
        replace(standard, site_types=("26",)),
        replace(standard, rule={"kind": "veto", "scope": "site"}),
        replace(standard, text="整洁。"),
    ):
        assert content_hash(replace(CONTENT, standards=(changed,))) != content_hash(CONTENT)


def test_publication_names_what_is_missing():
    assert publication_faults(CONTENT) == []
    standard = CONTENT.standards[0]
    grades = [{"code": "A", "label": "好", "factor": "0.5"}]
    faulty = replace(
        CONTENT,
        indicators=(*CONTENT.indicators, ContentIndicator("Ⅱ-2", "Ⅰ-1", 2, "空")),
        standards=(
            replace(standard, list_kind=ListKind.BONUS, methods=("phone",), rule={"kind": "graded", "grades": grades}),
        ),
    )
    assert [fault.pointer for fault in publication_faults(faulty)] == [
        "/standards",
        "/indicators/Ⅱ-2",
        "/standards/①/methods",
        "/standards/①/rule/grades",
    ]
