"""People of five levels, signed in, and a record to send."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.submissions import FOUR_LEVELS, Offices, Post, make_approved_record, make_offices

from wenming_api.kit.db import Database
from wenming_api.ledgers.records.models import Record

URL = "/ledgers/submissions"
REASON = "照片缺少主题说明"


@dataclass
class Desk:
    """A post with its two people signed in."""

    post: Post
    clerk: httpx.AsyncClient
    reviewer: httpx.AsyncClient


@dataclass
class World:
    """All desks, from the bottom up, and a record of the lowest with one approved version."""

    offices: Offices
    desks: dict[str, Desk]
    record: Record

    def __getitem__(self, level: str) -> Desk:
        return self.desks[level]

    async def send(self, *levels: str, desk: str = "unit", **destination: Any) -> list[dict[str, Any]]:
        """Send the record to the offices of these levels."""
        wanted = [{"receiver_unit_id": str(self[level].post.unit.id)} | destination for level in levels]
        answer = await self[desk].clerk.post(
            URL, json={"record_id": str(self.record.id), "destinations": wanted or [destination]}
        )
        assert answer.status_code == 201, answer.text
        made: list[dict[str, Any]] = answer.json()["items"]
        return made


async def act(client: httpx.AsyncClient, submission: dict[str, Any], verb: str, **body: Any) -> httpx.Response:
    """Take an action on the submission as it was last seen."""
    return await client.post(f"{URL}/{submission['id']}/{verb}", json={"version": submission["version"]} | body)


async def done(client: httpx.AsyncClient, submission: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
    """Take an action that succeeds; the submission as it is then."""
    answer = await act(client, submission, verb, **body)
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def read(client: httpx.AsyncClient, submission: dict[str, Any]) -> dict[str, Any]:
    """The submission as the client sees it."""
    answer = await client.get(f"{URL}/{submission['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def allowed(detail: dict[str, Any]) -> set[str]:
    """What the caller may do."""
    return {each["action"] for each in detail["allowed_actions"] if each["allowed"]}


@pytest.fixture
async def world(database: Database, callers: Callers) -> World:
    async with database.transaction() as session:
        offices = await make_offices(session)
        record = await make_approved_record(session, post=offices.unit)
    desks = {
        level: Desk(post, await callers.sign_in(post.clerk), await callers.sign_in(post.reviewer))
        for level, post in zip(FOUR_LEVELS, offices.ladder, strict=True)
    }
    return World(offices, desks, record)
