"""Applying submissions in memory: exactly once, whatever the order, the split and the repetitions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.forms.rules import FormItem
from wenming_api.city.scoring.rules import Evidence, SheetState
from wenming_api.city.standards.rules import ListKind, PassFail
from wenming_api.city.submissions.rules import Author, Frozen, Given, Intake, Locked, Recorded, Version, in_order

STANDARD = UUID(int=9)
FORM = {"37": {STANDARD: FormItem(STANDARD, "①", PassFail(), Decimal(4), ListKind.REGULAR, False)}}
START = datetime(2026, 11, 12, tzinfo=UTC)


def sheet(number: int, *, open_: bool = True) -> Locked:
    return Locked(
        id=UUID(int=number),
        assessment_id=UUID(int=1),
        site_type_code="37",
        region_path="3703/",
        unit_path=None,
        state=SheetState.ASSIGNED,
        version_no=0,
        current_version_id=None,
        version=1,
        evidence=Evidence.COMPLETE,
        entry_open=open_,
        in_force=True,
    )


def given_(number: int, on: int, minute: int, *, replaces: int | None = None, passed: bool = True) -> Given:
    submission: dict[str, Any] = {
        "id": UUID(int=number),
        "captured_at": START + timedelta(minutes=minute),
        "crs": "wgs84",
        "lines": [{"standard_id": STANDARD, "entry": {"passed": passed}}],
    }
    if replaces is not None:
        submission |= {"replaces": UUID(int=replaces), "reason": "现场复核后更正"}
    return Given(UUID(int=on), submission, START)


def run(batches: Sequence[Sequence[Given]]) -> tuple[list[dict[int, Any]], dict[UUID, Locked], dict[UUID, Version]]:
    """Batches one after another, as the service would run them."""
    sheets = {UUID(int=number): sheet(number) for number in (100, 101, 102)}
    known: dict[UUID, Version] = {}
    answers = []
    for batch in batches:
        intake = Intake(Author(UUID(int=5), None), sheets, FORM, known, {}, None, [])
        answers.append({place: intake.apply(batch[place]) for place in in_order(batch)})
    return answers, sheets, known


@st.composite
def histories(draw: st.DrawFn) -> list[Given]:
    """A first submission of each sheet, some with corrections after it, each made from the one before."""
    items = []
    number = 1000
    for on in (100, 101, 102):
        before: int | None = None
        for minute in range(draw(st.integers(1, 4))):
            number += 1
            items.append(given_(number, on, minute, replaces=before, passed=draw(st.booleans())))
            before = number
    return items


def summary(sheets: dict[UUID, Locked], known: dict[UUID, Version]) -> Any:
    return (
        sorted((each.id, each.version_no, each.current_version_id) for each in sheets.values()),
        sorted((each.id, each.sheet_id, each.no, each.fingerprint) for each in known.values()),
    )


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_inside_a_batch_gives_the_same_result(items: list[Given], chance: random.Random) -> None:
    expected = run([items])
    assert all(isinstance(each, Recorded) and not each.repeated for each in expected[0][0].values())
    shuffled = list(items)
    chance.shuffle(shuffled)
    assert summary(*run([shuffled])[1:]) == summary(*expected[1:])


@given(histories(), st.randoms(use_true_random=False))
def test_any_split_sent_until_taken_gives_the_same_result(items: list[Given], chance: random.Random) -> None:
    """What has to wait for a missing predecessor is sent again, as a client would."""
    shuffled = list(items)
    chance.shuffle(shuffled)
    cut = chance.randrange(len(shuffled) + 1)
    batches = [shuffled[:cut], shuffled[cut:]] + [shuffled] * 2
    answers, sheets, known = run(batches)
    assert summary(sheets, known) == summary(*run([items])[1:])
    assert all(isinstance(each, Recorded) and each.repeated for each in answers[-1].values())
    new = [each for answer in answers for each in answer.values() if isinstance(each, Recorded) and not each.repeated]
    assert len(new) == len(items)


def test_the_same_id_with_other_contents_is_refused() -> None:
    answers, _, known = run([[given_(1, 100, 0)], [given_(1, 100, 0, passed=False)], [given_(1, 101, 0)]])
    assert [getattr(answer[0], "code", None) for answer in answers] == [None, *["submission_id_reused"] * 2]
    assert len(known) == 1


def test_two_first_submissions_of_one_sheet_the_earlier_captured_wins() -> None:
    for order in ([given_(1, 100, 5), given_(2, 100, 3)], [given_(2, 100, 3), given_(1, 100, 5)]):
        _, sheets, _ = run([order])
        assert sheets[UUID(int=100)].current_version_id == UUID(int=2)


def test_a_circle_is_refused_and_holds_nobody_up() -> None:
    answers, _, known = run([[given_(1, 100, 0, replaces=2), given_(2, 100, 1, replaces=1), given_(3, 101, 0)]])
    assert [getattr(answers[0][place], "code", None) for place in range(3)] == [*["predecessor_missing"] * 2, None]
    assert list(known) == [UUID(int=3)]


def test_what_comes_while_entry_is_frozen_is_kept_apart_only_when_it_is_right() -> None:
    intake = Intake(Author(UUID(int=5), None), {UUID(int=100): sheet(100, open_=False)}, FORM, {}, {}, None, [])
    assert isinstance(intake.apply(given_(1, 100, 0)), Frozen)
    wrong = Given(UUID(int=100), {**given_(2, 100, 0).submission, "lines": []}, START)
    assert getattr(intake.apply(wrong), "code", None) == "invalid_input"
    assert not intake.new


def test_nobody_submits_for_his_own_unit_or_a_replaced_site() -> None:
    own = sheet(100)
    own.unit_path = "1/2/3/"
    intake = Intake(Author(UUID(int=5), "1/2/"), {own.id: own}, FORM, {}, {}, None, [])
    assert "本单位" in getattr(intake.apply(given_(1, 100, 0)), "detail", "")
    replaced = sheet(101)
    replaced.in_force = False
    intake = Intake(Author(UUID(int=5), "1/2/"), {replaced.id: replaced}, FORM, {}, {}, None, [])
    assert "替换" in getattr(intake.apply(given_(1, 101, 0)), "detail", "")
