"""Who may look at an assessment once its result is published, and who may not before."""

from __future__ import annotations

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.places import make_county, make_unit
from tests.factories.results import Example, make_example

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope

READS = [Permission.ASSESSMENTS_READ, Permission.RESULTS_READ]


@pytest.fixture
async def example(database: Database) -> Example:
    async with database.transaction() as session:
        return await make_example(session, state=AssessmentState.REVIEWING)


async def looked_at(client: httpx.AsyncClient, example: Example) -> tuple[int, int]:
    """Status of the detail, rows of the list."""
    detail, listed = await client.get(f"/assessments/{example.assessment.id}"), await client.get("/assessments")
    return detail.status_code, listed.json()["total"]


async def test_a_clerk_of_a_responsible_unit_sees_it_once_its_result_is_published(
    admin: httpx.AsyncClient, callers: Callers, database: Database, example: Example
) -> None:
    async with database.transaction() as session:
        far = await make_unit(session, region=await make_county(session, 88))
    clerk = await callers.client(READS, scope=DataScope.UNIT_AND_BELOW, unit=example.units["u3"])
    city = await callers.client(READS, scope=DataScope.UNIT, unit=example.units["u1"])
    without = await callers.client(READS[:1], scope=DataScope.UNIT_AND_BELOW, unit=example.units["u3"])
    elsewhere = await callers.client(READS, scope=DataScope.UNIT, unit=far)
    result = (await admin.post(example.path)).json()
    for client in (clerk, city, without, elsewhere):
        assert await looked_at(client, example) == (404, 0)
    body = {"version": result["version"], "reason": "本次测评结束"}
    assert (await admin.post(f"{example.path}/{result['id']}/publish", json=body)).status_code == 200
    for client in (clerk, city):
        assert await looked_at(client, example) == (200, 1)
    assert await looked_at(without, example) == (404, 0)
    detail = (await clerk.get(f"/assessments/{example.assessment.id}")).json()
    assert detail["result_id"] == result["id"]
    assert not any(each["allowed"] for each in detail["allowed_actions"])
    for part in ("log", "draws", "progress"):
        assert (await clerk.get(f"/assessments/{example.assessment.id}/{part}")).status_code in (403, 404)


async def test_a_clerk_of_another_district_does_not_see_it(
    admin: httpx.AsyncClient, callers: Callers, database: Database, example: Example
) -> None:
    async with database.transaction() as session:
        assessment = await session.merge(example.assessment)
        county = await make_county(session, 2)
        assessment.region_id, assessment.region_path = county.id, county.path
        assessment.result_id = example.assessment.id
        far = await make_unit(session, region=await make_county(session, 88))
    for unit, status in ((far, 404), (example.units["u3"], 200), (example.units["u1"], 200)):
        client = await callers.client(READS, scope=DataScope.UNIT, unit=unit)
        assert (await client.get(f"/assessments/{example.assessment.id}")).status_code == status
