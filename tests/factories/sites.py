"""Site types and sites for tests."""

import itertools
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from tests.factories.places import make_county
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site
from wenming_api.city.sites.rules import map_position
from wenming_api.kit.db import WriteSession
from wenming_api.kit.geo import Crs
from wenming_api.system.dictionaries.models import Dictionary, DictionaryItem
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

_numbers = itertools.count(1)


async def make_site_type(session: WriteSession, code: str = "37", **values: Any) -> SiteType:
    """A type, made once per test. Flushed, not committed."""
    found = await session.scalar(select(SiteType).where(SiteType.code == code))
    if found is not None:
        return found
    given = {"name": f"类型{code}", "category": "街道社区", "is_place": True, "active": True, "position": 1} | values
    made = SiteType(code=code, **given)
    session.add(made)
    await session.flush()
    return made


async def make_site(
    session: WriteSession,
    *,
    region: Region | None = None,
    type_code: str = "37",
    unit: Unit | None = None,
    place: tuple[str, str] | None = ("118.05", "36.81"),
    crs: Crs = Crs.WGS84,
    **values: Any,
) -> Site:
    """An active site in `region` (a county by default). Flushed, not committed."""
    no = next(_numbers)
    home = region or await make_county(session)
    await make_site_type(session, type_code)
    longitude, latitude = (Decimal(place[0]), Decimal(place[1])) if place else (None, None)
    map_longitude, map_latitude = map_position(longitude, latitude, crs)
    given = {"code": f"S{no:05}", "name": f"点位{no}", "active": True} | values
    made = Site(
        site_type_code=type_code,
        region_id=home.id,
        region_path=home.path,
        longitude=longitude,
        latitude=latitude,
        crs=crs,
        map_longitude=map_longitude,
        map_latitude=map_latitude,
        responsible_unit_id=unit.id if unit else None,
        unit_path=unit.unit_path if unit else None,
        **given,
    )
    session.add(made)
    await session.flush()
    return made


async def make_dictionary(session: WriteSession, code: str = "industry", items: tuple[str, ...] = ()) -> Dictionary:
    """A dictionary with active items named after their codes. Flushed, not committed."""
    made = Dictionary(code=code, name=f"字典{code}", position=1)
    session.add(made)
    await session.flush()
    session.add_all(
        DictionaryItem(dictionary_id=made.id, code=item, name=f"项{item}", position=no, active=True)
        for no, item in enumerate(items, start=1)
    )
    await session.flush()
    return made
