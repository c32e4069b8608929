"""What a questionnaire may ask: every fault is named where it is."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.questionnaires.rules import (
    TRANSITIONS,
    Condition,
    Option,
    Question,
    QuestionKind,
    QuestionnaireAction,
    QuestionnaireState,
    Readiness,
    allowed,
    publication_faults,
    question_faults,
)

YES_NO = (Option("y", "是", Decimal(5)), Option("n", "否", Decimal(0)))
PLAIN = (Option("y", "是"), Option("n", "否"))
SINGLE = Question("q1", QuestionKind.SINGLE, "满意吗", options=PLAIN)
SCORED = Question("q2", QuestionKind.SINGLE, "满意吗", standard="s", max_score=Decimal(5), options=YES_NO)
SCALE = Question("q3", QuestionKind.SCALE, "几分", low=1, high=5)
TEXT = Question("q4", QuestionKind.TEXT, "建议", required=False)
SCREEN = Question(
    "age", QuestionKind.SINGLE, "年龄", screening=True, options=(Option("i", "内"), Option("o", "外", qualifies=False))
)
READY = Readiness(strata=1, windowed=True, method_known=True, standards=frozenset({"s"}))


def test_a_proper_list_has_no_faults() -> None:
    asked = replace(SINGLE, code="q5", show_if=Condition("q2", ("n",)))
    assert question_faults([SCREEN, SINGLE, SCORED, SCALE, TEXT, asked]) == []
    assert publication_faults([SCREEN, SCORED], READY, method="survey") == []


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        (replace(SINGLE, options=PLAIN[:1]), "/options"),
        (replace(SINGLE, options=(PLAIN[0], PLAIN[0])), "/options"),
        (replace(SINGLE, max_choices=1), "/max_choices"),
        (replace(SINGLE, kind=QuestionKind.MULTIPLE, max_choices=3), "/max_choices"),
        (replace(SCALE, options=PLAIN), "/options"),
        (replace(SCALE, low=None), "/low"),
        (replace(SCALE, low=5), "/high"),
        (replace(SINGLE, low=1), "/low"),
        (replace(SINGLE, options=YES_NO), "/standard_id"),
        (replace(SINGLE, max_score=Decimal(1)), "/standard_id"),
        (replace(SCORED, max_score=None), "/max_score"),
        (replace(SCORED, max_score=Decimal(4)), "/options/0/score"),
        (replace(SCORED, options=PLAIN), "/options"),
        (replace(TEXT, standard="s", max_score=Decimal(1)), "/standard_id"),
        (replace(SCREEN, required=False), "/screening"),
        (replace(SCREEN, kind=QuestionKind.MULTIPLE), "/screening"),
        (replace(SCREEN, options=PLAIN), "/options"),
        (replace(SCREEN, standard="s", max_score=Decimal(1)), "/standard_id"),
        (replace(SINGLE, options=SCREEN.options), "/screening"),
        (replace(SINGLE, show_if=Condition("later", ("y",))), "/show_if/question"),
        (replace(SINGLE, show_if=Condition("q1", ("y",))), "/show_if/question"),
    ],
)
def test_each_fault_is_named(question: Question, pointer: str) -> None:
    assert f"/questions/0{pointer}" in [fault.pointer for fault in question_faults([question])]


@pytest.mark.parametrize(
    ("questions", "pointer"),
    [
        ([SINGLE, SINGLE], "/questions/1/code"),
        ([SINGLE, SCREEN], "/questions/1/screening"),
        ([SCALE, replace(SINGLE, show_if=Condition("q3", ("y",)))], "/questions/1/show_if/question"),
        ([SINGLE, replace(SCALE, show_if=Condition("q1", ("z",)))], "/questions/1/show_if/choices"),
    ],
)
def test_faults_between_questions(questions: list[Question], pointer: str) -> None:
    assert [fault.pointer for fault in question_faults(questions)] == [pointer]


@pytest.mark.parametrize(
    ("questions", "changes", "method", "pointer"),
    [
        ([], {}, "survey", "/questions"),
        ([SINGLE], {"strata": 0}, None, "/strata"),
        ([SINGLE], {"windowed": False}, None, "/opens_at"),
        ([SCORED], {}, None, "/method_code"),
        ([SCORED], {"method_known": False}, "survey", "/method_code"),
        ([SCORED], {"standards": frozenset()}, "survey", "/questions/0/standard_id"),
    ],
)
def test_what_keeps_a_version_from_being_published(
    questions: list[Question], changes: dict[str, Any], method: str | None, pointer: str
) -> None:
    assert [fault.pointer for fault in publication_faults(questions, replace(READY, **changes), method=method)] == [
        pointer
    ]


@given(st.lists(st.sampled_from(QuestionnaireAction), max_size=6))
def test_no_sequence_returns_to_a_state(actions: list[QuestionnaireAction]) -> None:
    state, passed = QuestionnaireState.DRAFT, [QuestionnaireState.DRAFT]
    for action in actions:
        following = TRANSITIONS.get((state, action))
        assert (following is not None) == (action.value in allowed(state))
        if following is not None:
            state = following
            passed.append(state)
    assert len(passed) == len(set(passed))
