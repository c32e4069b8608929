"""Reads of the audit log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text

from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.system.audit.models import AuditEntry, AuditLeaf, AuditSeal
from wenming_api.system.audit.rules import GENESIS, chain_head, leaf_hash, merkle_root
from wenming_api.system.audit.schemas import AuditEntryOut, AuditSort

_COLUMNS = [getattr(AuditEntry, name) for name in AuditEntryOut.model_fields]


async def list_entries(
    session: AnySession,
    *,
    params: PageParams,
    sort: AuditSort = AuditSort.NEWEST,
    actor_id: UUID | None = None,
    action: str | None = None,
    target_type: str | None = None,
    target_id: UUID | None = None,
    context_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[AuditEntryOut]:
    """Entries that match every filter given. Times are inclusive of `since`, exclusive of `until`."""
    statement = select(*_COLUMNS)
    for column, value in (
        (AuditEntry.actor_id, actor_id),
        (AuditEntry.action, action),
        (AuditEntry.target_type, target_type),
        (AuditEntry.target_id, target_id),
        (AuditEntry.context_id, context_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if since is not None:
        statement = statement.where(AuditEntry.at >= since)
    if until is not None:
        statement = statement.where(AuditEntry.at < until)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"at": AuditEntry.at},
        key=AuditEntry.id,
        into=AuditEntryOut,
    )


SEALED_FIELDS = [column.key for column in AuditEntry.__table__.columns]


def sealed_form(row: Any) -> dict[str, Any]:
    """An entry as it is hashed: every column, times in UTC."""
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value := getattr(row, name), datetime) else value
        for name in SEALED_FIELDS
    }


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying the sealed log found: how much was checked, and the first fault."""

    entries: int
    seals: int
    head: bytes
    unsealed: int
    fault: str | None


async def verify(session: AnySession, *, anchor: bytes | None = None, anchor_seal: int = 0) -> Verification:
    """Recompute every leaf, root and link of the sealed log and name the first that differs (N11).

    `anchor` is a head kept outside the database with the number of its seal: a cut-off tail shows against it.
    `session` sees one snapshot (`Database.snapshot`), so that sealing may go on meanwhile.
    """
    previous, entries, seals, next_leaf = GENESIS, 0, 0, 1
    heads: dict[int, bytes] = {}
    sealed_from = 0

    def found(fault: str | None, unsealed: int = 0) -> Verification:
        return Verification(entries, seals, previous, unsealed, fault)

    async for seal in await session.stream_scalars(select(AuditSeal).order_by(AuditSeal.no)):
        seals += 1
        if seal.no != seals or seal.first_leaf != next_leaf:
            return found(f"seal {seals}: missing or out of order (found seal {seal.no})")
        hashes: list[bytes] = []
        async for no, kept, row in _leaves(session, seal.first_leaf, seal.last_leaf):
            if no != next_leaf:
                return found(f"leaf {next_leaf}: missing")
            if row.id is None:
                return found(f"leaf {no}: its entry was deleted")
            if leaf_hash(no, sealed_form(row)) != kept:
                return found(f"leaf {no}: entry {row.id} was changed")
            hashes.append(kept)
            next_leaf += 1
        if next_leaf != seal.last_leaf + 1:
            return found(f"leaf {next_leaf}: missing")
        if merkle_root(hashes) != seal.root:
            return found(f"seal {seal.no}: leaves {seal.first_leaf}-{seal.last_leaf} do not give its root")
        previous = chain_head(previous, no=seal.no, first=seal.first_leaf, last=seal.last_leaf, root=bytes(seal.root))
        if previous != seal.head:
            return found(f"seal {seal.no}: not chained to the seal before")
        heads[seal.no], sealed_from = previous, seal.sealed_from_xid
        entries += len(hashes)
    beyond = (await session.execute(select(func.count()).where(AuditLeaf.no >= next_leaf))).scalar_one()
    if beyond:
        return found(f"leaf {next_leaf}: outside every seal")
    if anchor is not None and heads.get(anchor_seal, GENESIS if anchor_seal == 0 else b"") != anchor:
        return found(f"seal {anchor_seal}: differs from the anchored head; the log was cut off or rewritten")
    unsealed = ~select(AuditLeaf.no).where(AuditLeaf.entry_id == AuditEntry.id).exists()
    behind = await session.execute(
        select(AuditEntry.id)
        .where(unsealed, AuditEntry.xid < sealed_from, sealed_from < snapshot_xmax())
        .order_by(AuditEntry.xid, AuditEntry.id)
        .limit(1)
    )
    forged = behind.scalar_one_or_none()
    if forged is not None:
        return found(f"entry {forged}: inserted behind the seals")
    late = await session.execute(select(func.count()).select_from(AuditEntry).where(unsealed))
    return found(None, late.scalar_one())


def snapshot_xmax() -> ColumnElement[int]:
    """The first transaction id that this statement's snapshot knows nothing of."""
    return select(text("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")).scalar_subquery()


async def _leaves(session: AnySession, first: int, last: int) -> AsyncIterator[tuple[int, bytes, Any]]:
    rows = await session.stream(
        select(AuditLeaf.no, AuditLeaf.leaf_hash, *AuditEntry.__table__.columns)
        .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.entry_id)
        .where(AuditLeaf.no.between(first, last))
        .order_by(AuditLeaf.no)
    )
    async for row in rows:
        yield row.no, row.leaf_hash, row
