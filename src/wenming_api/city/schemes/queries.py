"""What the database knows of what a scheme mentions, and the frame that its regions and quotas span."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from wenming_api.city.schemes.rules import Facts, Quota, RegionFact, Scheme, StandardFact
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site
from wenming_api.city.standards.models import IndicatorSystem, Standard, StandardSiteType
from wenming_api.city.standards.rules import SystemState
from wenming_api.kit.db import AnySession
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.users.models import User


class RegionNode(NamedTuple):
    """A region of the management tree as the frame needs it."""

    code: str
    name: str
    level: RegionLevel
    path: str
    active: bool


class FramePlace(NamedTuple):
    """A site of the frame with the region, at the level its type's quota names, that it is drawn in."""

    site_id: UUID
    site_type_code: str
    region: RegionNode


@dataclass(frozen=True, slots=True)
class Frame:
    """Every active site of the chosen regions and types, and every stratum, those without a site included."""

    places: list[FramePlace]
    strata: dict[tuple[str, RegionNode], int]
    """Sites available per (site type, region at the quota's level)."""


async def gather_facts(session: AnySession, *, scheme: Scheme, system_id: UUID, with_frame: bool) -> Facts:
    """Everything that `scheme_gaps` and, with the frame, `publish_gaps` ask about. Five or seven statements."""
    mentioned = {
        *scheme.regions,
        *(member for group in scheme.groups for member in group.members),
        *(region for assessor in scheme.assessors for region in assessor.regions),
    }
    regions = {
        str(row.id): RegionFact(row.code, row.name, row.level.value, row.path)
        for row in await session.execute(
            select(Region.id, Region.code, Region.name, Region.level, Region.path).where(
                or_(Region.id.in_(_ids(mentioned)), Region.code.in_(scheme.settings.parent_weights))
            )
        )
    }
    types = await session.execute(
        select(SiteType.code, SiteType.name).where(
            SiteType.code.in_({quota.site_type_code for quota in scheme.quotas}), SiteType.active
        )
    )
    applies = (
        select(func.array_agg(StandardSiteType.site_type_code))
        .where(StandardSiteType.standard_id == Standard.id)
        .scalar_subquery()
    )
    standards = {
        str(row.id): StandardFact(row.code, row.system_id == system_id, frozenset(row.site_types or ()))
        for row in await session.execute(
            select(Standard.id, Standard.code, Standard.system_id, applies.label("site_types")).where(
                Standard.id.in_(_ids(scheme.standards))
            )
        )
    }
    assessors = await session.scalars(
        select(User.id).where(User.id.in_(_ids(each.user_id for each in scheme.assessors)), User.active)
    )
    edition = await session.scalar(select(IndicatorSystem.state).where(IndicatorSystem.id == system_id))
    counts = {}
    if with_frame:
        paths = [regions[region].path for region in scheme.regions if region in regions]
        frame = await read_frame(session, root_path=scheme.root_path, chosen_paths=paths, quotas=scheme.quotas)
        counts = {(code, region.name): available for (code, region), available in frame.strata.items()}
    return Facts(
        regions=regions,
        site_types={row.code: row.name for row in types},
        standards=standards,
        assessors=frozenset(map(str, assessors)),
        edition_known=edition is not None,
        edition_published=edition is SystemState.PUBLISHED,
        frame=counts,
    )


def _ids(texts: Iterable[str]) -> list[UUID]:
    return [UUID(text) for text in texts]


async def read_frame(
    session: AnySession, *, root_path: str, chosen_paths: Collection[str], quotas: Collection[Quota]
) -> Frame:
    """The frame as it is now: active sites below the chosen regions of the quotas' types. Two statements."""
    city = root_path.split("/", 1)[0]
    nodes = {
        row.path: RegionNode(row.code, row.name, row.level, row.path, row.active)
        for row in await session.execute(
            select(Region.code, Region.name, Region.level, Region.path, Region.active).where(
                Region.path.startswith(f"{city}/")
            )
        )
    }
    levels = {quota.site_type_code: RegionLevel(quota.region_level) for quota in quotas}
    empty = _empty_strata(nodes, chosen_paths)
    strata: Counter[tuple[str, RegionNode]] = Counter(
        {(code, region): 0 for code, level in levels.items() for region in empty[level]}
    )
    places: list[FramePlace] = []
    if levels and chosen_paths:
        found: dict[tuple[str, RegionLevel], RegionNode] = {}
        rows = await session.execute(
            select(Site.id, Site.site_type_code, Site.region_path).where(
                Site.active, Site.site_type_code.in_(levels), _below(chosen_paths)
            )
        )
        for site_id, site_type, path in rows:
            key = (path, levels[site_type])
            region = found.get(key)
            if region is None:
                region = found[key] = _ancestor(nodes, *key)
            places.append(FramePlace(site_id, site_type, region))
            strata[site_type, region] += 1
    return Frame(places, dict(strata))


def _below(paths: Collection[str]) -> ColumnElement[bool]:
    return or_(*(Site.region_path.startswith(path, autoescape=True) for path in paths))


def _ancestor(nodes: dict[str, RegionNode], path: str, level: RegionLevel) -> RegionNode:
    """The region at `level` above `path`; where a branch skips the level, the next one above it."""
    best: RegionNode | None = None
    end = path.find("/")
    while end != -1:
        node = nodes.get(path[: end + 1])
        if node is not None and (best is None or node.level.depth <= level.depth):
            best = node
        end = path.find("/", end + 1)
    if best is None:
        raise LookupError(f"no region on the path {path}")
    return best


def _empty_strata(nodes: dict[str, RegionNode], chosen: Collection[str]) -> dict[RegionLevel, set[RegionNode]]:
    """The regions of each level that a quota asks of, whether or not they have a site."""
    asked: dict[RegionLevel, set[RegionNode]] = {level: set() for level in RegionLevel}
    for path in chosen:
        if path not in nodes:
            continue
        for level in RegionLevel:
            if level.depth <= nodes[path].level.depth:
                asked[level].add(_ancestor(nodes, path, level))
    below = tuple(chosen)
    for node in nodes.values():
        if node.active and below and node.path.startswith(below):
            asked[node.level].add(node)
    return asked
