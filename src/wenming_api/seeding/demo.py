"""Loading base data and the demo city. Everything may run again: what is there stays as it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import aliased

from wenming_api.activities.templates.service import load_base_templates
from wenming_api.city.site_types.service import load_base_types
from wenming_api.city.sites.models import Site
from wenming_api.city.sites.rules import SiteAction, map_position
from wenming_api.city.sites.service import insert_sites
from wenming_api.creation.title_rules.service import load_base_title_rules
from wenming_api.kit import clock
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.geo import Crs
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.catalogues.service import load_base_catalogues
from wenming_api.ledgers.quality.service import load_base_rules
from wenming_api.seeding.city import Community, DemoSite, DemoUnit, make_areas, make_sites, make_units
from wenming_api.system.areas.models import Area, AreaMember
from wenming_api.system.audit import service as audit
from wenming_api.system.dictionaries.service import load_base_dictionaries
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.regions.service import import_regions
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approval_flows.service import load_base_flows
from wenming_api.workflow.calendars.service import load_base_calendar

CITY_CODE = "370300000000"
"""淄博市, whose divisions come with the product."""

CIVILITY_OFFICES = ("root", "county:")


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows were added."""

    dictionary_items: int = 0
    site_types: int = 0
    holidays: int = 0
    flows: int = 0
    title_rules: int = 0
    activity_templates: int = 0
    quality_rules: int = 0
    catalogues: int = 0
    regions: int = 0
    units: int = 0
    sites: int = 0
    areas: int = 0


async def seed_base(session: WriteSession) -> Seeded:
    """Dictionaries, site types, the working calendar, who decides what, and sample title rules (as drafts)."""
    return Seeded(
        dictionary_items=await load_base_dictionaries(session),
        site_types=await load_base_types(session),
        holidays=await load_base_calendar(session),
        flows=await load_base_flows(session),
        title_rules=await load_base_title_rules(session),
        activity_templates=await load_base_templates(session),
    )


async def seed_city(session: WriteSession, *, seed: int = 3703) -> Seeded:
    """The demo city on top of the base data: its regions, made-up units, at least 1,200 made-up sites."""
    base = await seed_base(session)
    regions = await _load_regions(session)
    communities = await _communities(session)
    city_name = await session.scalar(select(Region.name).where(Region.code == CITY_CODE))
    units = make_units(communities, city_code=CITY_CODE, city_name=city_name or "")
    added_units, by_key = await _load_units(session, units)
    added_sites = await _load_sites(session, make_sites(communities, seed=seed), by_key)
    return replace(
        base,
        regions=regions,
        quality_rules=await load_base_rules(session),
        catalogues=await load_base_catalogues(session),
        units=added_units,
        sites=added_sites,
        areas=await _load_areas(session, communities),
    )


async def _load_regions(session: WriteSession) -> int:
    if await session.scalar(select(Region.id).where(Region.code == CITY_CODE)) is not None:
        return 0
    data = resources.files("wenming_api.system.regions").joinpath("data/regions_3703.csv").read_bytes()
    report, _ = await import_regions(session, caller=None, data=data, dry_run=False, partial=False)
    return report.created


async def _communities(session: AnySession) -> list[Community]:
    community, street, county = aliased(Region), aliased(Region), aliased(Region)
    rows = await session.execute(
        select(
            community.code,
            community.name,
            street.code.label("street_code"),
            street.name.label("street_name"),
            county.code.label("county_code"),
            county.name.label("county_name"),
        )
        .join(street, street.id == community.parent_id)
        .join(county, county.id == street.parent_id)
        .where(community.level == RegionLevel.COMMUNITY, community.path.startswith(f"{CITY_CODE}/"))
        .order_by(community.code)
    )
    return [Community(**row) for row in rows.mappings()]


async def _region_places(session: AnySession, codes: Iterable[str]) -> dict[str, tuple[UUID, str]]:
    rows = await session.execute(select(Region.code, Region.id, Region.path).where(Region.code.in_(set(codes))))
    return {row.code: (row.id, row.path) for row in rows}


