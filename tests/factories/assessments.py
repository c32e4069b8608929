"""A small city that can be assessed: counties, sites, a published edition, assessors; and assessments of it."""

import itertools
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.factories.callers import make_user
from tests.factories.places import make_city, make_county, make_unit
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.schemes.rules import Settings
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard, StandardSiteType
from wenming_api.city.standards.rules import ListKind, SystemState
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.geo import Crs
from wenming_api.kit.ids import uuid7
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Ground:
    """What an assessment stands on."""

    city: Region
    counties: tuple[Region, ...]
    office: Unit
    types: tuple[str, ...]
    sites: tuple[Site, ...]
    system: IndicatorSystem
    standards: tuple[UUID, ...]
    assessors: tuple[User, ...]

    def body(self, **changes: Any) -> dict[str, Any]:
        """A whole, publishable scheme, as a request."""
        number = next(_numbers)
        return {
            "number": f"ZB-{number}",
            "name": f"第 {number} 次模拟测评",
            "system_id": str(self.system.id),
            "region_id": str(self.city.id),
            "starts_on": "2026-11-01",
            "ends_on": "2026-11-30",
            "region_ids": [str(county.id) for county in self.counties],
            "standard_ids": [str(standard) for standard in self.standards],
            "quotas": [{"site_type_code": code, "region_level": "county", "count": 2} for code in self.types],
            "methods": [
                {"code": "field", "name": "实地考察", "source": "field"},
                {"code": "survey", "name": "问卷调查", "source": "entered"},
            ],
            "groups": [
                {
                    "code": "counties",
                    "name": "区县",
                    "region_level": "county",
                    "methods": {"field": "85", "survey": "15"},
                    "region_ids": [str(county.id) for county in self.counties],
                }
            ],
            "assessors": [{"user_id": str(user.id)} for user in self.assessors],
        } | changes


async def make_site_type(session: WriteSession, code: str, name: str | None = None) -> SiteType:
    """A kind of site. Flushed, not committed."""
    made = SiteType(code=code, name=name or f"类型{code}", category="公共场所", is_place=True, active=True, position=0)
    session.add(made)
    await session.flush()
    return made


async def make_sites(
    session: WriteSession, *, region: Region, site_type: str, count: int, unit: Unit | None = None
) -> list[Site]:
    """Active sites of a type in a region. Flushed, not committed."""
    made = [
        Site(
            code=f"S{next(_numbers):06d}",
            name=f"{region.name}点位{number}",
            site_type_code=site_type,
            region_id=region.id,
            region_path=region.path,
            responsible_unit_id=unit.id if unit else None,
            unit_path=unit.unit_path if unit else None,
            crs=Crs.WGS84,
            active=True,
        )
        for number in range(1, count + 1)
    ]
    session.add_all(made)
    await session.flush()
    return made


async def make_edition(
    session: WriteSession, *, types: tuple[str, ...] = (), standards: int = 2, published: bool = True
) -> tuple[IndicatorSystem, tuple[UUID, ...]]:
    """An edition with one indicator and some standards of 10 points that apply to `types` (none: to all)."""
    number = next(_numbers)
    system = IndicatorSystem(
        code=f"edition-{number}",
        name=f"测评体系{number}",
        edition="2026",
        state=SystemState.DRAFT,
        level_names=["测评项目"],
        methods=[{"code": "field", "name": "实地考察"}],
        description="",
        source="",
    )
    session.add(system)
    await session.flush()
    indicator = Indicator(system_id=system.id, level=1, code="Ⅰ-1", name="环境", position=0)
    session.add(indicator)
    await session.flush()
    made = [
        Standard(
            system_id=system.id,
            indicator_id=indicator.id,
            code=f"①-{place}",
            text="干净整洁",
            list_kind=ListKind.REGULAR,
            max_score=Decimal(10),
            methods=["field"],
            rule={"kind": "pass_fail"},
            requires_photo=False,
            evidence=[],
            note="",
            source="",
            position=place,
        )
        for place in range(standards)
    ]
    session.add_all(made)
    await session.flush()
    session.add_all(StandardSiteType(standard_id=one.id, site_type_code=code) for one in made for code in types)
    await session.flush()
    if published:
        system.state, system.published_at, system.content_hash = SystemState.PUBLISHED, clock.now(), "0" * 64
        await session.flush()
    return system, tuple(one.id for one in made)


async def make_ground(
    session: WriteSession, *, counties: int = 2, types: tuple[str, ...] = ("37", "38"), sites: int = 4
) -> Ground:
    """`sites` of each type in each county; two assessors of units of their own. Flushed, not committed."""
    city = await make_city(session)
    regions = tuple([await make_county(session, no) for no in range(2, 2 + counties)])
    office = await make_unit(session, region=city)
    for code in types:
        await make_site_type(session, code)
    made = [
        site
        for region in regions
        for code in types
        for site in await make_sites(session, region=region, site_type=code, count=sites)
    ]
    system, standards = await make_edition(session, types=types)
    assessors = tuple(
        [
            await make_user(
                session,
                unit=await make_unit(session, region=city),
                permissions=[Permission.FILES_UPLOAD, Permission.SHEETS_SUBMIT],
            )
            for _ in range(2)
        ]
    )
    return Ground(city, regions, office, types, tuple(made), system, standards, assessors)


async def make_assessment(
    session: WriteSession, ground: Ground, *, state: AssessmentState = AssessmentState.DRAFT, **values: Any
) -> Assessment:
    """The head of an assessment in any state, without a scheme. Flushed, not committed."""
    number = next(_numbers)
    made = Assessment(
        **{
            "id": uuid7(),
            "number": f"A-{number}",
            "name": f"测评{number}",
            "state": state,
            "state_since": clock.now(),
            "system_id": ground.system.id,
            "region_id": ground.city.id,
            "region_path": ground.city.path,
            "settings": Settings().to_json(),
            "starts_on": date(2026, 11, 1),
            "ends_on": date(2026, 11, 30),
            **values,
        }
    )
    session.add(made)
    await session.flush()
    return made
