"""The distribution of sites: blind, complete, even, and the same whatever the order."""

from __future__ import annotations

import random
from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.city.assignments.rules import Candidate, Place, distribute

units = st.sampled_from([None, "1/", "1/2/", "1/2/3/", "1/4/", "1/20/"])
types = st.sampled_from(["37", "38"])
regions = st.sampled_from(["3703/370302/", "3703/370303/", "3703/370304/"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Place], list[Candidate], int]:
    candidates = [
        Candidate(
            UUID(int=number + 1),
            draw(units),
            tuple(draw(st.lists(regions, max_size=2))),
            tuple(draw(st.lists(types, max_size=1))),
            load=draw(st.integers(0, 3)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    users = [one.user_id for one in candidates]
    places = [
        Place(
            UUID(int=1000 + number),
            draw(types),
            draw(regions),
            draw(units),
            frozenset(draw(st.sets(st.sampled_from(users), max_size=2)) if users else ()),
        )
        for number in range(draw(st.integers(0, 25)))
    ]
    return places, candidates, draw(st.integers(1, 3))


def fits(one: Candidate, place: Place) -> bool:
    """The rule once more, in other words."""
    own = one.unit_path is not None and place.unit_path is not None and place.unit_path.find(one.unit_path) == 0
    there = not one.region_paths or any(place.region_path[: len(path)] == path for path in one.region_paths)
    kind = not one.site_type_codes or place.site_type_code in set(one.site_type_codes)
    return not own and there and kind


@given(cases(), st.randoms(use_true_random=False))
def test_blind_complete_and_reproducible(case: tuple[list[Place], list[Candidate], int], chance: random.Random) -> None:
    places, candidates, per_site = case
    result = distribute(places, candidates, per_site=per_site)
    by_site = {place.site_id: place for place in places}
    by_user = {one.user_id: one for one in candidates}
    assert len(set(result.pairs)) == len(result.pairs)
    for site_id, user_id in result.pairs:
        assert user_id not in by_site[site_id].taken_by
        assert fits(by_user[user_id], by_site[site_id])
    given_to = Counter(site_id for site_id, _ in result.pairs)
    missing = {one.site_id: one.missing for one in result.shortages}
    for place in places:
        wanted = max(0, per_site - len(place.taken_by))
        assert given_to[place.site_id] + missing.get(place.site_id, 0) == wanted
        if place.site_id in missing:
            free = [one for one in candidates if one.user_id not in place.taken_by and fits(one, place)]
            assert len(free) == given_to[place.site_id]
    shuffled_places, shuffled_candidates = list(places), list(candidates)
    chance.shuffle(shuffled_places)
    chance.shuffle(shuffled_candidates)
    assert distribute(shuffled_places, shuffled_candidates, per_site=per_site) == result


@given(st.integers(0, 60), st.integers(1, 7), st.integers(1, 3))
def test_even_when_nobody_is_barred(sites: int, assessors: int, per_site: int) -> None:
    places = [Place(UUID(int=1000 + number), "37", f"3703/{number % 3}/", "1/9/") for number in range(sites)]
    candidates = [Candidate(UUID(int=number + 1), "1/5/") for number in range(assessors)]
    result = distribute(places, candidates, per_site=per_site)
    loads = Counter({one.user_id: 0 for one in candidates})
    loads.update(user_id for _, user_id in result.pairs)
    assert max(loads.values()) - min(loads.values()) <= 1
