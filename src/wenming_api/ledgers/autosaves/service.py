"""Keeping and reading what a user is typing in a record (L1.1)."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.problems import Forbidden, NotFound
from wenming_api.ledgers.drafts import service as drafts
from wenming_api.ledgers.drafts.models import RecordAutosave
from wenming_api.ledgers.drafts.schemas import DraftContent, RecordDraft
from wenming_api.ledgers.records.models import Record
from wenming_api.ledgers.records.queries import RecordNotFound, visible


class NoDraft(NotFound):
    """The caller has nothing autosaved in this record."""

    code = "no_draft"
    title = "没有暂存的内容"


async def keep(session: WriteSession, *, caller: Principal, record_id: UUID, draft: DraftContent) -> RecordDraft:
    """Keep what the caller is typing in a record of his unit, whatever its state: nothing of the record changes.

    Raises:
        RecordNotFound, Forbidden: not in scope, not his unit's.
    """
    await _require(session, caller, record_id)
    await drafts.keep_draft(session, caller=caller, record_id=record_id, draft=draft)
    return await read(session, caller=caller, record_id=record_id)


async def drop(session: WriteSession, *, caller: Principal, record_id: UUID) -> None:
    """Forget what the caller was typing; nothing happens when there is nothing. Raises `RecordNotFound`."""
    await _require(session, caller, record_id)
    await drafts.drop_draft(session, caller=caller, record_id=record_id)


async def read(session: AnySession, *, caller: Principal, record_id: UUID) -> RecordDraft:
    """What the caller was typing, in one statement; `NoDraft`."""
    found = await session.execute(
        select(
            RecordAutosave.record_id,
            RecordAutosave.content,
            RecordAutosave.base_version,
            RecordAutosave.saved_at,
            Record.version.label("current_version"),
        )
        .join(Record, Record.id == RecordAutosave.record_id)
        .where(Record.id == record_id, RecordAutosave.user_id == caller.user_id, visible(caller.scope))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NoDraft("这条记录没有您暂存的内容。")
    return RecordDraft.model_validate(dict(row))


async def _require(session: AnySession, caller: Principal, record_id: UUID) -> None:
    unit_id = await session.scalar(select(Record.unit_id).where(Record.id == record_id, visible(caller.scope)))
    if unit_id is None:
        raise RecordNotFound
    if unit_id != caller.unit_id:
        raise Forbidden("记录属于其他单位，只有填报单位可以修改。")
