"""Reads of the audit log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.system.audit.models import AuditEntry
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
