"""Appending to the audit log, in the transaction of the change itself (N11)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit import context as request_context
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.audit.rules import changed

SYSTEM = "系统"
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
    """Append entries in one statement."""
    if entries:
        await session.execute(insert(AuditEntry), entries)
