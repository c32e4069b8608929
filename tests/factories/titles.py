"""Rules, terms and applicants of civility titles for tests: a city office, a county office and a school below it."""

import itertools
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.factories.callers import make_user
from tests.factories.places import make_city, make_county, make_unit
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.rules import Item, TitleKind, TitleLevel, TitleRuleState
from wenming_api.creation.title_terms.models import TitleTerm
from wenming_api.creation.title_terms.queries import today
from wenming_api.creation.title_terms.rules import TermState
from wenming_api.kit.db import WriteSession
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

_numbers = itertools.count(1)
APPLIES = [Permission.TITLES_APPLY, Permission.TITLES_READ]
ITEMS = [
    Item("1", "学雷锋", "年度方案", Decimal("4"), "方案文件", False),
    Item("2", "志愿服务", "活动照片", Decimal("6.5"), "图片 2 张", False),
]
VETOES = [{"code": "V1", "text": "重大安全生产事故"}]
FULL = {
    "answers": [{"code": "1", "score": "3.5"}, {"code": "2", "score": "6.25"}],
    "vetoes": [{"code": "V1", "hit": False}],
}


@dataclass(frozen=True)
class TitleGround:
    """A county with its office and a school that it manages, another county's school, the people of each."""

    county: Region
    office: Unit
    school: Unit
    other_school: Unit
    applicant: User
    recommender: User
    evaluator: User
    leader: User


async def make_rule(session: WriteSession, **values: Any) -> TitleRule:
    """A published rule of two items (10.5 points, 8 to pass) and a veto. Flushed, not committed."""
    number = next(_numbers)
    made = TitleRule(
        **{
            "code": f"rule-{number}",
            "kind": TitleKind.CAMPUS,
            "name": f"评选标准{number}",
            "edition": "2026",
            "source": "测试虚构",
            "note": "",
            "prerequisite": TitleLevel.NONE,
            "pass_score": Decimal(8),
            "items": [item.to_json() for item in ITEMS],
            "vetoes": VETOES,
            "state": TitleRuleState.PUBLISHED,
            **values,
        }
    )
    session.add(made)
    await session.flush()
    return made


async def make_term(
    session: WriteSession, *, region: Region, rule: TitleRule | None = None, **values: Any
) -> TitleTerm:
    """A published county-level term that takes applications today. Flushed, not committed."""
    number = next(_numbers)
    rule = rule or await make_rule(session, kind=values.get("kind", TitleKind.CAMPUS))
    made = TitleTerm(
        **{
            "name": f"第{number}届文明校园",
            "kind": rule.kind,
            "level": TitleLevel.COUNTY,
            "no": number,
            "region_id": region.id,
            "region_path": region.path,
            "rule_id": rule.id,
            "opens_on": today() - timedelta(days=1),
            "closes_on": today() + timedelta(days=30),
            "note": "",
            "state": TermState.PUBLISHED,
            **values,
        }
    )
    session.add(made)
    await session.flush()
    return made


async def make_title_ground(session: WriteSession) -> TitleGround:
    """Flushed, not committed."""
    await make_city(session)
    county, aside = await make_county(session, 3), await make_county(session, 4)
    office = await make_unit(session, region=county, name="区文明办")
    school = await make_unit(session, region=county, managing=office, name="实验小学")
    other = await make_unit(session, region=aside, name="邻区小学")

    async def person(unit: Unit, *permissions: Permission, scope: DataScope) -> User:
        return await make_user(session, unit=unit, permissions=[*permissions, Permission.TITLES_READ], scope=scope)

    return TitleGround(
        county=county,
        office=office,
        school=school,
        other_school=other,
        applicant=await person(school, Permission.TITLES_APPLY, Permission.FILES_READ, scope=DataScope.UNIT),
        recommender=await person(office, Permission.TITLES_REVIEW, scope=DataScope.REGION),
        evaluator=await person(office, Permission.TITLES_EVALUATE, Permission.TITLES_NAME, scope=DataScope.REGION),
        leader=await person(office, Permission.TITLES_NAME, scope=DataScope.REGION),
    )
