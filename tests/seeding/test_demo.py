"""The demo city: enough of it, plausible, quick, and the same when seeded again."""

import time

from sqlalchemy import func, select

from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site, SiteVersion
from wenming_api.kit.geo import Position
from wenming_api.seeding.city import CITY_BOX
from wenming_api.seeding.demo import Seeded, seed_city
from wenming_api.system.units.models import Unit


async def test_the_demo_city_is_whole_and_seeding_again_adds_nothing(database):
    async with database.transaction() as session:
        first = await seed_city(session)
    async with database.transaction() as session:
        started = time.perf_counter()
        assert await seed_city(session) == Seeded()
        assert time.perf_counter() - started < 5
    assert (first.site_types, first.regions) == (54, 3028)
    assert first.sites >= 1_200
    assert first.areas == 3
    async with database.read() as session:
        types = await session.scalar(select(func.count(Site.site_type_code.distinct())))
        without_place = await session.scalars(
            select(SiteType.is_place).join(Site, Site.site_type_code == SiteType.code).where(Site.longitude.is_(None))
        )
        places = (await session.execute(select(Site.map_longitude, Site.map_latitude))).all()
        histories = await session.scalar(select(func.count()).select_from(SiteVersion))
        heads = await session.scalars(select(Unit.name).where(Unit.managing_unit_id.is_(None)))
    assert types == 54
    assert set(without_place) == {False}
    assert all(CITY_BOX.contains(Position(float(x), float(y))) for x, y in places if x is not None)
    assert histories == first.sites
    assert list(heads) == ["淄博市文明办"]
