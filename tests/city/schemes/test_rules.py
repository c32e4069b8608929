"""What a scheme must satisfy: weights that add up, known references, complete before it is published."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.schemes.rules import (
    Assessor,
    DutyPolicy,
    Facts,
    FieldPolicy,
    Group,
    MethodSource,
    MissingTypePolicy,
    OpenLinePolicy,
    ParentPolicy,
    Quota,
    RegionFact,
    Scheme,
    Settings,
    Shortage,
    StandardFact,
    publish_gaps,
    scheme_gaps,
    settings_gaps,
)

CITY = "370300000000/"
FACTS = Facts(
    regions={
        "r1": RegionFact("370302000000", "淄川区", "county", f"{CITY}370302000000/"),
        "r2": RegionFact("370303000000", "张店区", "county", f"{CITY}370303000000/"),
        "r1s": RegionFact("370302001000", "般阳路街道", "street", f"{CITY}370302000000/370302001000/"),
        "far": RegionFact("110101000000", "东城区", "county", "110100000000/110101000000/"),
    },
    site_types={"37": "社区"},
    standards={"s1": StandardFact("Ⅲ-1-①", True, frozenset({"37"}))},
    assessors=frozenset({"u1"}),
    edition_published=True,
    frame={("37", "淄川区"): 3, ("37", "张店区"): 2},
)
SCHEME = Scheme(
    root_path=CITY,
    settings=Settings(),
    methods={"field": MethodSource.FIELD, "survey": MethodSource.ENTERED},
    regions=("r1", "r2"),
    quotas=(Quota("37", "county", 2, Decimal(1)),),
    groups=(
        Group("A", "county", {"field": Decimal(85), "survey": Decimal(15)}, False, ("r1", "r2")),
        Group("B", "street", {"field": Decimal(100)}, True, ("r1s",)),
    ),
    standards=("s1",),
    assessors=(Assessor("u1", ("r1s",), ("37",)),),
)


def pointers(scheme, facts=FACTS):
    return {gap.pointer for gap in scheme_gaps(scheme, facts)}


def grouped(**changes):
    return replace(SCHEME, groups=(replace(SCHEME.groups[0], **changes),))


def test_a_whole_scheme_has_no_gaps():
    assert publish_gaps(SCHEME, FACTS, windowed=True) == []


@pytest.mark.parametrize(
    ("scheme", "pointer"),
    [
        (grouped(methods={"field": Decimal(85), "survey": Decimal(14)}), "/groups/0/methods"),
        (grouped(methods={"field": Decimal(100), "survey": Decimal(0)}), "/groups/0/methods/survey"),
        (grouped(methods={"field": Decimal("NaN")}), "/groups/0/methods/field"),
        (grouped(methods={"phone": Decimal(100)}), "/groups/0/methods/phone"),
        (grouped(field_only=True), "/groups/0/field_only"),
        (grouped(members=("r1", "r1")), "/groups/0/region_ids/1"),
        (grouped(members=("r1s",)), "/groups/0/region_ids/0"),
        (grouped(members=("far",)), "/groups/0/region_ids/0"),
        (grouped(members=("nowhere",)), "/groups/0/region_ids/0"),
        (replace(SCHEME, groups=(SCHEME.groups[0], SCHEME.groups[0])), "/groups/1"),
        (replace(SCHEME, regions=("r1", "r2", "r1s")), "/region_ids/2"),
        (replace(SCHEME, regions=("r1", "r1")), "/region_ids/1"),
        (replace(SCHEME, regions=("far",)), "/region_ids/0"),
        (replace(SCHEME, regions=("nowhere",)), "/region_ids/0"),
        (replace(SCHEME, quotas=(Quota("99", "county", 1, Decimal(1)),)), "/quotas/0/site_type_code"),
        (replace(SCHEME, quotas=SCHEME.quotas * 2), "/quotas/1"),
        (replace(SCHEME, standards=("s9",)), "/standard_ids/0"),
        (replace(SCHEME, assessors=(Assessor("u9"),)), "/assessors/0/user_id"),
        (replace(SCHEME, assessors=(Assessor("u1"), Assessor("u1"))), "/assessors/1"),
        (replace(SCHEME, assessors=(Assessor("u1", ("far",)),)), "/assessors/0/region_ids/0"),
        (replace(SCHEME, assessors=(Assessor("u1", (), ("38",)),)), "/assessors/0/site_type_codes/0"),
        (replace(SCHEME, methods={"survey": MethodSource.ENTERED}), "/methods"),
        (replace(SCHEME, settings=Settings(bonus_cap=Decimal(-1))), "/settings/bonus_cap"),
        (replace(SCHEME, settings=Settings(spread_threshold=Decimal("1.1"))), "/settings/spread_threshold"),
        (replace(SCHEME, settings=Settings(weight_total=Decimal("Infinity"))), "/settings/weight_total"),
        (
            replace(SCHEME, settings=Settings(parent_weights={"990000000000": Decimal(1)})),
            "/settings/parent_weights/990000000000",
        ),
        (replace(SCHEME, settings=Settings(parents=ParentPolicy.WEIGHTED)), "/settings/parent_weights"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(scheme, pointer):
    assert pointer in pointers(scheme)


def test_106_points_may_be_divided_as_a_city_did():
    weights = {"field": "39.7", "survey": "46.3", "papers": "10", "bonus": "10"}
    scheme = replace(
        SCHEME,
        settings=Settings(weight_total=Decimal(106)),
        methods=dict.fromkeys(weights, MethodSource.ENTERED) | {"field": MethodSource.FIELD},
        groups=(replace(SCHEME.groups[0], methods={code: Decimal(weight) for code, weight in weights.items()}),),
    )
    assert pointers(scheme) == set()


def test_publishing_lists_every_gap_at_once():
    empty = Scheme(CITY, Settings(), {}, (), (), (), (), ())
    facts = replace(FACTS, edition_published=False)
    found = {gap.pointer for gap in publish_gaps(empty, facts, windowed=False)}
    assert found == {
        "/system_id",
        "/starts_on",
        "/standard_ids",
        "/region_ids",
        "/quotas",
        "/methods",
        "/groups",
        "/assessors",
    }


def test_a_quota_above_the_frame_names_every_stratum_unless_it_takes_all():
    wanting = replace(SCHEME, quotas=(Quota("37", "county", 4, Decimal(1)),))
    messages = [gap.message for gap in publish_gaps(wanting, FACTS, windowed=True)]
    assert messages == [
        "“张店区”的“社区”只有 2 个，少于配额 4 个",
        "“淄川区”的“社区”只有 3 个，少于配额 4 个",
    ]
    taking = replace(wanting, quotas=(replace(wanting.quotas[0], when_short=Shortage.TAKE_ALL),))
    assert publish_gaps(taking, FACTS, windowed=True) == []


def test_a_site_type_without_a_standard_cannot_be_assessed():
    facts = replace(FACTS, standards={"s1": StandardFact("Ⅲ-1-①", True, frozenset({"38"}))})
    assert "/quotas/0/site_type_code" in {gap.pointer for gap in publish_gaps(SCHEME, facts, windowed=True)}


amounts = st.decimals("0", "10000", places=4, allow_nan=False)
settings_strategy = st.builds(
    Settings,
    weight_total=st.decimals("0.01", "10000", places=2),
    not_applicable=st.sampled_from(OpenLinePolicy),
    missing_item=st.sampled_from(OpenLinePolicy),
    field=st.sampled_from(FieldPolicy),
    missing_type=st.sampled_from(MissingTypePolicy),
    parents=st.sampled_from(ParentPolicy),
    parent_weights=st.dictionaries(
        st.sampled_from(["370302000000", "370303000000", "370302001000"]), amounts.filter(bool), min_size=1
    ),
    duties=st.sampled_from(DutyPolicy),
    spread_threshold=st.none() | st.decimals("0", "1", places=3),
    bonus_cap=st.none() | amounts,
)


@given(settings_strategy)
def test_settings_survive_their_stored_form(settings):
    assert Settings.from_json(settings.to_json()) == settings
    assert list(settings_gaps(settings)) == []


@pytest.mark.parametrize(
    "stored", [{"parents": "sometimes"}, {"weight_total": "much"}, {"parent_weights": {"370302000000": "x"}}]
)
def test_a_stored_form_that_makes_no_sense_is_refused(stored):
    with pytest.raises(ValueError):
        Settings.from_json(stored)


@given(st.lists(st.decimals("0.01", "100", places=2), min_size=1, max_size=5))
def test_weights_are_right_exactly_when_they_add_up(weights):
    codes = [f"m{place}" for place in range(len(weights))]
    scheme = replace(
        SCHEME,
        methods=dict.fromkeys(codes, MethodSource.ENTERED) | {"m0": MethodSource.FIELD},
        groups=(replace(SCHEME.groups[0], methods=dict(zip(codes, weights, strict=True))),),
    )
    assert ("/groups/0/methods" in pointers(scheme)) is (sum(weights) != 100)
