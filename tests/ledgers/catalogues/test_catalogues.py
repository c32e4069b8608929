"""分类目录 over HTTP: drafts are built, published for good, cloned, linked; who may, and which of them."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.factories.places import make_county, make_unit
from tests.factories.records import content, make_catalogue, make_record

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.catalogues.rules import CatalogueKind
from wenming_api.system.roles.rules import DataScope

PATH = "/catalogues"
KEEP = [Permission.CATALOGUES_READ, Permission.CATALOGUES_MANAGE]


@pytest.fixture
async def unit(database: Database) -> Any:
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session), name="张店区文明办")


@pytest.fixture
async def keeper(as_user: Any, unit: Any) -> httpx.AsyncClient:
    made: httpx.AsyncClient = await as_user(KEEP, scope=DataScope.UNIT_AND_BELOW, unit=unit)
    return made


async def draft(client: httpx.AsyncClient, code: str = "archive", **given: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json={"code": code, "name": f"目录 {code}"} | given)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def grown(client: httpx.AsyncClient, catalogue: dict[str, Any], code: str, **given: Any) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/{catalogue['id']}/nodes", json={"code": code, "name": f"分类{code}"} | given)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def step(client: httpx.AsyncClient, catalogue: dict[str, Any], verb: str, **given: Any) -> httpx.Response:
    body = {"version": catalogue["version"], "reason": "年度启用"} | given
    return await client.post(f"{PATH}/{catalogue['id']}/{verb}", json=body)


async def read(client: httpx.AsyncClient, catalogue: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{PATH}/{catalogue['id']}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def nodes(client: httpx.AsyncClient, catalogue: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{PATH}/{catalogue['id']}/nodes", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def published(client: httpx.AsyncClient, code: str = "archive") -> tuple[dict[str, Any], dict[str, Any]]:
    made = await draft(client, code)
    node = await grown(client, made, "1")
    answer = await step(client, await read(client, made), "publish")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()), node


def match(of: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{of["version"]}"'}


def allowed(detail: dict[str, Any]) -> set[str]:
    return {each["action"] for each in detail["allowed_actions"] if each["allowed"]}


async def test_a_draft_is_made_changed_and_deleted(keeper: httpx.AsyncClient, unit: Any) -> None:
    made = await draft(keeper, source="自拟", year=2026)
    assert (made["state"], made["unit_id"], made["year"], made["node_count"]) == ("draft", str(unit.id), 2026, 0)
    assert allowed(made) == {"update", "publish", "delete", "clone"}
    place = f"{PATH}/{made['id']}"
    changed = await keeper.patch(place, json={"name": "新名称", "year": None}, headers=match(made))
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["year"]) == ("新名称", None)
    assert changed.headers["ETag"] == f'"{changed.json()["version"]}"'
    assert (await keeper.patch(place, json={"name": "旧"}, headers=match(made))).status_code == 412
    assert (await keeper.patch(place, json={"name": "旧"})).status_code == 428
    assert (await keeper.delete(place, headers=match(made))).status_code == 412
    await grown(keeper, made, "1")
    assert (await keeper.delete(place, headers=match(await read(keeper, made)))).status_code == 204
    assert (await keeper.get(place)).status_code == 404
    assert (await keeper.get(f"{place}/nodes")).status_code == 404
    assert (await draft(keeper))["code"] == "archive", "the code is free again"


async def test_a_tree_is_built_in_order(keeper: httpx.AsyncClient) -> None:
    made = await draft(keeper)
    first = await grown(keeper, made, "1", position=2)
    second = await grown(keeper, made, "2", position=1)
    small = await grown(keeper, made, "1-1", parent_id=first["id"], required=4, guidance="方案、总结")
    await grown(keeper, made, "1-2", parent_id=first["id"], active=False)
    tree = await nodes(keeper, made)
    assert [(each["path"], each["depth"], each["leaf"]) for each in tree] == [
        ("2/", 1, True),
        ("1/", 1, False),
        ("1/1-1/", 2, True),
        ("1/1-2/", 2, True),
    ]
    assert [each["code"] for each in await nodes(keeper, made, active=False)] == ["1-2"]
    detail = await read(keeper, made)
    assert (detail["node_count"], detail["leaf_count"]) == (4, 3)
    place = f"{PATH}/{made['id']}/nodes"
    parent = (await keeper.get(f"{place}/{first['id']}")).json()
    renamed = await keeper.patch(f"{place}/{first['id']}", json={"code": "1_0", "name": "改"}, headers=match(parent))
    assert renamed.status_code == 200, renamed.text
    assert {each["path"] for each in await nodes(keeper, made)} == {"2/", "1_0/", "1_0/1-1/", "1_0/1-2/"}
    stale = await keeper.patch(f"{place}/{first['id']}", json={"name": "改"}, headers=match(parent))
    assert stale.status_code == 412
    taken = await keeper.patch(f"{place}/{second['id']}", json={"code": "1_0"}, headers=match(second))
    assert (taken.status_code, taken.json()["code"]) == (409, "catalogue_node_code_taken")
    for code in ("1-1", "1-2"):
        node = next(each for each in await nodes(keeper, made) if each["code"] == code)
        assert (await keeper.delete(f"{place}/{node['id']}", headers=match(node))).status_code == 204
    assert (await keeper.get(f"{place}/{small['id']}")).status_code == 404
    assert all(each["leaf"] for each in await nodes(keeper, made)), "without children it is a small category again"
    top = (await keeper.get(f"{place}/{first['id']}")).json()
    await grown(keeper, made, "1-9", parent_id=first["id"])
    top = (await keeper.get(f"{place}/{first['id']}")).json()
    assert (await keeper.delete(f"{place}/{first['id']}", headers=match(top))).status_code == 204
    assert [each["code"] for each in await nodes(keeper, made)] == ["2"], "it goes with what lies below it"


async def test_what_is_published_never_changes(keeper: httpx.AsyncClient) -> None:
    empty = await step(keeper, await draft(keeper, "empty"), "publish")
    assert (empty.status_code, empty.json()["code"]) == (409, "catalogue_incomplete")
    made, node = await published(keeper)
    assert allowed(made) == {"retire", "clone"}
    why = {each["action"]: each["why_not"] for each in made["allowed_actions"]}
    assert why["update"] == "目录已发布，不能再修改；需要调整时请复制为新的目录"
    place = f"{PATH}/{made['id']}"
    refused = [
        await keeper.patch(place, json={"name": "改"}, headers=match(made)),
        await keeper.delete(place, headers=match(made)),
        await keeper.post(f"{place}/nodes", json={"code": "2", "name": "又一个"}),
        await keeper.patch(f"{place}/nodes/{node['id']}", json={"name": "改"}, headers=match(node)),
        await keeper.delete(f"{place}/nodes/{node['id']}", headers=match(node)),
        await step(keeper, made, "publish"),
    ]
    assert {(each.status_code, each.json()["code"]) for each in refused} == {(409, "illegal_transition")}
    moved = await step(keeper, made | {"version": made["version"] - 1}, "retire")
    assert (moved.status_code, moved.json()["code"]) == (409, "version_moved")
    assert (await step(keeper, made, "retire", reason="")).status_code == 422
    retired = await step(keeper, made, "retire")
    assert retired.json()["state"] == "retired"
    assert allowed(retired.json()) == {"clone"}


async def test_a_clone_is_a_draft_with_the_same_tree(keeper: httpx.AsyncClient, as_user: Any) -> None:
    made = await draft(keeper, kind="indicator", level_names=["一级", "二级"], source="某文件")
    top = await grown(keeper, made, "Ⅰ-1")
    leaf = await grown(keeper, made, "Ⅱ-1-①", parent_id=top["id"], required=2, statement_limit=500)
    other, target = await published(keeper, "other")
    place = f"{PATH}/{made['id']}/nodes/{leaf['id']}"
    linked = await keeper.put(f"{place}/links", json={"node_ids": [target["id"]]}, headers=match(leaf))
    assert [each["catalogue_name"] for each in linked.json()["links"]] == [other["name"]]
    ready = (await step(keeper, await read(keeper, made), "publish")).json()
    elsewhere = await as_user(KEEP, scope=DataScope.UNIT)
    copied = await elsewhere.post(f"{PATH}/{ready['id']}/clone", json={"code": "copy", "name": "复制", "year": 2027})
    assert copied.status_code == 201, copied.text
    clone = copied.json()
    assert (clone["state"], clone["cloned_from_id"], clone["year"]) == ("draft", ready["id"], 2027)
    assert (clone["kind"], clone["level_names"], clone["source"]) == ("indicator", ["一级", "二级"], "某文件")
    assert clone["unit_id"] != ready["unit_id"], "kept by who made it"
    kept = ("path", "name", "depth", "leaf", "required", "statement_limit", "position")
    both = [[{name: each[name] for name in kept} for each in await nodes(elsewhere, it)] for it in (ready, clone)]
    assert both[0] == both[1]
    again = next(each for each in await nodes(elsewhere, clone) if each["leaf"])
    detail = (await elsewhere.get(f"{PATH}/{clone['id']}/nodes/{again['id']}")).json()
    assert [each["node_id"] for each in detail["links"]] == [target["id"]]
    await grown(elsewhere, clone, "Ⅰ-2")
    assert len(await nodes(keeper, ready)) == 2, "the original does not follow"
    taken = await elsewhere.post(f"{PATH}/{ready['id']}/clone", json={"code": "copy", "name": "复制"})
    assert (taken.status_code, taken.json()["code"]) == (409, "catalogue_code_taken")


async def test_small_categories_count_for_those_of_other_catalogues(
    keeper: httpx.AsyncClient, unit: Any, database: Database
) -> None:
    async with database.transaction() as session:
        ours = await make_catalogue(session, unit)
        theirs = await make_catalogue(session, unit, kind=CatalogueKind.INDICATOR)
    place = f"{PATH}/{ours['1-1'].catalogue_id}/nodes/{ours['1-1'].id}"
    node = (await keeper.get(place)).json()
    assert node["links"] == []
    assert allowed(node) == {"link"}, "links may be set on a published tree; they are no part of it"
    wanted = [str(theirs["2-1"].id), str(theirs["1-1"].id), str(theirs["2-1"].id)]
    linked = await keeper.put(f"{place}/links", json={"node_ids": wanted}, headers=match(node))
    assert linked.status_code == 200, linked.text
    assert [each["code"] for each in linked.json()["links"]] == ["1-1", "2-1"]
    stale = await keeper.put(f"{place}/links", json={"node_ids": []}, headers=match(node))
    assert stale.status_code == 412
    wrong = [str(ours["1-2"].id), str(theirs["1"].id), str(uuid7()), str(theirs["1-1"].id)]
    refused = await keeper.put(f"{place}/links", json={"node_ids": wrong}, headers=match(linked.json()))
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == [f"/node_ids/{no}" for no in range(3)]
    big = f"{PATH}/{ours['1'].catalogue_id}/nodes/{ours['1'].id}"
    body = {"node_ids": [str(theirs["1-1"].id)]}
    assert (await keeper.put(f"{big}/links", json=body, headers={"If-Match": '"1"'})).status_code == 422
    gone = await keeper.put(f"{place}/links", json={"node_ids": []}, headers=match(linked.json()))
    assert gone.json()["links"] == []


async def test_a_retired_catalogue_takes_no_more_records(
    keeper: httpx.AsyncClient, as_user: Any, unit: Any, database: Database
) -> None:
    made, node = await published(keeper)
    clerk = await as_user([Permission.RECORDS_READ, Permission.RECORDS_WRITE], scope=DataScope.UNIT, unit=unit)
    kept = await clerk.post("/ledgers/records", json={"content": content(node["id"])})
    assert kept.status_code == 201, kept.text
    await step(keeper, made, "retire")
    refused = await clerk.post("/ledgers/records", json={"content": content(node["id"])})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/node_ids/0")
    saved = await clerk.put(
        f"/ledgers/records/{kept.json()['id']}",
        json={"content": content(node["id"], title="仍可修改")},
        headers=match(kept.json()),
    )
    assert saved.status_code == 200, saved.text


async def test_drafts_are_seen_inside_the_scope_and_published_ones_everywhere(
    keeper: httpx.AsyncClient, as_user: Any
) -> None:
    hidden = await draft(keeper, "hidden")
    shown, node = await published(keeper, "shown")
    outsider = await as_user(KEEP, scope=DataScope.UNIT)
    listed = (await outsider.get(PATH)).json()
    assert [each["code"] for each in listed["items"]] == ["shown"]
    assert (await keeper.get(PATH)).json()["total"] == 2
    place = f"{PATH}/{hidden['id']}"
    unseen = [
        await outsider.get(place),
        await outsider.get(f"{place}/nodes"),
        await outsider.patch(place, json={"name": "改"}, headers=match(hidden)),
        await outsider.delete(place, headers=match(hidden)),
        await outsider.post(f"{place}/clone", json={"code": "c", "name": "复制"}),
        await outsider.post(f"{place}/nodes", json={"code": "1", "name": "一"}),
        await step(outsider, hidden, "publish"),
    ]
    assert {each.status_code for each in unseen} == {404}
    seen = await read(outsider, shown)
    assert allowed(seen) == {"clone"}
    foreign = [
        await step(outsider, shown, "retire"),
        await outsider.put(
            f"{PATH}/{shown['id']}/nodes/{node['id']}/links", json={"node_ids": []}, headers=match(node)
        ),
    ]
    assert {each.status_code for each in foreign} == {403}


async def test_reading_and_managing_are_two_permissions(keeper: httpx.AsyncClient, as_user: Any, client: Any) -> None:
    made = await draft(keeper)
    reader = await as_user([Permission.CATALOGUES_READ])
    assert (await reader.get(f"{PATH}/{made['id']}")).status_code == 200
    nobody = await as_user([])
    for who, status in ((reader, 403), (nobody, 403), (client, 401)):
        refused = [
            await who.post(PATH, json={"code": "x", "name": "一"}),
            await who.patch(f"{PATH}/{made['id']}", json={"name": "一"}, headers=match(made)),
            await who.delete(f"{PATH}/{made['id']}", headers=match(made)),
            await who.post(f"{PATH}/{made['id']}/clone", json={"code": "x", "name": "一"}),
            await step(who, made, "publish"),
            await step(who, made, "retire"),
            await who.post(f"{PATH}/{made['id']}/nodes", json={"code": "1", "name": "一"}),
        ]
        assert {each.status_code for each in refused} == {status}
    assert (await nobody.get(PATH)).status_code == 403
    assert (await nobody.get(f"{PATH}/{made['id']}/nodes")).status_code == 403
    assert (await read(keeper, made)) == made, "nothing came of it"


async def test_lists_are_filtered_sorted_and_counted(keeper: httpx.AsyncClient, statements: Any) -> None:
    await draft(keeper, "b", name="志愿服务目录", year=2025)
    await draft(keeper, "a", name="我们的节日目录", kind="indicator")
    await published(keeper, "c")

    async def codes(**query: Any) -> list[str]:
        answer = await keeper.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        return [each["code"] for each in answer.json()["items"]]

    assert await codes(sort="code") == ["a", "b", "c"]
    assert await codes(sort="-created_at") == ["c", "a", "b"]
    assert await codes(q="志愿") == ["b"]
    assert await codes(kind="indicator") == ["a"]
    assert await codes(state="published") == ["c"]
    assert sorted(await codes(year=2026)) == ["a", "c"], "a catalogue of no year is meant for any"
    assert (await keeper.get(PATH, params={"size": 1, "page": 2, "sort": "code"})).json()["items"][0]["code"] == "b"
    with statements() as sent:
        await keeper.get(PATH)
    assert sent.count <= 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "x"},
        {"code": "x", "name": ""},
        {"code": "x y", "name": "一"},
        {"code": "x", "name": "一\x00"},
        {"code": "x", "name": "一", "year": 1},
        {"code": "x", "name": "一", "level_names": []},
        {"code": "x", "name": "一", "level_names": ["级"] * 7},
        {"code": "x", "name": "一", "kind": "other"},
        {"code": "x", "name": "一", "state": "published"},
    ],
)
async def test_catalogues_that_do_not_fit_are_refused(keeper: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await keeper.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert (await keeper.get(PATH)).json()["total"] == 0


@pytest.mark.parametrize(
    "given",
    [
        {"code": "a/b"},
        {"code": "%"},
        {"code": ""},
        {"name": " "},
        {"required": -1},
        {"required": 10_001},
        {"statement_limit": 0},
        {"photo_limit_bytes": 1},
        {"position": 100_001},
        {"parent_id": str(uuid7())},
        {"leaf": True},
    ],
)
async def test_nodes_that_do_not_fit_are_refused(keeper: httpx.AsyncClient, given: dict[str, Any]) -> None:
    made = await draft(keeper)
    answer = await keeper.post(f"{PATH}/{made['id']}/nodes", json={"code": "1", "name": "一"} | given)
    assert answer.status_code == 422, answer.text
    assert await nodes(keeper, made) == []


async def test_trees_keep_to_their_levels(keeper: httpx.AsyncClient) -> None:
    made = await draft(keeper)
    top = await grown(keeper, made, "1")
    small = await grown(keeper, made, "1-1", parent_id=top["id"])
    body = {"code": "1-1-1", "name": "太深", "parent_id": small["id"]}
    deep = await keeper.post(f"{PATH}/{made['id']}/nodes", json=body)
    assert (deep.status_code, deep.json()["errors"][0]["pointer"]) == (422, "/parent_id")
    detail = await read(keeper, made)
    fewer = await keeper.patch(f"{PATH}/{made['id']}", json={"level_names": ["一级"]}, headers=match(detail))
    assert (fewer.status_code, fewer.json()["errors"][0]["pointer"]) == (422, "/level_names")
    for nothing in ({"name": None}, {"level_names": None}):
        empty = await keeper.patch(f"{PATH}/{made['id']}", json=nothing, headers=match(detail))
        assert empty.status_code == 422
    other = await draft(keeper, "other")
    crossed = await keeper.post(f"{PATH}/{other['id']}/nodes", json={"code": "1", "name": "一", "parent_id": top["id"]})
    assert crossed.status_code == 422
    assert (await keeper.get(f"{PATH}/{other['id']}/nodes/{top['id']}")).status_code == 404


async def test_of_many_at_once_one_is_first(keeper: httpx.AsyncClient) -> None:
    body = {"code": "same", "name": "同一代码"}
    made = await asyncio.gather(*(keeper.post(PATH, json=body) for _ in range(4)))
    assert sorted(each.status_code for each in made) == [201, 409, 409, 409], [each.text for each in made]
    one = next(each.json() for each in made if each.status_code == 201)
    node = {"code": "1", "name": "同一编号"}
    added = await asyncio.gather(*(keeper.post(f"{PATH}/{one['id']}/nodes", json=node) for _ in range(4)))
    assert sorted(each.status_code for each in added) == [201, 409, 409, 409]
    current = await read(keeper, one)
    renamed = await asyncio.gather(
        *(keeper.patch(f"{PATH}/{one['id']}", json={"name": f"名称{no}"}, headers=match(current)) for no in range(3))
    )
    assert sorted(each.status_code for each in renamed) == [200, 412, 412]
    current = await read(keeper, one)
    steps = await asyncio.gather(*(step(keeper, current, "publish") for _ in range(3)))
    assert sorted(each.status_code for each in steps) == [200, 409, 409]


async def test_a_tree_grows_or_is_published_but_not_both_at_once(keeper: httpx.AsyncClient) -> None:
    made = await draft(keeper)
    await grown(keeper, made, "1")
    current = await read(keeper, made)
    added, _ = await asyncio.gather(
        keeper.post(f"{PATH}/{made['id']}/nodes", json={"code": "2", "name": "二"}), step(keeper, current, "publish")
    )
    assert added.status_code in {201, 409}
    assert len(await nodes(keeper, made)) == (2 if added.status_code == 201 else 1)


async def test_changes_are_audited(keeper: httpx.AsyncClient, as_user: Any) -> None:
    await published(keeper)
    auditor = await as_user([Permission.AUDIT_READ])
    entries = (await auditor.get("/audit-entries", params={"size": 100})).json()["items"]
    assert {"catalogues.create", "catalogues.add_node", "catalogues.publish"} <= {each["action"] for each in entries}


async def test_details_take_few_statements(
    keeper: httpx.AsyncClient, statements: Any, unit: Any, database: Any
) -> None:
    async with database.transaction() as session:
        tree = await make_catalogue(session, unit)
        await make_record(session, unit=unit, nodes=[tree["1-1"]])
    place = f"{PATH}/{tree['1'].catalogue_id}"
    await keeper.get(place)
    for path, most in ((place, 1), (f"{place}/nodes", 2), (f"{place}/nodes/{tree['1-1'].id}", 2)):
        with statements() as sent:
            assert (await keeper.get(path)).status_code == 200
        assert sent.count <= most, (path, sent.sent)
