"""1,200 sites of 60 standards are computed and hashed in less than two seconds of processor time."""

from dataclasses import replace
from fractions import Fraction
from random import Random
from time import process_time

import pytest

from wenming_api.city.rollup.rules import result_hash, roll_up
from wenming_api.city.schemes.rules import MissingTypePolicy, OpenLinePolicy
from wenming_api.city.snapshots.rules import (
    Duty,
    Group,
    Indicator,
    Line,
    Policies,
    Quota,
    Region,
    Sheet,
    Site,
    Snapshot,
    Standard,
    from_json,
    to_json,
)
from wenming_api.city.standards.rules import DutyRole

SITES, STANDARDS, TYPES, DISTRICTS = 1200, 60, 54, 9


def city(assessors: int) -> Snapshot:
    random = Random(20)
    regions = [Region("city", "市", "city", None)]
    for district in range(DISTRICTS):
        regions.append(Region(f"d{district}", "区", "county", "city"))
        for street in range(10):
            regions.append(Region(f"d{district}s{street}", "街道", "street", f"d{district}"))
            regions.extend(
                Region(f"d{district}s{street}c{number}", "社区", "community", f"d{district}s{street}")
                for number in range(3)
            )
    places = [region.code for region in regions if region.level == "community"]
    standards = tuple(
        Standard(
            f"s{number}",
            str(number),
            f"n{number % 12}",
            Fraction(number % 5 + 1, 2),
            duties=(Duty(f"u{number % 11}", DutyRole.LEAD),),
        )
        for number in range(STANDARDS)
    )
    parts = [Fraction(0), Fraction(1, 3), Fraction(3, 5), Fraction(5, 7), Fraction(1), Fraction(1), Fraction(1)]
    sites = tuple(
        Site(
            f"p{number}",
            str(number),
            "点位",
            f"t{number % TYPES}",
            random.choice(places),
            f"u{number % 30}",
            f"i{number % 9}",
        )
        for number in range(SITES)
    )
    sheets = tuple(
        Sheet(
            f"{site.id}v{assessor}",
            site.id,
            tuple(
                Line(standard.id, None if random.random() < 0.08 else standard.max_score * random.choice(parts))
                for standard in standards
            ),
        )
        for site in sites
        for assessor in range(assessors)
    )
    return Snapshot(
        policies=Policies(spread_threshold=Fraction(1, 5)),
        regions=tuple(regions),
        sites=sites,
        site_types=(),
        standards=standards,
        sheets=sheets,
        groups=(Group("g", "区县", {"field": Fraction(1)}, tuple(f"d{number}" for number in range(DISTRICTS))),),
        quotas=tuple(Quota(f"t{number}", "county") for number in range(TYPES)),
        indicators=tuple(Indicator(f"n{number}", None, 1, str(number), "指标") for number in range(12)),
    )


@pytest.mark.parametrize("policy", list(OpenLinePolicy))
def test_a_large_assessment_takes_less_than_two_seconds(policy: OpenLinePolicy) -> None:
    snapshot = city(assessors=1)
    snapshot = replace(
        snapshot,
        policies=replace(snapshot.policies, not_applicable=policy, missing_type=MissingTypePolicy.PEER_MEAN),
    )
    document = to_json(snapshot)
    started = process_time()
    read = from_json(document)
    figures = roll_up(read)
    result_hash(read, figures)
    taken = process_time() - started
    assert len(figures.entries) == DISTRICTS
    assert taken < 2, f"{taken:.2f} s"
