"""The inbox: who gets what, once; who sees it; what reading does."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, insert, select, text

from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.messaging.inbox.models import Message
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify

READS = [Permission.MESSAGES_READ]


@pytest.fixture
async def reader(callers: Any) -> httpx.AsyncClient:
    """A client that reads his messages."""
    client: httpx.AsyncClient = await callers.client(READS)
    return client


@pytest.fixture
def tell(database: Database, callers: Any) -> Callable[..., Any]:
    """Notify the users behind these clients, in a transaction of its own."""

    async def send(
        *clients: httpx.AsyncClient, topic: Topic = Topic.SHEET, title: str = "新的测评表", **more: Any
    ) -> int:
        async with database.transaction() as session:
            people = [callers.user_of(client).id for client in clients]
            return await notify(session, people, topic=topic, title=title, **more)

    return send


async def inbox(client: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/messages", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def unread(client: httpx.AsyncClient) -> int:
    return int((await client.get("/messages/unread-count")).json()["unread"])


async def test_each_recipient_gets_his_own_copy(reader: httpx.AsyncClient, callers: Any, tell: Any) -> None:
    other = await callers.client(READS)
    target = ("sheet", uuid7())
    assert await tell(reader, other, reader, body="水晶街社区", target=target) == 2
    (mine,) = await inbox(reader)
    (theirs,) = await inbox(other)
    assert mine["id"] != theirs["id"]
    assert (mine["title"], mine["body"], mine["topic"]) == ("新的测评表", "水晶街社区", "sheet")
    assert (mine["target_type"], mine["target_id"]) == ("sheet", str(target[1]))
    await reader.post(f"/messages/{mine['id']}/read")
    assert (await unread(reader), await unread(other)) == (0, 1)


async def test_nobody_sees_another_inbox(reader: httpx.AsyncClient, callers: Any, tell: Any, client: Any) -> None:
    await tell(reader)
    (message,) = await inbox(reader)
    admin = await callers.client()
    assert await inbox(admin) == []
    assert await unread(admin) == 0
    path = f"/messages/{message['id']}"
    for answer in (
        await admin.get(path),
        await admin.post(f"{path}/read"),
        await admin.post(f"{path}/archive"),
        await admin.post(f"{path}/restore"),
        await admin.delete(path),
    ):
        assert answer.status_code == 404
    marked = await admin.post("/messages/read-all", json={"until": "2100-01-01T00:00:00+08:00"})
    assert marked.json() == {"marked": 0}
    assert await unread(reader) == 1
    nobody = await callers.client([Permission.SITES_READ])
    for own in ("/messages", "/messages/unread-count", path):
        assert (await nobody.get(own)).status_code == 403
        assert (await client.get(own)).status_code == 401


async def test_a_key_is_delivered_once_however_often_it_is_sent(
    reader: httpx.AsyncClient, callers: Any, tell: Any
) -> None:
    other = await callers.client(READS)
    sent = await asyncio.gather(
        *(tell(*pair, dedupe_key="sheet:1") for pair in [(reader, other), (other, reader)] * 10)
    )
    assert sum(sent) == 2
    assert len(await inbox(reader)) == len(await inbox(other)) == 1
    assert await tell(reader, dedupe_key="sheet:2") == 1
    assert await tell(reader) == 1
    assert await tell(reader) == 1


async def test_a_rolled_back_change_tells_nobody(reader: httpx.AsyncClient, callers: Any, database: Database) -> None:
    async with database.write() as session:
        assert await notify(session, [callers.user_of(reader).id], topic=Topic.SYSTEM, title="x") == 1
        await session.rollback()
    assert await inbox(reader) == []
    async with database.transaction() as session:
        assert await notify(session, [], topic=Topic.SYSTEM, title="x") == 0


async def test_reading_counts_once_and_keeps_the_first_time(reader: httpx.AsyncClient, tell: Any) -> None:
    await tell(reader)
    (message,) = await inbox(reader)
    assert (await reader.get(f"/messages/{message['id']}")).json()["read_at"] is None
    first = (await reader.post(f"/messages/{message['id']}/read")).json()["read_at"]
    again = await asyncio.gather(*(reader.post(f"/messages/{message['id']}/read") for _ in range(5)))
    assert {answer.json()["read_at"] for answer in again} == {first}
    assert await inbox(reader, unread=True) == []
    assert len(await inbox(reader, unread=False)) == 1


async def test_reading_all_spares_what_came_later(reader: httpx.AsyncClient, tell: Any) -> None:
    await tell(reader)
    await tell(reader, topic=Topic.RESULT)
    newest = (await inbox(reader))[0]
    await tell(reader, topic=Topic.DRAW)
    only = await reader.post("/messages/read-all", json={"until": newest["created_at"], "topic": "result"})
    assert only.json() == {"marked": 1}
    rest = await reader.post("/messages/read-all", json={"until": newest["created_at"]})
    assert rest.json() == {"marked": 1}
    left = (await reader.get("/messages/unread-count")).json()
    assert left == {"unread": 1, "by_topic": {"draw": 1}}


async def test_archiving_restoring_and_deleting(reader: httpx.AsyncClient, tell: Any) -> None:
    await tell(reader)
    (message,) = await inbox(reader)
    path = f"/messages/{message['id']}"
    put_away = (await reader.post(f"{path}/archive")).json()
    assert put_away["archived_at"]
    assert put_away["read_at"]
    assert await inbox(reader) == []
    assert len(await inbox(reader, archived=True)) == 1
    assert await unread(reader) == 0
    assert (await reader.post(f"{path}/restore")).json()["archived_at"] is None
    assert len(await inbox(reader)) == 1
    assert (await reader.delete(path)).status_code == 204
    assert (await reader.delete(path)).status_code == 404
    assert await inbox(reader) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"until": "yesterday"}, {"until": "2026-01-01T00:00:00"}, {"until": "2026-01-01T00:00:00Z", "topic": "x"}],
    ids=json.dumps,
)
async def test_a_wrong_range_is_refused(body: dict[str, Any], reader: httpx.AsyncClient) -> None:
    answer = await reader.post("/messages/read-all", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_long_texts_are_cut(reader: httpx.AsyncClient, tell: Any) -> None:
    await tell(reader, title="长" * 500, body="文" * 5000)
    (message,) = await inbox(reader)
    assert (len(message["title"]), len(message["body"])) == (100, 2000)


async def test_lists_filter_sort_and_page_cheaply(
    reader: httpx.AsyncClient, tell: Any, statements: Callable[[], Any]
) -> None:
    for number in range(25):
        await tell(reader, title=f"消息 {number}", topic=Topic.TASK if number % 2 else Topic.SHEET)
    with statements() as sent:
        newest = await inbox(reader, size=20)
    assert sent.count <= 3
    assert [message["title"] for message in newest] == [f"消息 {number}" for number in range(24, 4, -1)]
    assert [message["title"] for message in await inbox(reader, sort="created_at", size=2, page=2)] == [
        "消息 2",
        "消息 3",
    ]
    assert len(await inbox(reader, topic="task", size=100)) == 12
    with statements() as sent:
        assert await unread(reader) == 25
    assert sent.count <= 1


async def test_one_notification_to_many_is_a_few_statements(
    callers: Any, database: Database, statements: Callable[[], Any]
) -> None:
    some = [callers.user_of(await callers.client(READS)).id for _ in range(20)]
    with statements() as sent:
        async with database.transaction() as session:
            assert await notify(session, some, topic=Topic.SYSTEM, title="通知") == 20
    assert sent.count == 1


async def test_counting_reads_the_unread_alone(reader: httpx.AsyncClient, callers: Any, database: Database) -> None:
    """Ten thousand read messages do not make the count slower: the plan visits the index of unread ones."""
    person: UUID = callers.user_of(reader).id
    now = clock.now()
    row = {"owner_id": person, "topic": Topic.SYSTEM, "title": "旧", "body": "", "created_at": now, "read_at": now}
    async with database.transaction() as session:
        await session.execute(insert(Message), [row | {"id": uuid7()} for _ in range(10_000)])
        await notify(session, [person], topic=Topic.SYSTEM, title="新")
    async with database.transaction() as session:
        counted = select(func.count()).where(
            Message.owner_id == person, Message.read_at.is_(None), Message.archived_at.is_(None)
        )
        compiled = counted.compile(compile_kwargs={"literal_binds": True})
        plan = "\n".join((await session.execute(text(f"EXPLAIN {compiled}"))).scalars())
    assert "ix_messages_unread" in plan, plan
    assert await unread(reader) == 1
