"""Approval flows, offices of four levels and their people for tests."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from tests.factories.callers import make_user
from tests.factories.places import make_city, make_county, make_region, make_unit
from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User
from wenming_api.workflow.approval_flows.models import ApprovalFlow, ApprovalLevel, ApprovalStep
from wenming_api.workflow.approval_flows.rules import ApprovalKind, Place
from wenming_api.workflow.approvals.rules import Subject
from wenming_api.workflow.calendars.queries import today
from wenming_api.workflow.stand_ins.models import StandIn
from wenming_api.workflow.stand_ins.rules import StandInKind

DECIDES = Permission.SHEETS_REVIEW
"""The permission that deciders hold in these tests: one that exists whatever else is built."""
FOUR_LEVELS = (Place.COMMUNITY, Place.STREET, Place.COUNTY, Place.CITY)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Offices:
    """Civility offices of four levels and a school in the community, with an author and a decider of his own unit."""

    city: Unit
    county: Unit
    street: Unit
    community: Unit
    school: Unit
    author: User
    deciders: dict[Place, User]

    def office(self, place: Place) -> Unit:
        """The unit that stands at a place."""
        return {
            Place.OWN: self.school,
            Place.MANAGING: self.street,
            Place.COMMUNITY: self.community,
            Place.STREET: self.street,
            Place.COUNTY: self.county,
            Place.CITY: self.city,
        }[place]


async def make_offices(session: WriteSession) -> Offices:
    """Four offices below each other, a school that the street office manages, a decider at each place."""
    city_region = await make_city(session)
    county_region = await make_county(session, 3)
    street_region = await make_region(
        session, code="370303001000", name="车站街道", level=RegionLevel.STREET, parent=county_region
    )
    community_region = await make_region(
        session, code="370303001001", name="新华社区", level=RegionLevel.COMMUNITY, parent=street_region
    )
    managing: Unit | None = None
    units = []
    for region, name in (
        (city_region, "市文明办"),
        (county_region, "张店区文明办"),
        (street_region, "车站街道文明办"),
        (community_region, "新华社区居委会"),
    ):
        managing = await make_unit(session, region=region, managing=managing, name=name)
        managing.is_civility_office = True
        units.append(managing)
    city, county, street, community = units
    school = await make_unit(session, region=community_region, managing=street, name="新华小学")
    may = [DECIDES, Permission.APPROVALS_READ]
    author = await make_user(session, unit=school, permissions=may, scope=DataScope.UNIT)
    deciders = {
        place: await make_user(session, unit=unit, permissions=may, scope=DataScope.UNIT)
        for place, unit in (
            (Place.OWN, school),
            (Place.COMMUNITY, community),
            (Place.STREET, street),
            (Place.COUNTY, county),
            (Place.CITY, city),
        )
    }
    return Offices(city, county, street, community, school, author, deciders)


async def make_level(session: WriteSession, *, permission: Permission = DECIDES) -> ApprovalLevel:
    """An approval level of its own. Flushed, not committed."""
    no = next(_numbers)
    level = ApprovalLevel(code=f"level-{no}", name=f"级别{no}", rank=no, permission=permission)
    session.add(level)
    await session.flush()
    return level


async def make_flow(
    session: WriteSession,
    places: Sequence[Place] = (Place.OWN,),
    *,
    kind: ApprovalKind = ApprovalKind.RECORD,
    unit: Unit | None = None,
    permission: Permission = DECIDES,
    working_days: int | None = None,
) -> ApprovalFlow:
    """A flow with a step at each place, for a unit or the whole system. Flushed, not committed."""
    level = await make_level(session, permission=permission)
    flow = ApprovalFlow(
        kind=kind,
        name=f"流程{next(_numbers)}",
        unit_id=unit.id if unit else None,
        unit_path=unit.unit_path if unit else None,
        region_path=unit.region_path if unit else "",
    )
    session.add(flow)
    await session.flush()
    session.add_all(
        ApprovalStep(
            flow_id=flow.id,
            position=position,
            name=f"{place.label}审核",
            level_code=level.code,
            place=place,
            working_days=working_days,
        )
        for position, place in enumerate(places, 1)
    )
    await session.flush()
    return flow


async def make_stand_in(
    session: WriteSession,
    user: User,
    deputy: User,
    *,
    kind: StandInKind = StandInKind.ABSENCE,
    starts_on: date | None = None,
    days: int = 3,
) -> StandIn:
    """A deputy for a user, from today on by default. Flushed, not committed."""
    start = starts_on or today()
    made = StandIn(
        user_id=user.id,
        deputy_id=deputy.id,
        unit_id=user.unit_id,
        unit_path=user.unit_path,
        region_path=user.region_path,
        kind=kind,
        starts_on=start,
        ends_on=start + timedelta(days=days - 1),
        reason="参加培训",
        made_by=user.id,
    )
    session.add(made)
    await session.flush()
    return made


def principal(user: User, permissions: Sequence[Permission] = (DECIDES,)) -> Principal:
    """A user as the caller of a service."""
    return Principal(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        unit_id=user.unit_id,
        unit_path=user.unit_path,
        region_path=str(user.region_path),
        permissions=frozenset(permission.value for permission in permissions),
        scope=Scope.own(user.id),
    )


def subject_of(
    offices: Offices, *, kind: ApprovalKind = ApprovalKind.RECORD, receiver: Unit | None = None, id_: UUID | None = None
) -> Subject:
    """Something that the school's author wrote."""
    return Subject(
        kind=kind,
        id=id_ or uuid7(),
        version=1,
        title="新华小学开展“学雷锋”志愿服务活动",
        unit_id=offices.school.id,
        author_id=offices.author.id,
        receiver_unit_id=receiver.id if receiver else None,
    )
