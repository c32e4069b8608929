"""Long prints: parts that are kept, numbers and bookmarks over all, a worker that dies, who may have them."""

import re
from typing import Any

import httpx
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.books import make_tree as make_book_tree
from tests.factories.callers import Callers
from tests.factories.layouts import make_picture, make_printable
from tests.factories.submissions import make_approved_record, make_offices, make_submission

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.storage import StoreUnavailable
from wenming_api.ledgers.documents import rules, service
from wenming_api.ledgers.documents.queries import Chosen
from wenming_api.ledgers.documents.rules import DocumentKind, Entry, parts
from wenming_api.ledgers.layouts.queries import delivered
from wenming_api.ledgers.layouts.rules import CoverField
from wenming_api.settings import Resources
from wenming_api.system.roles.rules import DataScope
from wenming_api.worker import drain

CAPTION = {"time": "三月", "place": "广场"}


async def make_records(callers: Callers, resources: Resources, client: httpx.AsyncClient, count: int) -> list[Any]:
    user = callers.user_of(client)
    async with callers.database.transaction() as session:
        photo = await make_picture(session, resources.store, owner=user)
        shown = [{"file_id": str(photo), "caption": CAPTION}]
        return [
            await make_printable(session, author=user, title=f"第{no}号活动", text="内容", node_ids=[], photos=shown)
            for no in range(1, count + 1)
        ]


async def ask(client: httpx.AsyncClient, records: list[Any], **values: Any) -> dict[str, Any]:
    answer = await client.post("/ledgers/documents", json={"record_ids": [str(each.id) for each in records], **values})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def whole(client: httpx.AsyncClient, document: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    found = (await client.get(f"/ledgers/documents/{document['id']}")).json()
    assert found["state"] == "ready", found
    async with httpx.AsyncClient(trust_env=False) as web:
        return found, (await web.get(found["url"])).content


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules.parts, "__kwdefaults__", {"limit": 8})


async def test_chosen_records_become_one_pdf(
    callers: Callers, resources: Resources, admin: httpx.AsyncClient, small_parts: None
) -> None:
    records = await make_records(callers, resources, admin, 7)
    document = await ask(admin, records, title="第一季度台账")
    assert (document["state"], document["parts"], document["entries"]) == ("queued", 4, 7)
    await drain(resources)
    found, data = await whole(admin, document)
    assert (found["parts_done"], found["pages"], found["size"]) == (4, 22, len(data))
    with pypdfium2.PdfDocument(data) as pdf:
        assert len(pdf) == 22
        texts = [page.get_textpage().get_text_range() for page in pdf]
        places = {item.get_title(): item.get_dest().get_index() for item in pdf.get_toc()}
    for no in range(1, 8):
        page = places[f"第{no}号活动"]
        assert page == 1 + (no - 1) * 3
        assert f"第{no}号活动" in texts[page].replace(" ", "")
        assert f"第{no}号活动{page + 1}" in re.sub(r"[\s.]", "", texts[0]), "the contents say the page"
    for at, text in enumerate(texts, start=1):
        assert f"第 {at} 页" in text
        assert "共 22 页" in text
    again = await ask(admin, records, title="第一季度台账")
    await drain(resources)
    assert (await whole(admin, again))[1] == data, "the same records give the same bytes"
    messages = (await admin.get("/messages")).json()["items"]
    assert any("打印文档已生成" in each["title"] for each in messages)


