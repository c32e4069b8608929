"""Reviewing score sheets (C3.3)."""

from uuid import UUID

from sqlalchemy import and_, select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.service import lock_for_review
from wenming_api.city.notices.service import tell_returned
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.scoring.models import Sheet, SheetReview
from wenming_api.city.scoring.queries import visible
from wenming_api.city.scoring.rules import (
    SheetAction,
    SheetState,
    Situation,
    Verdict,
    legal_actions,
    why_not,
)
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import IllegalTransition, NotFound, check_judged
from wenming_api.system.audit.service import record


async def review_sheet(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    sheet_id: UUID,
    version: int,
    verdict: Verdict,
    reason: str | None,
) -> None:
    """Accept or return the current version of a sheet; of two reviewers at once, one decides.

    Raises:
        NotFound: not in the caller's scope.
        VersionMoved: somebody decided or submitted since.
        IllegalTransition: not in this state, one's own, evidence missing, site replaced.
        EntryFrozen: the assessment is not in a state of review.
    """
    held = await lock_for_review(session, assessment_id)
    found = await session.execute(
        select(Sheet, DrawSite.status, DrawSite.name)
        .join(DrawSite, and_(DrawSite.draw_id == Sheet.draw_id, DrawSite.site_id == Sheet.site_id))
        .where(Sheet.id == sheet_id, Sheet.assessment_id == assessment_id, visible(caller.scope))
        .with_for_update(of=Sheet)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    sheet: Sheet = row.Sheet
    check_judged(version, sheet.version)
    action = SheetAction.ACCEPT if verdict is Verdict.ACCEPTED else SheetAction.RETURN
    now = Situation(
        state=sheet.state,
        is_author=sheet.owner_id == caller.user_id,
        own_unit=False,
        entry_open=False,
        review_open=True,
        in_force=sheet.draw_id == held.effective_draw_id and row.status in IN_FIELD,
        evidence=sheet.evidence,
        may_review=True,
    )
    refusal = why_not(action, now)
    if refusal is not None:
        raise IllegalTransition(refusal, allowed=[str(each) for each in legal_actions(sheet.state)])
    at = clock.now()
    if sheet.current_version_id is None:
        raise AssertionError("a submitted sheet has a current version")
    session.add(
        SheetReview(
            sheet_id=sheet.id,
            version_id=sheet.current_version_id,
            verdict=verdict,
            reason=reason,
            reviewer_id=caller.user_id,
            decided_at=at,
        )
    )
    sheet.state = SheetState(verdict.value)
    sheet.reviewed_at = at
    if verdict is Verdict.ACCEPTED:
        sheet.accepted_version_id = sheet.current_version_id
    await record(
        session,
        caller=caller,
        action=f"sheets.{action}",
        target=("sheet", sheet.id),
        before={"state": SheetState.SUBMITTED},
        after={"state": sheet.state, "version_id": sheet.current_version_id},
        reason=reason,
        context=("assessment", assessment_id),
    )
    if verdict is Verdict.RETURNED and sheet.owner_id is not None:
        await tell_returned(
            session,
            assessment_id=assessment_id,
            sheet_id=sheet.id,
            author_id=sheet.owner_id,
            site_name=row.name,
            reason=reason,
        )
