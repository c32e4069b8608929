"""数据字典: base data, items, order, states; who may."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.sites import make_dictionary

from wenming_api.catalog.permissions import Permission
from wenming_api.system.dictionaries.queries import item_names, unusable_codes
from wenming_api.system.dictionaries.rules import base_dictionaries, is_code, order_problem
from wenming_api.system.dictionaries.service import load_base_dictionaries


def test_base_data_is_sound():
    base = base_dictionaries()
    assert {each.code for each in base} >= {
        "industry",
        "unit_category",
        "unit_nature",
        "civility_level",
        "deduction_reason",
        "urban_class",
        "staff_category",
        "activity_category",
        "work_area",
    }
    for each in base:
        codes = [item.code for item in each.items]
        assert len(set(codes)) == len(codes) > 0
        assert all(is_code(code) for code in [each.code, *codes])


@given(st.lists(st.uuids(), unique=True, max_size=8), st.randoms(use_true_random=False))
def test_an_order_is_a_permutation(ids, dice):
    shuffled = dice.sample(ids, len(ids))
    assert order_problem(shuffled, ids) is None
    if ids:
        assert order_problem(shuffled[1:], ids)
        assert order_problem([*shuffled, shuffled[0]], ids)


@pytest.fixture
async def industry(database):
    async with database.transaction() as session:
        await make_dictionary(session, items=("a", "b", "c"))


async def test_base_data_is_loaded_once_and_kept_as_changed(database, admin):
    async with database.transaction() as session:
        first = await load_base_dictionaries(session)
    one = (await admin.get("/dictionaries/industry")).json()["items"][0]
    path = f"/dictionaries/industry/items/{one['code']}"
    assert (await admin.patch(path, json={"name": "改名"}, headers={"If-Match": '"1"'})).status_code == 200
    async with database.transaction() as session:
        assert await load_base_dictionaries(session) == 0
    assert first == sum(len(each.items) for each in base_dictionaries())
    assert (await admin.get("/dictionaries/industry")).json()["items"][0]["name"] == "改名"


async def test_a_dictionary_and_its_items(admin):
    made = await admin.post("/dictionaries", json={"code": "road_class", "name": "道路等级"})
    assert (made.status_code, made.json()["items"]) == (201, [])
    for code in ("main", "side"):
        item = await admin.post("/dictionaries/road_class/items", json={"code": code, "name": code})
        assert item.status_code == 201
    shown = (await admin.get("/dictionaries/road_class")).json()
    assert [(each["code"], each["position"], each["active"]) for each in shown["items"]] == [
        ("main", 1, True),
        ("side", 2, True),
    ]
    assert shown["version"] == 3
    renamed = await admin.patch("/dictionaries/road_class", json={"name": "道路"}, headers={"If-Match": '"3"'})
    assert (renamed.json()["name"], renamed.headers["ETag"]) == ("道路", '"4"')
    stale = await admin.patch("/dictionaries/road_class", json={"name": "路"}, headers={"If-Match": '"3"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 4)
    assert (await admin.get("/dictionaries", params={"q": "道路"})).json()["total"] == 1
    entries = (await admin.get("/audit-entries", params={"context_id": shown["id"]})).json()
    assert entries["total"] == 2


async def test_codes_are_taken_once_even_at_once(admin, industry):
    twice = await admin.post("/dictionaries", json={"code": "industry", "name": "又一个"})
    assert (twice.status_code, twice.json()["code"]) == (409, "dictionary_code_taken")
    answers = await asyncio.gather(
        *(admin.post("/dictionaries/industry/items", json={"code": "d", "name": "丁"}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize("code", ["", "A", "a b", "字", "a" * 41, "a\x00", "-a"])
async def test_bad_codes(admin, industry, code):
    answer = await admin.post("/dictionaries/industry/items", json={"code": code, "name": "名"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/code"


async def test_an_item_is_disabled_and_its_code_stays_taken(admin, industry, database):
    path = "/dictionaries/industry/items/b"
    gone = await admin.post(f"{path}/disable", json={"version": 1, "reason": "不再使用"})
    assert gone.json()["active"] is False
    again = await admin.post(f"{path}/disable", json={"version": 2, "reason": "不再使用"})
    assert (again.status_code, again.json()["allowed"]) == (409, ["enable"])
    assert (await admin.post(f"{path}/enable", json={"version": 1, "reason": "恢复"})).json()["code"] == "version_moved"
    taken = await admin.post("/dictionaries/industry/items", json={"code": "b", "name": "又"})
    assert taken.status_code == 409
    assert (await admin.delete(path)).status_code == 405
    active = (await admin.get("/dictionaries/industry", params={"active": True})).json()["items"]
    assert [each["code"] for each in active] == ["a", "c"]
    async with database.read() as session:
        assert list(await item_names(session, "industry")) == ["a", "b", "c"]
        assert await unusable_codes(
            session, [("industry", "a"), ("industry", "b"), ("industry", "z"), ("none", "a")]
        ) == {("industry", "b"), ("industry", "z"), ("none", "a")}


async def test_a_new_order(admin, industry):
    shown = (await admin.get("/dictionaries/industry")).json()
    ids = [each["id"] for each in shown["items"]]
    path = "/dictionaries/industry/order"
    wanted = {"item_ids": [ids[2], ids[0], ids[1]]}
    assert (await admin.put(path, json=wanted)).status_code == 428
    for wrong in (ids[:2], [*ids, ids[0]], [*ids[:2], shown["id"]]):
        assert (await admin.put(path, json={"item_ids": wrong}, headers={"If-Match": '"1"'})).status_code == 422
    done = await admin.put(path, json=wanted, headers={"If-Match": '"1"'})
    assert [each["code"] for each in done.json()["items"]] == ["c", "a", "b"]
    assert done.headers["ETag"] == '"2"'


async def test_who_may(as_user, client, industry):
    reader = await as_user([Permission.DICTIONARIES_READ])
    stranger = await as_user([Permission.MESSAGES_READ])
    for path in ("/dictionaries", "/dictionaries/industry"):
        assert (await client.get(path)).status_code == 401
        assert (await reader.get(path)).status_code == 200
        assert (await stranger.get(path)).status_code == 403
    assert (await reader.post("/dictionaries", json={"code": "x", "name": "名"})).status_code == 403
    assert (await reader.post("/dictionaries/industry/items", json={"code": "x", "name": "名"})).status_code == 403
    assert not any(each["allowed"] for each in (await reader.get("/dictionaries/industry")).json()["allowed_actions"])


async def test_what_is_not_there(admin, industry):
    for answer in (
        await admin.get("/dictionaries/none"),
        await admin.post("/dictionaries/none/items", json={"code": "x", "name": "名"}),
        await admin.patch("/dictionaries/industry/items/z", json={"name": "名"}, headers={"If-Match": '"1"'}),
    ):
        assert answer.status_code == 404


async def test_statements(admin, industry, statements):
    await admin.get("/dictionaries")
    for target in ("/dictionaries", "/dictionaries/industry"):
        with statements() as sent:
            await admin.get(target)
        assert sent.count <= 2, sent.sent
