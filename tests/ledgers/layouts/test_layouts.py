"""Layouts over HTTP: drafts, test prints before use, who may, which one serves."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pypdfium2
import pytest
from tests.factories.callers import Callers
from tests.factories.layouts import Tree, make_layout, make_tree
from tests.factories.places import make_county, make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.ledgers.layouts.schemas import LayoutBody
from wenming_api.system.roles.rules import DataScope

REASON = "按市文明办通知调整"


@pytest.fixture
async def tree(database: Database) -> Tree:
    async with database.transaction() as session:
        return await make_tree(session, unit=await make_unit(session, name="市文明办"))


async def body_of(client: httpx.AsyncClient) -> dict[str, Any]:
    body: dict[str, Any] = (await client.get("/ledgers/layouts/default")).json()["body"]
    return body


async def create(client: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await client.post("/ledgers/layouts", json={"name": "志愿服务台账", **values})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def act(client: httpx.AsyncClient, layout: dict[str, Any], verb: str, **values: Any) -> httpx.Response:
    reason = {} if verb == "test" else {"reason": REASON}
    return await client.post(
        f"/ledgers/layouts/{layout['id']}/{verb}", json={"version": layout["version"], **reason, **values}
    )


def allowed(layout: dict[str, Any]) -> set[str]:
    return {each["action"] for each in layout["allowed_actions"] if each["allowed"]}


async def test_a_draft_is_printed_before_it_is_used(admin: httpx.AsyncClient, tree: Tree) -> None:
    layout = await create(admin, catalogue_id=str(tree.catalogue.id), node_id=str(tree.service.id))
    assert (layout["draft_no"], layout["active_no"]) == (1, None)
    assert allowed(layout) == {"update", "draft", "test", "delete"}
    refused = await act(admin, layout, "activate")
    assert refused.status_code == 409
    assert "请先试印" in refused.json()["detail"]

    tested = await act(admin, layout, "test")
    assert tested.status_code == 200, tested.text
    assert tested.json()["pages"] >= 6
    async with httpx.AsyncClient(trust_env=False) as web:
        pdf = await web.get(tested.json()["url"])
    with pypdfium2.PdfDocument(pdf.content) as document:
        assert len(document) == tested.json()["pages"]
        assert "示例" in document[1].get_textpage().get_text_range()

    layout = (await admin.get(f"/ledgers/layouts/{layout['id']}")).json()
    assert "activate" in allowed(layout)
    kept = await admin.get(f"/ledgers/layouts/{layout['id']}/versions/1/test")
    async with httpx.AsyncClient(trust_env=False) as web:
        assert (await web.get(kept.json()["url"])).content == pdf.content, "the test print is kept"
    used = (await act(admin, layout, "activate")).json()
    assert (used["active_no"], used["draft_no"]) == (1, None)
    assert allowed(used) == {"update", "draft", "retire"}


async def test_a_changed_draft_is_printed_again(admin: httpx.AsyncClient) -> None:
    layout = await create(admin)
    await act(admin, layout, "test")
    layout = (await admin.get(f"/ledgers/layouts/{layout['id']}")).json()
    body = await body_of(admin) | {"header": "改过的页眉"}
    url, version = f"/ledgers/layouts/{layout['id']}", {"If-Match": str(layout["version"])}
    layout = (await admin.put(f"{url}/draft", json={"body": body}, headers=version)).json()
    assert layout["versions"][0]["tested"] is False
    assert (await act(admin, layout, "activate")).status_code == 409
    tested = (await act(admin, layout, "test")).json()
    layout = (await act(admin, layout | {"version": tested["version"]}, "activate")).json()
    assert (await admin.get(f"{url}/versions/1")).json()["body"]["header"] == "改过的页眉"

    version = {"If-Match": str(layout["version"])}
    layout = (await admin.put(f"{url}/draft", json={"body": body}, headers=version)).json()
    assert (layout["active_no"], layout["draft_no"]) == (1, 2)
    tested = (await act(admin, layout, "test")).json()
    layout = (await act(admin, layout | {"version": tested["version"]}, "activate")).json()
    assert [(each["no"], each["state"]) for each in layout["versions"]] == [(2, "active"), (1, "retired")]
    layout = (await act(admin, layout, "retire")).json()
    assert layout["active_no"] is None
    stale = await admin.request("DELETE", url, headers={"If-Match": str(layout["version"])})
    assert stale.status_code == 409, "what was in use stays"


async def test_the_nearest_layout_serves(admin: httpx.AsyncClient, callers: Callers, tree: Tree) -> None:
    async def name(node: Any) -> str:
        answer = await admin.get("/ledgers/layouts/effective", params={"node_id": str(node.id)})
        found: str = answer.json()["name"]
        return found

    user = callers.user_of(admin).id
    assert await name(tree.leifeng) == "系统自带版式"
    targets: list[tuple[str, dict[str, Any]]] = [
        ("全系统", {}),
        ("目录", {"catalogue_id": tree.catalogue.id}),
        ("大类", {"catalogue_id": tree.catalogue.id, "node_id": tree.service.id}),
        ("小类", {"catalogue_id": tree.catalogue.id, "node_id": tree.leifeng.id}),
    ]
    for label, target in targets:
        async with callers.database.transaction() as session:
            unit = await make_unit(session)
            await make_layout(session, unit=unit, made_by=user, name=label, **target)
        assert await name(tree.leifeng) == label
    assert await name(tree.elders) == "大类"
    assert await name(tree.traffic) == "目录"


BAD: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda body: body["form"]["rows"][0].pop(), "第 1 行各格共占 3 列，应为 4 列"),
    (lambda body: body["form"]["rows"][0][1].update(field="password"), "只能是"),
    (lambda body: body["form"]["rows"][0][0].update(field="title"), "二者取一"),
    (lambda body: body["form"]["rows"][0][0].update(label=None), "二者取一"),
    (lambda body: body["form"].update(columns=[]), "至少 1 项"),
    (lambda body: body["form"].update(rows=[[{"label": "空", "span": 4}]]), "没有任何填报内容"),
    (lambda body: body["style"].update(text_pt=400), "不能大于 36"),
    (lambda body: body["style"].update(margins_mm=[25, 22]), "/body/style/margins_mm"),
    (lambda body: body["photos"].update(caption=["time", "time"]), "重复"),
    (lambda body: body["cover"]["lines"].append({"label": "x", "field": "secret"}), "只能是"),
    (lambda body: body.update(program="#import"), "没有这个字段"),
    (lambda body: body.update(header="#" * 61), "/body/header"),
]


@pytest.mark.parametrize(("spoil", "words"), BAD, ids=range(len(BAD)))
async def test_a_bad_body_is_refused_in_chinese(
    admin: httpx.AsyncClient, spoil: Callable[[dict[str, Any]], Any], words: str
) -> None:
    body = await body_of(admin)
    spoil(body)
    answer = await admin.post("/ledgers/layouts", json={"name": "坏版式", "body": body})
    assert answer.status_code == 422, answer.text
    assert words in answer.text
    assert (await admin.get("/ledgers/layouts")).json()["total"] == 0


async def test_targets_are_checked(admin: httpx.AsyncClient, tree: Tree, database: Database) -> None:
    async with database.transaction() as session:
        other = await make_tree(session, unit=await make_unit(session))
    base = {"name": "版式"}
    for target in (
        {"node_id": str(tree.service.id)},
        {"catalogue_id": str(tree.service.id)},
        {"catalogue_id": str(tree.catalogue.id), "node_id": str(other.service.id)},
    ):
        assert (await admin.post("/ledgers/layouts", json=base | target)).status_code == 422, target
    await create(admin, catalogue_id=str(tree.catalogue.id))
    again = await admin.post("/ledgers/layouts", json=base | {"catalogue_id": str(tree.catalogue.id)})
    assert again.status_code == 409
    assert again.json()["code"] == "layout_taken"


async def test_who_may(as_user: Any, admin: httpx.AsyncClient, tree: Tree, database: Database) -> None:
    layout = await create(admin, catalogue_id=str(tree.catalogue.id))
    url, header = f"/ledgers/layouts/{layout['id']}", {"If-Match": str(layout["version"])}
    nobody = await as_user([Permission.MESSAGES_READ])
    for path in ("/ledgers/layouts", "/ledgers/layouts/default", url):
        assert (await nobody.get(path)).status_code == 403
    reader = await as_user([Permission.LAYOUTS_READ], scope=DataScope.OWN)
    assert (await reader.get(url)).json()["name"] == layout["name"], "a form is no secret"
    assert allowed((await reader.get(url)).json()) == set()
    assert (await reader.patch(url, json={"name": "别的"}, headers=header)).status_code == 403
    async with database.transaction() as session:
        unit = await make_unit(session, region=await make_county(session, 3))
    both = [Permission.LAYOUTS_READ, Permission.LAYOUTS_MANAGE]
    county = await as_user(both, scope=DataScope.REGION, unit=unit)
    assert (await county.patch(url, json={"name": "别的"}, headers=header)).status_code == 403
    assert (await county.post("/ledgers/layouts", json={"name": "全系统"})).status_code == 403
    foreign = {"name": "市目录", "catalogue_id": str(tree.catalogue.id), "node_id": str(tree.service.id)}
    assert (await county.post("/ledgers/layouts", json=foreign)).status_code == 403
    assert (await reader.get(f"{url}/versions/9")).status_code == 404
    assert (await reader.get(f"{url}/versions/1/test")).status_code == 404


async def test_of_two_who_activate_one_wins(admin: httpx.AsyncClient, as_user: Any) -> None:
    layout = await create(admin)
    tested = (await act(admin, layout, "test")).json()
    other = await as_user()
    layout |= {"version": tested["version"]}
    answers = await asyncio.gather(*(act(client, layout, "activate") for client in (admin, other)))
    assert sorted(each.status_code for each in answers) == [200, 409]


async def test_lists_and_details_cost_two_statements(admin: httpx.AsyncClient, tree: Tree, statements: Any) -> None:
    layout = await create(admin, catalogue_id=str(tree.catalogue.id))
    await create(admin, name="全系统版式")
    for path in ("/ledgers/layouts", f"/ledgers/layouts/{layout['id']}"):
        with statements() as sent:
            assert (await admin.get(path)).status_code == 200
        assert sent.count <= 3, sent.sent
    found = (await admin.get("/ledgers/layouts", params={"q": "全系统", "sort": "-name"})).json()
    assert [each["name"] for each in found["items"]] == ["全系统版式"]
    assert found["items"][0]["catalogue_name"] is None
    by_node = await admin.get("/ledgers/layouts", params={"catalogue_id": str(tree.catalogue.id), "active": False})
    assert by_node.json()["total"] == 1


async def test_renaming_and_deleting(admin: httpx.AsyncClient) -> None:
    layout = await create(admin)
    url = f"/ledgers/layouts/{layout['id']}"
    stale = await admin.patch(url, json={"name": "新名"}, headers={"If-Match": "9"})
    assert stale.status_code == 412
    renamed = await admin.patch(url, json={"name": "新名"}, headers={"If-Match": str(layout["version"])})
    assert renamed.json()["name"] == "新名"
    gone = await admin.request("DELETE", url, headers={"If-Match": str(renamed.json()["version"])})
    assert gone.status_code == 204
    assert (await admin.get(url)).status_code == 404
    entries = (await admin.get("/audit-entries", params={"target_id": layout["id"]})).json()["items"]
    assert {each["action"] for each in entries} == {"layouts.create", "layouts.update", "layouts.delete"}


def test_the_delivered_body_is_valid() -> None:
    from wenming_api.ledgers.layouts.rules import FormField, default_body, sample_facts

    body = LayoutBody.model_validate(default_body())
    assert body.submission_form is not None
    fields = [cell.field for row in body.submission_form.rows for cell in row]
    assert FormField.CONCLUSION in fields
    facts = sample_facts()
    assert all(facts.values[each] for each in FormField if each is not FormField.BLANK)