async def _load_units(session: WriteSession, units: Sequence[DemoUnit]) -> tuple[int, dict[str, tuple[UUID, str]]]:
    """Add the units that are not there by their credit code; answers how many, and id and path of all by key."""
    places = await _region_places(session, (unit.region_code for unit in units))
    known = await session.execute(
        select(Unit.credit_code, Unit.id, Unit.unit_path).where(Unit.credit_code.in_([u.credit_code for u in units]))
    )
    there = {row.credit_code: (row.id, row.unit_path) for row in known}
    missing = sum(1 for unit in units if unit.credit_code not in there)
    serial = func.pg_get_serial_sequence("units", "number")
    numbers = iter(
        (
            await session.scalars(
                select(func.nextval(serial)).select_from(func.generate_series(1, missing).table_valued("n"))
            )
        ).all()
    )
    by_key: dict[str, tuple[UUID, str]] = {}
    rows = []
    moment = clock.now()
    for unit in units:
        if unit.credit_code in there:
            by_key[unit.key] = there[unit.credit_code]
            continue
        manager = by_key[unit.manager] if unit.manager else None
        number = next(numbers)
        region_id, region_path = places[unit.region_code]
        by_key[unit.key] = (uuid7(), f"{manager[1] if manager else ''}{number}/")
        rows.append(
            {
                "id": by_key[unit.key][0],
                "number": number,
                "name": unit.name,
                "short_name": unit.short_name,
                "credit_code": unit.credit_code,
                "region_id": region_id,
                "region_path": region_path,
                "managing_unit_id": manager[0] if manager else None,
                "unit_path": by_key[unit.key][1],
                "category_code": unit.category,
                "nature_code": unit.nature,
                "industry_code": unit.industry,
                "civility_level_code": unit.civility_level,
                "is_civility_office": unit.key.startswith(CIVILITY_OFFICES),
                "active": True,
                "version": 1,
                "created_at": moment,
                "updated_at": moment,
            }
        )
    if rows:
        await session.execute(insert(Unit), rows)
        entries = [
            audit.entry(caller=None, action="units.seed", target=("unit", row["id"]), after={"name": row["name"]})
            for row in rows
        ]
        await audit.record_many(session, entries)
    return len(rows), by_key


async def _load_sites(session: WriteSession, sites: Sequence[DemoSite], units: dict[str, tuple[UUID, str]]) -> int:
    there = set(await session.scalars(select(Site.code).where(Site.code.in_([site.code for site in sites]))))
    places = await _region_places(session, (site.region_code for site in sites))
    rows = []
    for site in sites:
        if site.code in there:
            continue
        region_id, region_path = places[site.region_code]
        map_longitude, map_latitude = map_position(site.longitude, site.latitude, Crs.WGS84)
        unit_id, unit_path = units[site.unit]
        rows.append(
            {
                "code": site.code,
                "name": site.name,
                "site_type_code": site.type_code,
                "region_id": region_id,
                "region_path": region_path,
                "address": site.address,
                "longitude": site.longitude,
                "latitude": site.latitude,
                "crs": Crs.WGS84,
                "map_longitude": map_longitude,
                "map_latitude": map_latitude,
                "responsible_unit_id": unit_id,
                "unit_path": unit_path,
                "industry_code": site.industry,
                "active": True,
                "note": site.note,
            }
        )
    await insert_sites(session, rows, action=SiteAction.CREATE, caller=None)
    return len(rows)


async def _load_areas(session: WriteSession, communities: Sequence[Community]) -> int:
    """The three custom areas of the demo city with their members, those that are not there."""
    there = set(await session.scalars(select(Area.code)))
    wanted = [area for area in make_areas(communities) if area.code not in there]
    places = await _region_places(session, [code for area in wanted for code in (area.region_code, *area.member_codes)])
    for area in wanted:
        region_id, region_path = places[area.region_code]
        made = Area(
            code=area.code,
            name=area.name,
            kind=area.kind,
            region_id=region_id,
            region_path=region_path,
            note=area.note,
        )
        session.add(made)
        await session.flush()  # the members refer to the new row
        await session.execute(
            insert(AreaMember),
            [{"area_id": made.id, "region_id": places[code][0]} for code in area.member_codes],
        )
        await audit.record(
            session, caller=None, action="areas.seed", target=("area", made.id), after={"name": area.name}
        )
    return len(wanted)
