"""Who assesses which site (C2.6, C3.3): the even, blind distribution of drawn sites. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.scoring.rules import is_own_unit

ASSIGN_OPEN = frozenset({AssessmentState.SAMPLING, AssessmentState.IN_PROGRESS, AssessmentState.PAUSED})
"""Sheets are made as soon as a draw is effective, and while the field work lasts."""


@dataclass(frozen=True, slots=True)
class Place:
    """A drawn site as the distribution sees it."""

    site_id: UUID
    site_type_code: str
    region_path: str
    unit_path: str | None
    taken_by: frozenset[UUID] = frozenset()
    """Assessors who already have a sheet for this site."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An assessor who can be given sites; no region paths and no type codes mean all of them."""

    user_id: UUID
    unit_path: str | None
    region_paths: tuple[str, ...] = ()
    site_type_codes: tuple[str, ...] = ()
    load: int = 0
    """Sheets already assigned in this draw."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A site that could not get as many assessors as asked for."""

    site_id: UUID
    missing: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """The result: new pairs (site, assessor), and the sites nobody could be found for."""

    pairs: tuple[tuple[UUID, UUID], ...]
    shortages: tuple[Shortage, ...]


def why_barred(candidate: Candidate, place: Place) -> str | None:
    """Why an assessor may not be given a site (Chinese), or None when he may."""
    if is_own_unit(candidate.unit_path, place.unit_path):
        return "不得测评本单位及其下属单位的点位"
    if candidate.region_paths and not any(place.region_path.startswith(path) for path in candidate.region_paths):
        return "点位不在该测评人员负责的区域内"
    if candidate.site_type_codes and place.site_type_code not in candidate.site_type_codes:
        return "点位类型不由该测评人员负责"
    return None


def distribute(places: Iterable[Place], candidates: Sequence[Candidate], *, per_site: int) -> Distribution:
    """Give every place `per_site` different assessors, loads as even as the rules of `why_barred` allow.

    Each place takes the eligible assessors with the smallest load; among equals the one who was last in the
    same region (shorter ways), then the smaller id. The same input always gives the same answer, in whatever
    order the places and candidates come. Assessors a place already has count towards `per_site`.
    """
    load: dict[UUID, int] = {one.user_id: one.load for one in candidates}
    last_region: dict[UUID, str] = {}
    pairs: list[tuple[UUID, UUID]] = []
    shortages: list[Shortage] = []
    for place in sorted(places, key=lambda one: (one.region_path, one.site_id)):
        wanted = per_site - len(place.taken_by)
        if wanted <= 0:
            continue
        chosen = _pick(place, candidates, wanted, load, last_region)
        for user_id in chosen:
            load[user_id] += 1
            last_region[user_id] = place.region_path
            pairs.append((place.site_id, user_id))
        if len(chosen) < wanted:
            shortages.append(Shortage(place.site_id, wanted - len(chosen)))
    return Distribution(tuple(pairs), tuple(shortages))


def _pick(
    place: Place,
    candidates: Sequence[Candidate],
    wanted: int,
    load: Mapping[UUID, int],
    last_region: Mapping[UUID, str],
) -> list[UUID]:
    eligible = [
        one.user_id for one in candidates if one.user_id not in place.taken_by and why_barred(one, place) is None
    ]
    eligible.sort(key=lambda user: (load[user], last_region.get(user) != place.region_path, user))
    return eligible[:wanted]
