"""Drafts of score sheets (C3.3). Submitting is `city.submissions`, reviewing `city.reviews`."""

from typing import Final
from uuid import UUID

from sqlalchemy import and_, select, text
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.service import lock_for_entry
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.scoring.models import Sheet, SheetDraft
from wenming_api.city.scoring.rules import TRANSITIONS, SheetAction, Situation, is_own_unit, legal_actions, why_not
from wenming_api.city.scoring.schemas import DraftIn, DraftSaved
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import IllegalTransition, NotFound, check_edited
from wenming_api.system.audit.service import record


async def save_draft(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    sheet_id: UUID,
    version: int,
    draft: DraftIn,
) -> DraftSaved:
    """Keep what the caller has filled in so far; nothing of it is judged.

    Raises:
        NotFound: not a sheet of the caller in this assessment.
        StaleVersion: the sheet has moved on since `version`.
        EntryFrozen, IllegalTransition: no drafts now.
    """
    held = await lock_for_entry(session, assessment_id)
    found = await session.execute(
        select(Sheet, DrawSite.status)
        .join(DrawSite, and_(DrawSite.draw_id == Sheet.draw_id, DrawSite.site_id == Sheet.site_id))
        .where(Sheet.id == sheet_id, Sheet.assessment_id == assessment_id, Sheet.owner_id == caller.user_id)
        .with_for_update(of=Sheet)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound("没有这张测评表，或它不是分配给您的。")
    sheet: Sheet = row.Sheet
    check_edited(version, sheet.version)
    now = Situation(
        state=sheet.state,
        is_author=True,
        own_unit=is_own_unit(caller.unit_path, sheet.unit_path),
        entry_open=True,
        review_open=False,
        in_force=sheet.draw_id == held.effective_draw_id and row.status in IN_FIELD,
        may_submit=True,
    )
    refusal = why_not(SheetAction.SAVE_DRAFT, now)
    if refusal is not None:
        raise IllegalTransition(refusal, allowed=[str(each) for each in legal_actions(sheet.state)])
    before = sheet.state
    at = clock.now()
    sheet.state = TRANSITIONS[before, SheetAction.SAVE_DRAFT] or before
    sheet.updated_at = at
    body = draft.model_dump(mode="json", exclude_none=True)
    await session.execute(
        insert(SheetDraft)
        .values(sheet_id=sheet.id, body=body, saved_at=at)
        .on_conflict_do_update(index_elements=["sheet_id"], set_={"body": body, "saved_at": at})
    )
    await record(
        session,
        caller=caller,
        action="sheets.save_draft",
        target=("sheet", sheet.id),
        before={"state": before},
        after={"state": sheet.state, "lines": len(draft.lines)},
        context=("assessment", assessment_id),
    )
    await session.flush()  # the answer carries the new version
    return DraftSaved(id=sheet.id, state=sheet.state, version=sheet.version, saved_at=at)


async def settle_awaiting(session: WriteSession) -> int:
    """Settle the evidence of sheets whose photos have all been decided about; returns how many.

    A photo that was quarantined, or that turns out to be somebody else's or no photo, fails the evidence: the reviewer
    returns such a sheet. The sheet's row version stays: what an assessor or reviewer saw has not changed.
    """
    settled = await session.execute(_SETTLE)
    return len(settled.all())


_SETTLE: Final = text("""
    WITH judged AS (
        SELECT s.id,
               bool_or(f.id IS NULL OR f.state IN ('pending', 'uploaded')) AS open,
               bool_or(f.state = 'quarantined' OR f.owner_id <> s.owner_id OR f.kind <> 'photo') AS failed
          FROM (SELECT id, owner_id, current_version_id FROM sheets
                 WHERE evidence = 'awaiting' ORDER BY id FOR UPDATE SKIP LOCKED) s
          JOIN score_lines l ON l.sheet_version_id = s.current_version_id
          JOIN line_photos p ON p.line_id = l.id
          LEFT JOIN files f ON f.id = p.file_id
         GROUP BY s.id
    )
    UPDATE sheets SET evidence = CASE WHEN judged.failed THEN 'failed' ELSE 'complete' END
      FROM judged
     WHERE sheets.id = judged.id AND (judged.failed OR NOT judged.open)
    RETURNING sheets.id
""")
