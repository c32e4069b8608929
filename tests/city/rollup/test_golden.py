"""The worked example of the roll-up, figure by figure."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.city.rollup.example import A1, A2, A3, B1, example

from wenming_api.city.criteria.rules import VetoScope
from wenming_api.city.regionscores.rules import Entry
from wenming_api.city.rollup.rules import Figures, roll_up
from wenming_api.city.schemes.rules import FieldPolicy, MissingTypePolicy, ParentPolicy
from wenming_api.city.snapshots.rules import Group, Policies, Snapshot
from wenming_api.kit.exact import shown, stored


def computed(snapshot: Snapshot, **settings: object) -> Figures:
    return roll_up(replace(snapshot, policies=replace(Policies(), **settings)))


def field_of(figures: Figures, code: str) -> Decimal | None:
    return next(figure.field for figure in figures.regions if figure.code == code)


def entry(figures: Figures, code: str) -> Entry:
    return next(line for line in figures.entries if line.region == code)


def test_site_scores() -> None:
    scores = {figure.id: figure.score for figure in roll_up(example()).sites}
    assert scores == {
        A1: stored(Fraction(85)),
        A2: stored(Fraction(60)),
        A3: stored(Fraction(500, 7)),
        B1: stored(Fraction(250, 3)),
    }
    assert shown(scores[A3] or Decimal()) == Decimal("71.43")


@pytest.mark.parametrize(
    ("policy", "exact", "displayed"),
    [
        (FieldPolicy.TYPE_MEAN, Fraction(2015, 28), "71.96"),
        (FieldPolicy.SITE_MEAN, Fraction(85 + 60) / 3 + Fraction(500, 21), "72.14"),
        (FieldPolicy.POINTS, Fraction(2450, 34), "72.06"),
    ],
)
def test_field_score_of_a_region(policy: FieldPolicy, exact: Fraction, displayed: str) -> None:
    field = field_of(computed(example(), field=policy), "A")
    assert field == stored(exact)
    assert str(shown(field)) == displayed


@pytest.mark.parametrize(
    ("policy", "exact"),
    [
        (MissingTypePolicy.EXCLUDE, Fraction(250, 3)),
        (MissingTypePolicy.PEER_MEAN, Fraction(1625, 21)),
        (MissingTypePolicy.ZERO, Fraction(125, 3)),
    ],
)
def test_a_region_without_a_type_of_the_quota(policy: MissingTypePolicy, exact: Fraction) -> None:
    assert field_of(computed(example(), missing_type=policy), "B") == stored(exact)


def test_composites_and_ranks() -> None:
    figures = computed(example(), missing_type=MissingTypePolicy.PEER_MEAN)
    first, second = figures.entries
    assert (first.region, first.rank, first.total) == ("B", 1, stored(Fraction(663443, 8400)))
    assert (second.region, second.rank, second.total) == ("A", 2, stored(Fraction(209621, 2800)))
    assert [str(shown(line.total or Decimal())) for line in figures.entries] == ["78.98", "74.86"]


def test_the_city_is_the_mean_of_its_districts() -> None:
    figures = computed(example(), missing_type=MissingTypePolicy.PEER_MEAN)
    city = next(figure for figure in figures.regions if figure.code == "city")
    assert city.total == stored((Fraction(663443, 8400) + Fraction(209621, 2800)) / 2)
    weighted = computed(
        example(),
        missing_type=MissingTypePolicy.PEER_MEAN,
        parents=ParentPolicy.WEIGHTED,
        parent_weights={"A": Fraction(3), "B": Fraction(1)},
    )
    city = next(figure for figure in weighted.regions if figure.code == "city")
    assert city.total == stored((Fraction(663443, 8400) + 3 * Fraction(209621, 2800)) / 4)
    own = computed(example(), parents=ParentPolicy.OWN_SITES)
    city = next(figure for figure in own.regions if figure.code == "city")
    assert city.total == stored(((Fraction(85) + 60 + Fraction(250, 3)) / 3 + Fraction(500, 7)) / 2)


def test_a_missing_method_leaves_no_total_and_is_listed_last_with_the_reason() -> None:
    snapshot = example()
    figures = roll_up(replace(snapshot, method_scores=snapshot.method_scores[:1]))
    last = figures.entries[-1]
    assert (last.region, last.total, last.rank, last.missing) == ("B", None, None, ("questionnaire",))
    assert last.field is not None


def test_a_field_only_group_is_ranked_by_field_without_a_total() -> None:
    group = Group("streets", "街道", {}, ("A", "B"), field_only=True)
    figures = roll_up(replace(example(), groups=(group,)))
    assert [(line.region, line.rank, line.total, line.value) for line in figures.entries] == [
        ("B", 1, None, stored(Fraction(250, 3))),
        ("A", 2, None, stored(Fraction(2015, 28))),
    ]


@pytest.mark.parametrize(
    ("scope", "vetoed"),
    [(VetoScope.SITE, set()), (VetoScope.REGION, {"B"}), (VetoScope.ASSESSMENT, {"A", "B"})],
)
def test_a_veto_makes_the_site_zero_and_reaches_as_far_as_its_scope(scope: VetoScope, vetoed: set[str]) -> None:
    snapshot = example()
    sheets = tuple(
        replace(sheet, lines=(sheet.lines[0], sheet.lines[1]._replace(achieved=Fraction(0), veto=scope)))
        if sheet.site == B1
        else sheet
        for sheet in snapshot.sheets
    )
    figures = roll_up(replace(snapshot, sheets=sheets))
    assert next(figure.score for figure in figures.sites if figure.id == B1) == 0
    assert {line.region for line in figures.entries if line.vetoed} == vetoed
    assert all((line.rank is None) == line.vetoed for line in figures.entries)
    assert entry(figures, "B").total is not None


def test_conformance_of_departments_and_of_responsible_units() -> None:
    figures = roll_up(example())
    by_duty = {figure.id: figure for figure in figures.departments}
    # u1 leads s1 (conforms at a1 and a3, not at a2) and s3 (does not); u2 leads s2 (conforms at a2 only).
    assert (by_duty["u1"].conforming, by_duty["u1"].applicable) == (2, 4)
    assert by_duty["u1"].conformance == 50
    assert by_duty["u1"].score == stored(Fraction(100 * 14, 22))
    assert (by_duty["u2"].conforming, by_duty["u2"].applicable, by_duty["u2"].rank) == (1, 3, 2)
    by_site = {figure.id: figure for figure in figures.units}
    assert by_site["u3"].score == stored(Fraction(2450, 34))


def test_industries_types_and_indicators() -> None:
    figures = roll_up(example())
    assert {figure.id: figure.score for figure in figures.site_types} == {
        "X": stored((85 + 60 + Fraction(250, 3)) / 3),
        "Y": stored(Fraction(500, 7)),
    }
    assert {figure.id: figure.score for figure in figures.industries} == {
        "retail": stored((85 + 60 + Fraction(250, 3)) / 3),
        "park": stored(Fraction(500, 7)),
    }
    scores = {figure.id: figure.score for figure in figures.indicators}
    assert scores["root"] == stored(Fraction(100 * (Fraction("4.5") + 4 + 6 + 10 + 5), 40))
    assert scores["order"] == stored(Fraction(100 * (8 + Fraction("4.5") + 6 + 5), 30))
    assert scores["care"] == stored(Fraction(100 * 6, 10))
