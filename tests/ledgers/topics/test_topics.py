"""重点、专题工作 over HTTP: their life, who sees them, who may change them."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.submissions import Offices, make_offices, make_topic

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7

URL = "/ledgers/topics"
REASON = "按年度安排"


@pytest.fixture
async def offices(database: Database) -> Offices:
    async with database.transaction() as session:
        return await make_offices(session)


@pytest.fixture
async def other(database: Database, offices: Offices) -> Offices:
    async with database.transaction() as session:
        return await make_offices(session, no=5)


@pytest.fixture
async def county(callers: Callers, offices: Offices) -> httpx.AsyncClient:
    return await callers.sign_in(offices.county.clerk)


def wanted(**values: Any) -> dict[str, Any]:
    return {
        "name": "文明实践月",
        "kind": "special",
        "year": 2026,
        "opens_on": "2026-01-01",
        "closes_on": "2099-12-31",
    } | values


async def test_a_topic_lives_and_is_archived_by_nobody_early(county: httpx.AsyncClient) -> None:
    answer = await county.post(URL, json=wanted(note="每单位至少一篇"))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["state"], made["accepts"], made["accepts_not"]) == ("draft", False, "该专项工作草稿，不接收报送")
    url = f"{URL}/{made['id']}"
    changed = await county.patch(url, json={"kind": "key_work"}, headers={"If-Match": '"1"'})
    assert (changed.json()["kind"], changed.headers["ETag"]) == ("key_work", '"2"')
    assert (await county.patch(url, json={"name": "新"}, headers={"If-Match": '"1"'})).status_code == 412
    published = await county.post(f"{url}/publish", json={"version": 2})
    assert (published.json()["state"], published.json()["accepts"]) == ("published", True)
    fixed = await county.patch(url, json={"kind": "special"}, headers={"If-Match": '"3"'})
    assert (fixed.status_code, fixed.json()["errors"][0]["pointer"]) == (422, "/kind")
    same = await county.patch(url, json={"kind": "key_work", "note": None}, headers={"If-Match": '"3"'})
    assert (same.status_code, same.json()["note"]) == (200, None)
    gone = await county.delete(url, headers={"If-Match": '"4"'})
    assert (gone.status_code, gone.json()["code"]) == (409, "illegal_transition")
    closed = await county.post(f"{url}/close", json={"version": 4, "reason": REASON})
    assert (closed.json()["state"], closed.json()["accepts"]) == ("closed", False)
    again = await county.post(f"{url}/reopen", json={"version": 5, "reason": REASON})
    assert again.json()["state"] == "published"
    moved = await county.post(f"{url}/close", json={"version": 4, "reason": REASON})
    assert (moved.status_code, moved.json()["code"]) == (409, "version_moved")


async def test_a_draft_is_deleted(county: httpx.AsyncClient) -> None:
    made = (await county.post(URL, json=wanted())).json()
    assert (await county.delete(f"{URL}/{made['id']}", headers={"If-Match": '"1"'})).status_code == 204
    assert (await county.get(f"{URL}/{made['id']}")).status_code == 404


async def test_two_publish_at_once(county: httpx.AsyncClient) -> None:
    made = (await county.post(URL, json=wanted())).json()
    answers = await asyncio.gather(*(county.post(f"{URL}/{made['id']}/publish", json={"version": 1}) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]


async def test_who_sees_a_topic(callers: Callers, offices: Offices, other: Offices, county: httpx.AsyncClient) -> None:
    made = (await county.post(URL, json=wanted())).json()
    url = f"{URL}/{made['id']}"
    unit = await callers.sign_in(offices.unit.clerk)
    stranger = await callers.sign_in(other.unit.clerk)
    city = await callers.sign_in(offices.city.clerk)
    # A draft: the county and those above it.
    assert [(await each.get(url)).status_code for each in (county, city, unit, stranger)] == [200, 200, 404, 404]
    await county.post(f"{url}/publish", json={"version": 1})
    assert [(await each.get(url)).status_code for each in (county, city, unit, stranger)] == [200, 200, 200, 404]
    assert [(await each.get(URL)).json()["total"] for each in (county, city, unit, stranger)] == [1, 1, 1, 0]
    refused = await city.post(f"{url}/close", json={"version": 2, "reason": REASON})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    actions = {each["action"]: each for each in (await unit.get(url)).json()["allowed_actions"]}
    assert actions["close"]["why_not"] == "只有发布单位可以操作"


async def test_permissions(as_user: Callable[..., Any], offices: Offices) -> None:
    reader = await as_user([Permission.TOPICS_READ], unit=offices.county.unit)
    assert (await reader.get(URL)).status_code == 200
    assert (await reader.post(URL, json=wanted())).status_code == 403
    nobody = await as_user([Permission.SITES_READ], unit=offices.county.unit)
    assert (await nobody.get(URL)).status_code == 403


async def test_filters_and_what_they_cost(
    database: Database, offices: Offices, county: httpx.AsyncClient, statements: Callable[..., Any]
) -> None:
    async with database.transaction() as session:
        await make_topic(session, post=offices.county, name="甲专题")
        await make_topic(session, post=offices.city, name="乙专题", year=2025)
    await county.post(URL, json=wanted())
    with statements() as sent:
        assert (await county.get(URL)).json()["total"] == 3
    assert sent.count <= 2, sent.sent
    for filters, total in (
        ({"q": "专题"}, 2),
        ({"year": 2025}, 1),
        ({"state": "draft"}, 1),
        ({"accepts": True}, 2),
        ({"accepts": False}, 1),
        ({"unit_id": str(offices.city.unit.id)}, 1),
        ({"kind": "key_work"}, 0),
    ):
        assert (await county.get(URL, params=filters)).json()["total"] == total, filters
    names = [each["name"] for each in (await county.get(URL, params={"sort": "name"})).json()["items"]]
    assert names == sorted(names)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"closes_on": "2025-12-31"}, ""),
        ({"year": 1999}, "/year"),
        ({"name": ""}, "/name"),
        ({"node_ids": [str(uuid7())]}, "/node_ids"),
        ({"parent_id": str(uuid7())}, "/parent_id"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_input(county: httpx.AsyncClient, values: dict[str, Any], pointer: str) -> None:
    answer = await county.post(URL, json=wanted(**values))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_parents_are_published_ones(database: Database, offices: Offices, county: httpx.AsyncClient) -> None:
    async with database.transaction() as session:
        above = await make_topic(session, post=offices.city)
    made = (await county.post(URL, json=wanted(parent_id=str(above.id)))).json()
    assert made["parent_name"] == above.name
    itself = await county.patch(f"{URL}/{made['id']}", json={"parent_id": made["id"]}, headers={"If-Match": '"1"'})
    assert (itself.status_code, itself.json()["errors"][0]["pointer"]) == (422, "/parent_id")
    late = await county.patch(
        f"{URL}/{made['id']}", json={"closes_on": "2025-01-01", "name": None}, headers={"If-Match": '"1"'}
    )
    assert [each["pointer"] for each in late.json()["errors"]] == ["/name", "/closes_on"]
