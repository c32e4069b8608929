"""Regions and units for tests."""

import itertools

from sqlalchemy import select

from wenming_api.kit.db import WriteSession
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel, child_path
from wenming_api.system.units.models import Unit
from wenming_api.system.units.rules import child_path as child_path_of_unit
from wenming_api.system.units.service import next_numbers

_numbers = itertools.count(1)
CITY_CODE = "370300000000"


async def make_region(
    session: WriteSession, *, code: str, name: str, level: RegionLevel, parent: Region | None = None
) -> Region:
    """A region below `parent`. Flushed, not committed."""
    region = Region(
        code=code,
        name=name,
        full_name=f"{parent.full_name}/{name}" if parent else name,
        level=level,
        parent_id=parent.id if parent else None,
        path=child_path(parent.path if parent else "", code),
    )
    session.add(region)
    await session.flush()
    return region


async def make_city(session: WriteSession) -> Region:
    """The city, made once per test."""
    found = (await session.execute(select(Region).where(Region.code == CITY_CODE))).scalar_one_or_none()
    return found or await make_region(session, code=CITY_CODE, name="淄博市", level=RegionLevel.CITY)


async def make_county(session: WriteSession, no: int = 2, name: str | None = None) -> Region:
    """A county of the city; `no` from 1 to 99."""
    city = await make_city(session)
    code = f"3703{no:02}000000"
    found = (await session.execute(select(Region).where(Region.code == code))).scalar_one_or_none()
    return found or await make_region(
        session, code=code, name=name or f"第{no}区", level=RegionLevel.COUNTY, parent=city
    )


async def make_unit(
    session: WriteSession,
    *,
    region: Region | None = None,
    managing: Unit | None = None,
    name: str | None = None,
    industry_code: str | None = None,
) -> Unit:
    """A unit in `region` (the city by default) below `managing`. Flushed, not committed."""
    home = region or await make_city(session)
    number = (await next_numbers(session, 1))[0]
    unit = Unit(
        number=number,
        name=name or f"单位{next(_numbers)}",
        region_id=home.id,
        region_path=home.path,
        managing_unit_id=managing.id if managing else None,
        industry_code=industry_code,
        unit_path=child_path_of_unit(managing.unit_path if managing else "", number),
    )
    session.add(unit)
    await session.flush()
    return unit
