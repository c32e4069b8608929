"""Any assessment at all: the roll-up equals the definition, does not depend on order, and survives its own
JSON."""

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.city.rollup.example import example
from tests.city.rollup.naive import Naive, rounded
from tests.city.rollup.strategies import snapshots

from wenming_api.city.rollup.rules import result_hash, roll_up
from wenming_api.city.schemes.rules import ParentPolicy
from wenming_api.city.sitescores.rules import tally
from wenming_api.city.snapshots.rules import Snapshot, canonical, from_json, to_json
from wenming_api.kit.exact import ranks, shown, stored

many = settings(max_examples=300, deadline=None)


@many
@given(snapshots())
def test_every_figure_equals_the_definition(snapshot: Snapshot) -> None:
    naive, figures = Naive(snapshot), roll_up(snapshot)
    assert {figure.id: figure.score for figure in figures.sites} == {
        site.id: rounded(naive.site_score(site.id)) for site in snapshot.sites
    }
    for entry in figures.entries:
        group = next(group for group in snapshot.groups if group.code == entry.group)
        bonus, negative = naive.loss_and_gain(entry.region)
        assert entry.field == rounded(naive.field(entry.region, group))
        assert (entry.bonus, entry.negative) == (rounded(bonus), rounded(negative))
        assert entry.total == rounded(naive.total(entry.region, group))
        assert entry.value == rounded(naive.value(entry.region, group))
        assert set(entry.missing) == naive.missing(entry.region, group)
        assert entry.vetoed == naive.vetoed(entry.region)
        assert entry.rank == naive.rank(entry.region, group)
    for region in figures.regions:
        if naive.grouped(region.code) or naive.is_above(region.code):
            assert region.field == rounded(naive.region_field(region.code))
            expected = naive.region_value(region.code)
            if not (naive.grouped(region.code) and naive.grouped(region.code)[0].field_only):
                assert region.total == rounded(expected)
        else:
            assert (region.field, region.total) == (rounded(naive.field(region.code, None)), None)
    for cut, definition in (
        (figures.departments, naive.department),
        (figures.units, naive.unit),
        (figures.indicators, naive.indicator),
    ):
        for figure in cut:
            score, rate = definition(figure.id)
            assert (figure.score, figure.conformance) == (rounded(score), rounded(rate))
    assert all(figure.score == rounded(naive.industry(figure.id)) for figure in figures.industries)
    assert all(figure.score == rounded(naive.site_type(figure.id)) for figure in figures.site_types)


@many
@given(snapshots())
def test_nothing_is_left_out(snapshot: Snapshot) -> None:
    naive, figures = Naive(snapshot), roll_up(snapshot)
    assert {(entry.group, entry.region) for entry in figures.entries} == {
        (group.code, code) for group in snapshot.groups for code in group.regions
    }
    assert {region.code for region in figures.regions} == {
        code for code in naive.parent if naive.sites_of(code) or naive.grouped(code) or naive.is_above(code)
    }
    assert {unit.id for unit in figures.units} == {site.unit for site in snapshot.sites} - {None}
    assert {indicator.id for indicator in figures.indicators} == {node.id for node in snapshot.indicators}
    assert {standard.id for standard in figures.standards} == set(naive.standard)


