"""Autosaving: what a user is typing is kept for him alone, without a version and without judgement.

It is not audited: nobody else sees it, and the next save replaces it.
"""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.ledgers.drafts.models import RecordAutosave
from wenming_api.ledgers.drafts.schemas import DraftContent


async def keep_draft(session: WriteSession, *, caller: Principal, record_id: UUID, draft: DraftContent) -> None:
    """Keep what the caller is typing in a record that he may edit, which the caller of this function has checked."""
    values = {"content": draft.content, "base_version": draft.base_version, "saved_at": clock.now()}
    await session.execute(
        insert(RecordAutosave)
        .values(record_id=record_id, user_id=caller.user_id, **values)
        .on_conflict_do_update(index_elements=["record_id", "user_id"], set_=values)
    )


async def drop_draft(session: WriteSession, *, caller: Principal, record_id: UUID) -> None:
    """Forget what the caller was typing."""
    await session.execute(
        delete(RecordAutosave).where(RecordAutosave.record_id == record_id, RecordAutosave.user_id == caller.user_id)
    )
