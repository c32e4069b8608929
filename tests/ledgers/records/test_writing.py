"""What helps while a record is written: autosaved drafts, saved filters, prefill, captions; rules that judge."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.factories.places import make_county, make_unit
from tests.factories.records import content, make_catalogue, make_record

from wenming_api.catalog.permissions import Permission
from wenming_api.ledgers.record_prefills.rules import caption_place, caption_time
from wenming_api.system.roles.rules import DataScope

WRITE = [Permission.RECORDS_READ, Permission.RECORDS_WRITE, Permission.FILES_READ]


@pytest.fixture
async def unit(database):
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session), name="城里社区居委会")


@pytest.fixture
async def nodes(database, unit):
    async with database.transaction() as session:
        return await make_catalogue(session, unit)


@pytest.fixture
async def clerk(as_user, unit):
    return await as_user(WRITE, scope=DataScope.UNIT, unit=unit)


async def test_a_draft_is_kept_for_its_writer_alone(clerk, as_user, unit, nodes):
    made = (await clerk.post("/ledgers/records", json={"content": content(nodes["1-1"])})).json()
    place = f"/ledgers/records/{made['id']}/draft"
    body = {"content": {"title": "写到一半"}, "base_version": made["version"]}
    kept = await clerk.put(place, json=body)
    assert kept.status_code == 200, kept.text
    assert kept.json()["content"] == {"title": "写到一半"}
    assert kept.json()["current_version"] == made["version"]
    seen = (await clerk.get(f"/ledgers/records/{made['id']}")).json()
    assert (seen["draft_saved_at"], seen["current_version_no"]) == (kept.json()["saved_at"], 1)
    colleague = await as_user(WRITE, scope=DataScope.UNIT, unit=unit)
    assert (await colleague.get(place)).status_code == 404
    above = await as_user(WRITE)
    assert (await above.put(place, json=body)).status_code == 403
    saved = await clerk.put(
        f"/ledgers/records/{made['id']}",
        json={"content": content(nodes["1-1"], title="写完了")},
        headers={"If-Match": f'"{made["version"]}"'},
    )
    assert saved.json()["draft_saved_at"] is None
    assert (await clerk.get(place)).json()["code"] == "no_draft"
    await clerk.put(place, json=body)
    assert (await clerk.delete(place)).status_code == 204
    assert (await clerk.get(place)).status_code == 404


@pytest.mark.parametrize("draft", [{"surprise": 1}, {"text": "a\x00b"}, {"text": "文" * 200_001}])
async def test_drafts_are_bounded(clerk, nodes, draft):
    made = (await clerk.post("/ledgers/records", json={"content": content(nodes["1-1"])})).json()
    answer = await clerk.put(f"/ledgers/records/{made['id']}/draft", json={"content": draft, "base_version": 1})
    assert answer.status_code == 422


async def test_filters_are_kept_by_name(clerk, as_user, unit):
    body = {"name": "本季度", "query": {"q": "志愿", "sort": "-updated_at"}}
    made = await clerk.post("/ledgers/filters", json=body)
    assert made.status_code == 201, made.text
    assert (await clerk.post("/ledgers/filters", json=body)).json()["code"] == "filter_name_taken"
    wrong = await clerk.post("/ledgers/filters", json={"name": "错", "query": {"nothing": "1"}})
    assert wrong.status_code == 422
    place, match = f"/ledgers/filters/{made.json()['id']}", {"If-Match": '"1"'}
    changed = await clerk.put(place, json=body | {"query": {"q": "慰问"}}, headers=match)
    assert changed.json()["query"] == {"q": "慰问"}
    assert (await clerk.put(place, json=body, headers=match)).status_code == 412
    colleague = await as_user(WRITE, scope=DataScope.UNIT, unit=unit)
    assert (await colleague.get("/ledgers/filters")).json()["total"] == 0
    assert (await colleague.put(place, json=body, headers={"If-Match": '"2"'})).status_code == 404
    assert (await clerk.delete(place, headers={"If-Match": '"2"'})).status_code == 204
    assert (await clerk.get("/ledgers/filters")).json()["items"] == []


async def test_what_is_known_is_offered_with_its_source(clerk, nodes, unit, database):
    bare = (await clerk.get("/ledgers/records/prefill", params={"node_id": str(nodes["1-1"].id)})).json()
    assert [(each["field"], each["source"], each["source_id"]) for each in bare["fields"]] == [
        ("place", "unit", str(unit.id))
    ]
    async with database.transaction() as session:
        earlier = await make_record(session, unit=unit, nodes=[nodes["1-1"]], participants="志愿者服务队")
    offered = (await clerk.get("/ledgers/records/prefill", params={"node_id": str(nodes["1-1"].id)})).json()
    fields = {each["field"]: each for each in offered["fields"]}
    assert fields["participants"]["value"] == "志愿者服务队"
    assert {each["source_id"] for each in offered["fields"]} == {str(earlier.id)}
    assert (await clerk.get("/ledgers/records/prefill", params={"node_id": str(unit.id)})).status_code == 404


def test_captions_from_what_the_camera_wrote():
    assert caption_time(datetime(2026, 3, 5, 9, 5, tzinfo=UTC)) == "2026年3月5日 9:05"
    assert caption_place(Decimal("117.967"), Decimal("-36.6")) == "东经117.96700°，南纬36.60000°"