@many
@given(snapshots(), st.randoms(use_true_random=False))
def test_the_hash_depends_on_no_order_and_survives_storage(snapshot: Snapshot, random: Random) -> None:
    def shuffled(values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(random.sample(values, len(values)))

    other = replace(
        snapshot,
        **{
            name: shuffled(getattr(snapshot, name))
            for name in ("regions", "sites", "standards", "sheets", "quotas", "indicators", "method_scores")
        },
    )
    known = result_hash(snapshot, roll_up(snapshot))
    assert result_hash(other, roll_up(other)) == known
    read = from_json(json.loads(json.dumps(to_json(snapshot))))
    assert canonical(to_json(read)) == canonical(to_json(snapshot))
    assert result_hash(read, roll_up(read)) == known


@many
@given(snapshots(), st.data())
def test_any_change_of_a_line_changes_the_hash(snapshot: Snapshot, data: st.DataObject) -> None:
    judged = [
        (number, place)
        for number, sheet in enumerate(snapshot.sheets)
        for place, line in enumerate(sheet.lines)
        if line.achieved is not None
    ]
    if not judged:
        return
    number, place = data.draw(st.sampled_from(judged))
    sheet = snapshot.sheets[number]
    line = sheet.lines[place]
    changed = line._replace(achieved=line.achieved + Fraction(1, 7))
    lines = (*sheet.lines[:place], changed, *sheet.lines[place + 1 :])
    sheets = (*snapshot.sheets[:number], replace(sheet, lines=lines), *snapshot.sheets[number + 1 :])
    other = replace(snapshot, sheets=sheets)
    assert result_hash(other, roll_up(other)) != result_hash(snapshot, roll_up(snapshot))


@many
@given(snapshots())
def test_lists_are_ordered_and_complete_at_the_end(snapshot: Snapshot) -> None:
    for group in snapshot.groups:
        lines = [entry for entry in roll_up(snapshot).entries if entry.group == group.code]
        assert [entry.position for entry in lines] == list(range(1, len(lines) + 1))
        kinds = [0 if entry.rank else 1 if entry.vetoed else 2 for entry in lines]
        assert kinds == sorted(kinds)
        ranked = [entry.value for entry in lines if entry.rank]
        assert ranked == sorted(ranked, reverse=True)
        assert all(entry.missing or entry.vetoed for entry in lines if entry.rank is None)


@given(st.lists(st.none() | st.decimals(-5, 5, places=1)))
def test_ranks_count_the_better_ones(values: list[Decimal | None]) -> None:
    known = [value for value in values if value is not None]
    assert ranks(values) == [None if value is None else 1 + sum(other > value for other in known) for value in values]


def test_ties_share_a_rank() -> None:
    assert ranks([Decimal(9), Decimal(8), Decimal(8), None, Decimal(7)]) == [1, 2, 2, None, 4]


@given(st.fractions(-(10**9), 10**9))
def test_stored_is_the_nearest_with_ten_places(value: Fraction) -> None:
    kept = stored(value)
    assert kept == rounded(value)
    assert kept.as_tuple().exponent == -10
    assert abs(Fraction(kept) - value) <= Fraction(1, 2 * 10**10)


def test_halves_go_away_from_zero() -> None:
    assert [str(shown(Decimal(text))) for text in ("74.865", "74.855", "-0.005", "0.0049999999")] == [
        "74.87",
        "74.86",
        "-0.01",
        "0.00",
    ]
    assert stored(Fraction(1, 2 * 10**10)) == Decimal("0.0000000001")


def test_weights_of_nothing_give_nothing() -> None:
    snapshot = example()
    weighted = replace(snapshot.policies, parents=ParentPolicy.WEIGHTED)
    city = next(figure for figure in roll_up(replace(snapshot, policies=weighted)).regions if figure.code == "city")
    assert city.total is None


@many
@given(snapshots())
def test_the_cells_of_statistics_add_up_to_the_sites(snapshot: Snapshot) -> None:
    sums = tally(snapshot)
    for one in sums.sites:
        assert sum(cell.achieved for cell in one.cells.values()) == one.lines.achieved
        assert sum(cell.applicable for cell in one.cells.values()) == one.lines.applicable
    for number, kind in enumerate(sums.kinds):
        alike = [
            each for each in snapshot.standards if (each.indicator, each.lead) == (kind.indicator, kind.department)
        ]
        regular = [each.id for each in alike if each.kind == "regular"]
        cells = [one.cells[number] for one in sums.sites if number in one.cells]
        assert sum(cell.conforming for cell in cells) == sum(sums.standards[each].conforming for each in regular)
        assert sum(cell.max_score for cell in cells) == sum(sums.standards[each].max_score for each in regular)
