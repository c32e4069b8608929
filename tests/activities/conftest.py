"""A school, its civility office and strangers, signed in; activities to begin with."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.factories.callers import make_user
from tests.factories.places import make_county, make_unit
from tests.factories.records import content, make_catalogue

from wenming_api.catalog.permissions import Permission
from wenming_api.system.roles.rules import DataScope

WRITES = [
    Permission.ACTIVITIES_READ,
    Permission.ACTIVITIES_WRITE,
    Permission.RECORDS_READ,
    Permission.RECORDS_WRITE,
    Permission.SUBMISSIONS_READ,
    Permission.SUBMISSIONS_SEND,
]
DECIDES = [
    *WRITES,
    Permission.ACTIVITY_TEMPLATES_MANAGE,
    Permission.RECORDS_REVIEW,
    Permission.SUBMISSIONS_REVIEW,
    Permission.ACTIVITIES_REVIEW,
    Permission.ACTIVITIES_MARK,
    Permission.ACTIVITIES_RELEASE,
]


@dataclass
class Scene:
    """A school that holds activities, its civility office, and people of another county."""

    clerk: Any
    office: Any
    outsider: Any
    reviewer: Any
    node: str
    school: Any
    district: Any
    far: Any
    users: Any

    def plan(self, **changes: Any) -> dict[str, Any]:
        return {
            "title": "学雷锋志愿服务",
            "kind": "arising",
            "node_ids": [self.node],
            "starts_at": "2026-03-05T09:00:00+08:00",
            "ends_at": "2026-03-05T11:00:00+08:00",
            "place": "城里社区",
        } | changes

    async def act(self, who, one, verb, status=200, **body):
        answer = await who.post(f"/activities/{one['id']}/{verb}", json={"version": one["version"]} | body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def planned(self, who=None, **changes):
        answer = await (who or self.clerk).post("/activities", json=self.plan(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def held(self, photos=(), **changes):
        """An activity with content; `photos` are ids of files."""
        one = await self.planned(**changes)
        saved = await self.clerk.put(
            f"/activities/{one['id']}/content",
            json={"content": content(self.node, photos=[{"file_id": str(each)} for each in photos])},
            headers={"If-Match": f'"{one["version"]}"'},
        )
        assert saved.status_code == 200, saved.text
        return (await self.clerk.get(f"/activities/{one['id']}")).json()

    async def recorded(self, one):
        """The activity with a record that a colleague has approved."""
        made = await self.act(self.clerk, one, "record")
        url = f"/ledgers/records/{made['record_id']}"
        for who, verb in ((self.clerk, "submit"), (self.reviewer, "approve")):
            version = (await self.clerk.get(url)).json()["version"]
            answer = await who.post(f"{url}/{verb}", json={"version": version})
            assert answer.status_code == 200, answer.text
        return (await self.clerk.get(f"/activities/{one['id']}")).json()

    async def judged(self, submission_id, *verbs, **body):
        """The submission after the office has taken these actions."""
        url = f"/ledgers/submissions/{submission_id}"
        for verb in verbs:
            version = (await self.office.get(url)).json()["version"]
            more = body if verb == verbs[-1] else {}
            answer = await self.office.post(f"{url}/{verb}", json={"version": version} | more)
            assert answer.status_code in {200, 201}, answer.text
        return (await self.office.get(url)).json()


@pytest.fixture
async def scene(database, callers):
    async with database.transaction() as session:
        county = await make_county(session, 3)
        office = await make_unit(session, region=county, name="区文明办")
        office.is_civility_office = True
        school = await make_unit(session, region=county, managing=office, name="实验小学")
        far = await make_unit(session, region=await make_county(session, 4), name="邻区小学")
        nodes = await make_catalogue(session, office)
        users = [
            await make_user(session, unit=school, permissions=WRITES, scope=DataScope.UNIT),
            await make_user(session, unit=office, permissions=DECIDES, scope=DataScope.REGION),
            await make_user(session, unit=far, permissions=DECIDES, scope=DataScope.REGION),
            await make_user(session, unit=school, permissions=DECIDES, scope=DataScope.UNIT),
        ]
    clients = [await callers.sign_in(user) for user in users]
    return Scene(*clients, node=str(nodes["2-1"].id), school=school, district=office, far=far, users=users)
