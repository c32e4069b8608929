"""Appending to the audit log, in the transaction of the change itself (N11)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Dialect, func, insert, select, text
from sqlalchemy.dialects import postgresql

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit import context as request_context
from wenming_api.kit.db import WriteSession, copy_rows
from wenming_api.kit.ids import uuid7
from wenming_api.system.audit.models import AuditEntry, AuditLeaf, AuditSeal
from wenming_api.system.audit.queries import sealed_form, snapshot_xmax
from wenming_api.system.audit.rules import GENESIS, chain_head, changed, leaf_hash, merkle_root

SYSTEM = "系统"
MANY = 100
Target = tuple[str, UUID | None]


async def record(
    session: WriteSession,
    *,
    caller: Principal | None,
    action: str,
    target: Target,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    context: tuple[str, UUID] | None = None,
) -> None:
    """Append one entry. `caller` is None for the system's own work; `context` groups entries (an assessment's log)."""
    await record_many(
        session,
        [
            entry(
                caller=caller, action=action, target=target, before=before, after=after, reason=reason, context=context
            )
        ],
    )


def entry(
    *,
    caller: Principal | None,
    action: str,
    target: Target,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
    context: tuple[str, UUID] | None = None,
) -> dict[str, Any]:
    """The row of one entry, for `record_many`."""
    return {
        "id": uuid7(),
        "at": clock.now(),
        "actor_id": caller.user_id if caller else None,
        "actor_name": caller.display_name if caller else SYSTEM,
        "session_id": caller.session_id if caller else None,
        "request_id": _request_id(),
        "action": action,
        "target_type": target[0],
        "target_id": target[1],
        "context_type": context[0] if context else None,
        "context_id": context[1] if context else None,
        "changes": to_jsonable_python(changed(before, after)),
        "reason": reason,
    }


def _request_id() -> str | None:
    return request_context.request_id.get()


async def record_many(session: WriteSession, entries: list[dict[str, Any]]) -> None:
    """Append entries in one statement; very many by COPY."""
    if len(entries) > MANY:
        await copy_rows(session, AuditEntry, entries)
    elif entries:
        await session.execute(insert(AuditEntry), entries)


_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_COLUMNS = [column for column in AuditEntry.__table__.columns if column.name != "xid"]
APPEND: Final = """
INSERT INTO audit_entries ({names})
SELECT {names} FROM jsonb_to_recordset({{entries}}) AS entries({types})
""".format(
    names=", ".join(column.name for column in _COLUMNS),
    types=", ".join(f"{column.name} {column.type.compile(_DIALECT)}" for column in _COLUMNS),
)
"""What `record_many` does, for a change that is one SQL statement and appends its entries in the same: `.format` it
with the SQL of a JSON list of `entry` rows."""

SEALED_AT_ONCE = 5_000
_SEALER_LOCK = 0x5EA1


async def seal_committed(session: WriteSession) -> int:
    """Seal the entries of all transactions older than the oldest one running; returns how many were sealed.

    Runs with the sealer's role. Entries get dense numbers in a table of their own, so writers never wait here, and a
    sealed range cannot gain a row afterwards. Entries restored from another cluster carry transaction ids that are
    still to come in this one: they are sealed too, and the bound up to which all is sealed starts anew.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_SEALER_LOCK)))
    last = (await session.execute(select(AuditSeal).order_by(AuditSeal.no.desc()).limit(1))).scalar_one_or_none()
    oldest = text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    horizon = (await session.execute(select(oldest))).scalar_one()
    unsealed = (
        select(AuditEntry)
        .where(
            (AuditEntry.xid < horizon) | (AuditEntry.xid >= snapshot_xmax()),
            ~select(AuditLeaf.no).where(AuditLeaf.entry_id == AuditEntry.id).exists(),
        )
        .order_by(AuditEntry.xid, AuditEntry.id)
        .limit(SEALED_AT_ONCE)
    )
    if last is not None and last.sealed_from_xid <= horizon:
        unsealed = unsealed.where(AuditEntry.xid >= last.sealed_from_xid)
    rows = list((await session.execute(unsealed)).scalars())
    if not rows:
        return 0
    first = last.last_leaf + 1 if last else 1
    hashes = [leaf_hash(no, sealed_form(row)) for no, row in enumerate(rows, start=first)]
    await session.execute(
        insert(AuditLeaf),
        [
            {"no": no, "entry_id": row.id, "leaf_hash": hashed}
            for no, (row, hashed) in enumerate(zip(rows, hashes, strict=True), start=first)
        ],
    )
    root = merkle_root(hashes)
    no, end = (last.no + 1 if last else 1), first + len(rows) - 1
    session.add(
        AuditSeal(
            no=no,
            first_leaf=first,
            last_leaf=end,
            root=root,
            head=chain_head(bytes(last.head) if last else GENESIS, no=no, first=first, last=end, root=root),
            sealed_from_xid=rows[-1].xid if len(rows) == SEALED_AT_ONCE else horizon,
            at=clock.now(),
        )
    )
    return len(rows)
