"""Retry safety: the answer to a POST is kept, in its own transaction, under the caller's `Idempotency-Key`.

The same key with the same body answers the same; with another body it is a conflict; a concurrent repetition waits
for the first to end, since both insert the same primary key.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.db import Base, WriteSession
from wenming_api.kit.problems import Problem

KEPT_FOR = timedelta(hours=48)


class IdempotencyKey(Base):
    """A key that a principal has used on a route, and the answer it got."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(default=clock.now, index=True)


class KeyReused(Problem):
    """The key was used before with another body."""

    status = 409
    code = "idempotency_key_reused"
    title = "幂等键已用于另一请求"


class Replay(Exception):
    """The request was answered before: send the kept answer again."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__("replay")
        self.status, self.headers, self.body = status, headers, body


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that this request holds until its transaction ends."""

    principal: str
    route: str
    key: str

    async def keep(self, session: WriteSession, status: int, headers: dict[str, str], body: bytes) -> None:
        """Store the answer in the business transaction."""
        await session.execute(
            update(IdempotencyKey)
            .where(
                IdempotencyKey.principal == self.principal,
                IdempotencyKey.route == self.route,
                IdempotencyKey.key == self.key,
            )
            .values(status=status, headers=headers, body=body)
        )


def fingerprint(*parts: bytes) -> bytes:
    """What makes two requests the same request."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


async def claim(session: WriteSession, *, principal: str, route: str, key: str, print_: bytes) -> Claim:
    """Take the key, or raise `Replay` with the kept answer, or `KeyReused`. Waits while another request holds it."""
    taken = await session.execute(
        insert(IdempotencyKey)
        .values(principal=principal, route=route, key=key, fingerprint=print_, at=clock.now())
        .on_conflict_do_nothing()
    )
    if taken.rowcount == 1:  # type: ignore[attr-defined]
        return Claim(principal, route, key)
    kept = (
        await session.execute(
            select(
                IdempotencyKey.fingerprint, IdempotencyKey.status, IdempotencyKey.headers, IdempotencyKey.body
            ).where(IdempotencyKey.principal == principal, IdempotencyKey.route == route, IdempotencyKey.key == key)
        )
    ).one()
    if kept.fingerprint != print_:
        raise KeyReused("同一 Idempotency-Key 曾用于内容不同的请求；请为新请求换一个键。")
    if kept.status is None:  # refused with a problem that keeps its changes: there is no answer to repeat
        return Claim(principal, route, key)
    raise Replay(kept.status, kept.headers or {}, kept.body or b"")


async def forget_old(session: WriteSession) -> None:
    """Drop keys that are older than `KEPT_FOR`."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.at < clock.now() - KEPT_FOR))
