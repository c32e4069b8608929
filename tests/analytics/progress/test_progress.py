"""Progress as it is now, in the caller's scope."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from tests.factories.callers import Callers, make_user
from tests.factories.results import ENTRIES, Example, make_example, make_sheet

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.scoring.models import Sheet
from wenming_api.city.scoring.rules import Evidence, SheetState
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope

Client = httpx.AsyncClient


@pytest.fixture
async def example(database: Database) -> Example:
    """Four accepted sheets, and a second assessor's submitted one at b1; the sheet of a3 is taken away."""
    async with database.transaction() as session:
        made = await make_example(session, state=AssessmentState.IN_PROGRESS)
        second = await make_user(session, unit=made.units["u1"])
        late = await make_sheet(session, made, "b1", ENTRIES["b1"], accepted=False, assessor=second)
        late.evidence = Evidence.AWAITING
        await session.flush()
    return made


def path(example: Example) -> str:
    return f"/assessments/{example.assessment.id}/progress"


async def test_counts_by_everything(admin: Client, example: Example) -> None:
    progress = (await admin.get(path(example))).json()
    assert progress["total"] == {
        "sites": 4,
        "assigned_sites": 4,
        "finished_sites": 3,
        "sheets": 5,
        "assigned": 0,
        "in_progress": 0,
        "submitted": 1,
        "returned": 0,
        "reviewed": 4,
        "awaiting_evidence": 1,
    }
    assert [(each["name"], each["sites"], each["sheets"], each["submitted"]) for each in progress["regions"]] == [
        ("甲区", 3, 3, 0),
        ("乙区", 1, 2, 1),
    ]
    assert [(each["key"], each["sites"]) for each in progress["site_types"]] == [("X", 3), ("Y", 1)]
    assert sorted(each["sheets"] for each in progress["assessors"]) == [1, 4]
    assert {each["code"]: (each["done"], each["expected"]) for each in progress["methods"]} == {
        "field": (4, 5),
        "questionnaire": (2, 2),
    }


async def test_a_change_is_seen_by_the_next_request(admin: Client, example: Example, database: Database) -> None:
    assert (await admin.get(path(example))).json()["total"]["returned"] == 0
    async with database.transaction() as session:
        await session.execute(
            update(Sheet).where(Sheet.state == SheetState.SUBMITTED).values(state=SheetState.RETURNED)
        )
    total = (await admin.get(path(example))).json()["total"]
    assert (total["returned"], total["submitted"]) == (1, 0)


async def test_without_a_draw_everything_is_zero(admin: Client, example: Example, database: Database) -> None:
    async with database.transaction() as session:
        example.assessment.effective_draw_id = None
        await session.merge(example.assessment)
    progress = (await admin.get(path(example))).json()
    assert progress["total"]["sites"] == 0
    assert progress["regions"] == []


async def test_scope(admin: Client, callers: Callers, example: Example) -> None:
    may = [Permission.STATISTICS_READ]
    county = await callers.client(may, scope=DataScope.REGION, unit=example.units["u4"])
    progress = (await county.get(path(example))).json()
    assert [each["name"] for each in progress["regions"]] == ["乙区"]
    assert progress["total"]["sheets"] == 2
    unit = await callers.client(may, scope=DataScope.UNIT_AND_BELOW, unit=example.units["u4"])
    assert (await unit.get(path(example))).status_code == 404


async def test_who_may(client: Client, as_user: Callable[..., Any], example: Example) -> None:
    assert (await client.get(path(example))).status_code == 401
    assert (await (await as_user([Permission.SITES_READ])).get(path(example))).status_code == 403


async def test_two_statements(admin: Client, example: Example, statements: Callable[[], Any]) -> None:
    await admin.get(path(example))
    with statements() as sent:
        await admin.get(path(example))
    assert sent.count == 2, sent.sent