async def test_a_worker_that_dies_goes_on_where_it_stopped(
    callers: Callers,
    resources: Resources,
    admin: httpx.AsyncClient,
    small_parts: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = await make_records(callers, resources, admin, 5)
    document = await ask(admin, records)
    set_, left = [], [2]
    printing = resources.press.print

    async def dies(*arguments: Any, **options: Any) -> Any:
        if not left[0]:
            raise StoreUnavailable
        left[0] -= 1
        set_.append(1)
        return await printing(*arguments, **options)

    monkeypatch.setattr(resources.press, "print", dies)
    with pytest.raises(StoreUnavailable):
        await drain(resources)
    found = (await admin.get(f"/ledgers/documents/{document['id']}")).json()
    assert (found["state"], found["parts_done"]) == ("rendering", 2)
    left[0] = 100
    await resources_step(callers, resources, document)
    assert len(set_) == 3 + 2, "no part is set twice; cover and contents are, to know their pages"
    assert (await whole(admin, document))[0]["pages"] == 16


async def resources_step(callers: Callers, resources: Resources, document: dict[str, Any]) -> None:
    async with callers.database.transaction() as session:
        await service.enqueue(session, service.STEP, {"document_id": document["id"]})
    await drain(resources)


async def test_a_book_has_a_cover_and_nested_bookmarks(
    callers: Callers, resources: Resources, admin: httpx.AsyncClient, small_parts: None
) -> None:
    records = await make_records(callers, resources, admin, 4)
    headings = [(("志愿服务", 1), ("学雷锋", 2)), (), (("助老", 2),), (("文明交通", 1),)]
    chosen = [Chosen(each.id, 1, 3, above) for each, above in zip(records, headings, strict=True)]
    async with callers.database.transaction() as session:
        made = await service.begin(
            session,
            caller=await principal(callers, admin),
            kind=DocumentKind.BOOK,
            title="公园街道 2026 年台账",
            chosen=chosen,
            body=dict(delivered().body),
            cover={CoverField.UNIT_NAME: "公园街道办事处", CoverField.YEAR: "2026"},
        )
    await drain(resources)
    _, data = await whole(admin, {"id": made.id})
    with pypdfium2.PdfDocument(data) as pdf:
        texts = [page.get_textpage().get_text_range() for page in pdf]
        toc = [(item.level, item.get_title(), item.get_dest().get_index()) for item in pdf.get_toc()]
    assert "公园街道办事处" in texts[0]
    assert "第 1 页" not in texts[0]
    assert "第 2 页" in texts[1]
    assert toc == [
        (0, "目录", 1),
        (0, "志愿服务", 2),
        (1, "学雷锋", 2),
        (2, "第1号活动", 2),
        (2, "第2号活动", 5),
        (1, "助老", 8),
        (2, "第3号活动", 8),
        (0, "文明交通", 11),
        (1, "第4号活动", 11),
    ]


async def principal(callers: Callers, client: httpx.AsyncClient) -> Any:
    from wenming_api.access.principal import Principal
    from wenming_api.access.scope import Scope

    user = callers.user_of(client)
    return Principal(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        unit_id=user.unit_id,
        unit_path=user.unit_path,
        region_path=user.region_path,
        permissions=frozenset(Permission),
        scope=Scope.everything("a test"),
    )


async def test_who_may(callers: Callers, resources: Resources, admin: httpx.AsyncClient, as_user: Any) -> None:
    records = await make_records(callers, resources, admin, 2)
    body = {"record_ids": [str(each.id) for each in records]}
    assert (await (await as_user([Permission.MESSAGES_READ])).post("/ledgers/documents", json=body)).status_code == 403
    stranger = await as_user([Permission.DOCUMENTS_PRINT], scope=DataScope.UNIT)
    refused = await stranger.post("/ledgers/documents", json=body)
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/record_ids/0", "/record_ids/1"]
    document = await ask(admin, records)
    url = f"/ledgers/documents/{document['id']}"
    everybody = await as_user()
    assert (await everybody.get(url)).status_code == 404, "a print belongs to who asked for it"
    assert (await everybody.post(f"{url}/cancel", json={"version": document["version"]})).status_code == 404
    assert (await everybody.get("/ledgers/documents")).json()["total"] == 0


@pytest.mark.parametrize("body", [{}, {"record_ids": []}, {"record_ids": ["x"]}, {"record_ids": None, "book_id": None}])
async def test_a_bad_request_is_refused(admin: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await admin.post("/ledgers/documents", json=body)).status_code == 422


async def test_cancelling_and_deleting(callers: Callers, resources: Resources, admin: httpx.AsyncClient) -> None:
    document = await ask(admin, await make_records(callers, resources, admin, 1))
    url = f"/ledgers/documents/{document['id']}"
    header = {"If-Match": str(document["version"])}
    assert (await admin.request("DELETE", url, headers=header)).status_code == 409
    cancelled = await admin.post(f"{url}/cancel", json={"version": document["version"]})
    assert cancelled.json()["state"] == "cancelled"
    await drain(resources)
    assert (await admin.get(url)).json()["state"] == "cancelled"
    assert (await admin.post(f"{url}/retry", json={"version": cancelled.json()["version"]})).status_code == 409
    header = {"If-Match": str(cancelled.json()["version"])}
    assert (await admin.request("DELETE", url, headers=header)).status_code == 204
    assert (await admin.get(url)).status_code == 404
    assert await service.clear(resources.database, resources.store) == 1


@given(st.lists(st.integers(1, 200), max_size=60), st.integers(1, 100))
def test_parts_keep_order_and_weight(weights: list[int], limit: int) -> None:
    entries = [Entry(str(no), 1, "题", 1, (("章", 1),), each) for no, each in enumerate(weights)]
    cut = parts(entries, limit=limit)
    assert [entry for part in cut for entry in part] == entries
    assert all(len(part) == 1 or sum(entry.weight for entry in part) <= limit for part in cut)
    assert [Entry.from_json(entry.as_json()) for entry in entries] == entries


async def test_a_book_is_printed_as_it_stands(callers: Callers, resources: Resources, as_user: Any) -> None:
    async with callers.database.transaction() as session:
        offices = await make_offices(session)
        tree = await make_book_tree(session, post=offices.city)
        for leaf, title in ((tree.leaves[2], "丙活动"), (tree.leaves[0], "甲活动"), (tree.leaves[1], "乙活动")):
            record = await make_approved_record(session, post=offices.unit, title=title, node_ids=[leaf.id])
            await make_submission(
                session,
                record=record,
                sender=offices.unit,
                receiver=offices.community,
                accepted=True,
                node_ids=[leaf.id],
            )
    client = await callers.sign_in(offices.unit.clerk)
    books = (await client.get("/ledgers/books")).json()["items"]
    answer = await client.post("/ledgers/documents", json={"book_id": books[0]["id"]})
    assert answer.status_code == 202, answer.text
    assert (answer.json()["kind"], answer.json()["entries"]) == ("book", 3)
    await drain(resources)
    _, data = await whole(client, answer.json())
    with pypdfium2.PdfDocument(data) as pdf:
        toc = [(item.level, item.get_title()) for item in pdf.get_toc()]
        cover = pdf[0].get_textpage().get_text_range().replace(" ", "")
    assert [title for level, title in toc if level == 2] == ["甲活动", "乙活动", "丙活动"]
    assert len([title for level, title in toc if level == 0]) == 3, "contents and two big categories"
    assert offices.unit.unit.name in cover
    stranger = await as_user([Permission.DOCUMENTS_PRINT], scope=DataScope.UNIT)
    refused = await stranger.post("/ledgers/documents", json={"book_id": books[0]["id"]})
    assert refused.status_code == 404
