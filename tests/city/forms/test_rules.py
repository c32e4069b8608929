"""Judging a filled-in form: what is refused, what it is worth, and when two submissions are the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.forms.rules import FormItem, InvalidSubmission, fingerprint, judge, stored
from wenming_api.city.standards.rules import (
    Count,
    CountMode,
    Deduction,
    DeductionReason,
    Grade,
    Graded,
    ListKind,
    Outcome,
    PassFail,
    ScoringRule,
    Veto,
    VetoScope,
)

LITTER = DeductionReason("litter", "垃圾", points=Fraction("0.5"), cap=Fraction(1))
OTHER = DeductionReason("other", "其他", cap=Fraction(2))


def item(number: int, rule: ScoringRule, most: int = 10, **options: Any) -> FormItem:
    options = {"list_kind": ListKind.REGULAR, "requires_photo": False} | options
    return FormItem(UUID(int=number), f"Ⅲ-1-{number}", rule, Decimal(most), **options)


def form(*items: FormItem) -> dict[UUID, FormItem]:
    return {each.standard_id: each for each in items}


def line(number: int, entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"standard_id": UUID(int=number), "entry": entry, **more}


PHOTO = {"file_id": UUID(int=77)}
THE_FORM = form(
    item(1, PassFail(), 4, requires_photo=True),
    item(2, Deduction((LITTER, OTHER), photo_required=True), 6),
    item(3, Count(Fraction(5), CountMode.PROPORTION), 10),
    item(4, Graded((Grade("A", "好", Fraction(1)), Grade("B", "中", Fraction(2, 3)))), 3),
    item(5, Veto(VetoScope.SITE), 0),
)


def filled() -> list[dict[str, Any]]:
    return [
        line(1, {"passed": True}),
        line(2, {"deductions": [{"reason": "other", "points": Decimal("1.5"), "note": "乱停车", "photos": [PHOTO]}]}),
        line(3, {"count": Decimal(3)}),
        line(4, {"grade": "B"}),
        line(5, {"vetoed": False}),
    ]


def test_what_a_form_is_worth() -> None:
    judgement = judge(THE_FORM, filled())
    assert [each.achieved for each in judgement.lines] == [
        Decimal(4),
        Decimal("4.5"),
        Decimal(6),
        Decimal(2),
        Decimal(0),
    ]
    assert (judgement.achieved, judgement.max_score, judgement.vetoed) == (Decimal("16.5"), Decimal(23), False)
    second = judgement.lines[1]
    assert [(each.no, each.points, each.reason_code) for each in second.deductions] == [(1, Decimal("1.5"), "other")]
    assert [(each.deduction_no, each.file_id) for each in second.photos] == [(1, PHOTO["file_id"])]
    assert second.entry == {"deductions": [{"reason": "other", "points": "1.5"}]}
    assert judgement.lines[2].entry == {"count": "3"}


def test_a_veto_and_a_line_that_does_not_apply() -> None:
    lines = filled()
    lines[0] = line(1, {"not_applicable": True}, note="本点位无此设施")
    lines[4] = line(5, {"vetoed": True})
    judgement = judge(THE_FORM, lines)
    assert judgement.vetoed
    assert judgement.lines[0].outcome is Outcome.NOT_APPLICABLE
    assert judgement.lines[0].achieved is None
    assert judgement.max_score == Decimal(19)


def test_bonus_and_negative_items_may_be_left_out_and_do_not_enter_the_sums() -> None:
    wanted = form(item(1, PassFail(), 4), item(2, PassFail(), 6, list_kind=ListKind.BONUS))
    assert judge(wanted, [line(1, {"passed": True})]).max_score == Decimal(4)
    both = judge(wanted, [line(1, {"passed": True}), line(2, {"passed": True})])
    assert (both.achieved, len(both.lines)) == (Decimal(4), 2)


def test_a_fixed_reason_needs_no_points() -> None:
    wanted = form(item(1, Deduction((LITTER, OTHER)), 6))
    judgement = judge(
        wanted, [line(1, {"deductions": [{"reason": "litter"}, {"reason": "litter", "points": Decimal(2)}]})]
    )
    assert [each.points for each in judgement.lines[0].deductions] == [Decimal("0.5"), Decimal(2)]
    assert judgement.achieved == Decimal(5)


Change = Callable[[list[dict[str, Any]]], None]


def deduct(**fields: Any) -> Change:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[1]["entry"]["deductions"][0].update(fields)

    return change


def replace(place: int, *new: dict[str, Any]) -> Change:
    def change(lines: list[dict[str, Any]]) -> None:
        lines[place : place + 1] = new

    return change


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        (replace(2), "/lines", "缺少标准 Ⅲ-1-3"),
        (
            replace(2, line(3, {"count": Decimal(3)}), line(9, {"passed": True})),
            "/lines/3/standard_id",
            "不在本测评表内",
        ),
        (replace(2, line(3, {"count": Decimal(3)}), line(3, {"count": Decimal(3)})), "/lines/3/standard_id", "重复"),
        (replace(3, line(4, {"grade": "Z"})), "/lines/3/entry/grade", "档次"),
        (replace(3, line(4, {"passed": True})), "/lines/3/entry/passed", "评分方式"),
        (replace(3, line(4, {})), "/lines/3/entry/grade", "档次"),
        (replace(0, line(1, {"passed": False})), "/lines/0/photos", "照片"),
        (replace(0, line(1, {"not_applicable": True})), "/lines/0/note", "原因"),
        (replace(0, line(1, {"not_applicable": True, "passed": True}, note="无")), "/lines/0/entry", "不适用"),
        (deduct(points=Decimal("2.1")), "/lines/1/entry/deductions/0/points", "上限"),
        (deduct(points=Decimal(7)), "/lines/1/entry/deductions/0/points", "上限"),
        (deduct(points=Decimal(0)), "/lines/1/entry/deductions/0/points", "大于 0"),
        (deduct(points=None), "/lines/1/entry/deductions/0/points", "大于 0"),
        (deduct(reason="none"), "/lines/1/entry/deductions/0/reason", "扣分原因"),
        (deduct(photos=[]), "/lines/1/entry/deductions/0/photos", "照片"),
    ],
)
def test_what_is_refused(change: Change, pointer: str, message: str) -> None:
    lines = filled()
    change(lines)
    with pytest.raises(InvalidSubmission) as refused:
        judge(THE_FORM, lines)
    assert [(error.pointer, message in error.message) for error in refused.value.errors] == [(pointer, True)]


def test_all_mistakes_are_named_at_once() -> None:
    lines = filled()
    lines[0] = line(1, {"passed": False})
    del lines[4], lines[2]
    with pytest.raises(InvalidSubmission) as refused:
        judge(THE_FORM, lines)
    assert len(refused.value.errors) == 3


@given(
    st.lists(st.sampled_from(["litter", "other"]), max_size=12), st.integers(1, 20), st.randoms(use_true_random=False)
)
def test_a_deduction_line_never_leaves_its_bounds(reasons: list[str], most: int, chance: random.Random) -> None:
    deductions = [
        {"reason": reason} | ({} if reason == "litter" else {"points": Decimal(chance.randrange(1, 5)) / 4})
        for reason in reasons
    ]
    wanted = form(item(1, Deduction((LITTER, OTHER)), most))
    judgement = judge(wanted, [line(1, {"deductions": deductions})])
    assert 0 <= judgement.achieved <= most
    assert judgement.max_score == most
    lost = min(Decimal(1), Decimal("0.5") * reasons.count("litter")) + min(
        Decimal(2), sum((each["points"] for each in deductions if "points" in each), Decimal(0))
    )
    assert judgement.achieved == max(Decimal(0), most - lost)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Fraction(500, 7), "71.4285714286"),
        (Fraction(1, 2 * 10**10), "0.0000000001"),
        (Fraction(-1, 3), "-0.3333333333"),
        (Fraction(2, 3), "0.6666666667"),
    ],
)
def test_figures_are_stored_half_up(value: Fraction, kept: str) -> None:
    assert str(stored(value)) == kept or format(stored(value), "f") == kept


def submission(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    return {
        "id": UUID(int=chance.getrandbits(128)),
        "captured_at": datetime(2026, 3, 1, 8, chance.randrange(60), tzinfo=UTC),
        "lines": [
            {
                "standard_id": UUID(int=number),
                "deductions": [{"points": Decimal("1.5"), "reason_code": "r1"}] * chance.randrange(3),
            }
            for number in range(chance.randrange(1, 8))
        ],
    }


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_fingerprint_ignores_how_it_is_written(seed: int, chance: random.Random) -> None:
    one = submission(seed)
    lines = [dict(line) for line in one["lines"]]
    for line in lines:
        line["deductions"] = [{**each, "points": Decimal("1.500")} for each in line["deductions"]]
    chance.shuffle(lines)
    other = dict(reversed(list(one.items())))
    other["lines"] = lines
    other["captured_at"] = one["captured_at"].astimezone(timezone(timedelta(hours=8)))
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize("figure", ["100", "1E+2", "100.00"])
def test_fingerprint_of_equal_figures(figure: str) -> None:
    assert fingerprint({"lines": [], "n": Decimal(figure)}) == fingerprint({"lines": [], "n": Decimal(100)})


def test_fingerprint_sees_every_difference() -> None:
    one = submission(3)
    others = [
        {**one, "captured_at": one["captured_at"] + timedelta(seconds=1)},
        {**one, "id": UUID(int=1)},
        {**one, "lines": one["lines"][1:]},
        {**one, "lines": [{**one["lines"][0], "deductions": [{"points": Decimal(9)}]}, *one["lines"][1:]]},
    ]
    assert len({fingerprint(each) for each in [one, *others]}) == len(others) + 1
