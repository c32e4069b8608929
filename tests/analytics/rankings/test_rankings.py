"""The public ranking lists: there after publication, kept ready, dropped by the next publication."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.factories.results import Example, make_example
from tests.waiting import eventually

from wenming_api.kit.db import Database

Client = httpx.AsyncClient


@pytest.fixture
async def example(database: Database) -> Example:
    async with database.transaction() as session:
        return await make_example(session)


async def publish(admin: Client, example: Example) -> None:
    result = (await admin.post(example.path)).json()
    wish = {"version": result["version"], "reason": "本次测评结束"}
    answer = await admin.post(f"{example.path}/{result['id']}/publish", json=wish)
    assert answer.status_code == 200, answer.text


async def test_nothing_is_public_before_publication(admin: Client, client: Client, example: Example) -> None:
    assert (await admin.post(example.path)).status_code == 201
    assert (await client.get(f"/rankings/{example.assessment.id}")).status_code == 404
    assert (await client.get("/rankings")).json()["total"] == 0


async def test_everybody_reads_what_was_published(admin: Client, client: Client, example: Example) -> None:
    await publish(admin, example)
    row = (await client.get("/rankings")).json()["items"][0]
    assert (row["assessment_id"], row["region_name"]) == (str(example.assessment.id), "淄博市")
    ranking = (await client.get(f"/rankings/{example.assessment.id}")).json()
    assert (ranking["sites"], ranking["standards"], ranking["observations"]) == (4, 3, 8)
    assert [
        (entry["rank"], entry["region_name"], entry["shown"]["total"]) for entry in ranking["lists"][0]["entries"]
    ] == [
        (1, "乙区", "78.98"),
        (2, "甲区", "74.86"),
    ]
    assert len(ranking["hash"]) == 64


async def test_an_unchanged_list_is_not_sent_again(
    admin: Client, client: Client, example: Example, statements: Callable[[], Any]
) -> None:
    await publish(admin, example)
    path = f"/rankings/{example.assessment.id}"
    first = await client.get(path)

    async def kept() -> bool:  # the news of the publication may overtake the first answers
        with statements() as sent:
            await client.get(path)
        return bool(sent.count == 0)

    await eventually(kept)
    with statements() as sent:
        second = await client.get(path)
        third = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert sent.count == 0
    assert second.content == first.content
    assert (third.status_code, third.content) == (304, b"")
    assert "public" in first.headers["cache-control"]


async def test_a_publication_is_seen_at_once(admin: Client, client: Client, example: Example) -> None:
    assert (await client.get("/rankings")).json()["total"] == 0
    await publish(admin, example)

    async def seen() -> bool:
        return bool((await client.get("/rankings")).json()["total"] == 1)

    await eventually(seen, seconds=2)


async def test_statement_counts(admin: Client, client: Client, example: Example, statements: Callable[[], Any]) -> None:
    await publish(admin, example)
    with statements() as sent:
        await client.get(f"/rankings/{example.assessment.id}")
    assert sent.count <= 2, sent.sent
    with statements() as sent:
        await client.get("/rankings", params={"q": "测评"})
    assert sent.count <= 2, sent.sent
