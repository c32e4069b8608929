"""Draws for tests, taken step by step over HTTP; and the stand-alone script, imported."""

import importlib.util
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.kit.db import Database

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_draw.py"
REASON = "按市文明办通知"


class Drawing:
    """A draw under way: takes steps as somebody, with the version it has."""

    def __init__(self, where: str, made: dict[str, Any]) -> None:
        self.assessment, self.url, self.now = where, f"{where}/draws/{made['id']}", made

    @classmethod
    async def commit(cls, client: httpx.AsyncClient, where: str, **body: Any) -> "Drawing":
        """Promise a draw of the assessment at `where`."""
        answer = await client.post(f"{where}/draws", json=body)
        assert answer.status_code == 201, answer.text
        return cls(where, answer.json())

    async def try_(self, client: httpx.AsyncClient, step: str, **body: Any) -> httpx.Response:
        """Take a step, whatever comes of it."""
        reason = {} if step in {"freeze", "draw"} else {"reason": REASON}
        return await client.post(f"{self.url}/{step}", json={"version": self.now["version"], **reason, **body})

    async def step(self, client: httpx.AsyncClient, step: str, **body: Any) -> dict[str, Any]:
        """Take a step that succeeds."""
        answer = await self.try_(client, step, **body)
        assert answer.status_code == 200, answer.text
        self.now = answer.json()
        return self.now

    async def drawn(self, client: httpx.AsyncClient) -> dict[str, Any]:
        """Freeze and draw."""
        await self.step(client, "freeze")
        return await self.step(client, "draw")

    async def effective(self, client: httpx.AsyncClient, other: httpx.AsyncClient) -> dict[str, Any]:
        """Freeze, draw, and make effective by two people."""
        await self.drawn(client)
        await self.step(client, "propose-effective")
        return await self.step(other, "confirm-effective")

    async def void(self, client: httpx.AsyncClient, other: httpx.AsyncClient) -> dict[str, Any]:
        """Void by two people."""
        await self.step(client, "propose-void")
        return await self.step(other, "confirm-void")

    def record(self, client: httpx.AsyncClient) -> Awaitable[httpx.Response]:
        """The public record."""
        return client.get(f"{self.assessment}/draw-records/{self.now['id']}")


async def set_state(database: Database, where: str, state: str) -> None:
    """Put the assessment at `where` into a state, past its rules."""
    async with database.transaction() as session:
        await session.execute(
            update(Assessment).where(Assessment.id == where.rsplit("/", 1)[1]).values(state=AssessmentState(state))
        )


def differences(record: dict[str, Any]) -> list[str]:
    """What the stand-alone script finds wrong with a public record."""
    spec = importlib.util.spec_from_file_location("verify_draw", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [what for what, published, computed in module.repeat(record) if published != computed]
