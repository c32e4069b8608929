"""Replacing drawn sites (C3.2)."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.assessments.service import EntryFrozen, lock_for_change
from wenming_api.city.replacements.schemas import SiteReplacement
from wenming_api.city.sampling.models import Draw, DrawSite
from wenming_api.city.sampling.rules import IN_FIELD, DrawSiteStatus, DrawState
from wenming_api.city.sampling.service import NoEffectiveDraw, audit_draw, lock_draw
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_judged,
)
from wenming_api.system.files.queries import facts
from wenming_api.system.files.rules import FileKind, FileState
from wenming_api.system.files.service import hold


class ReserveEmpty(Conflict):
    """The stratum has no site left."""

    code = "reserve_empty"
    title = "没有备选点位"


async def replace_site(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    draw_id: UUID,
    site_id: UUID,
    body: SiteReplacement,
) -> Draw:
    """Put the next of the stratum's reserve in the place of a site found closed, with a reason and a photo.

    Raises:
        EntryFrozen: the assessment is not in progress.
        NoEffectiveDraw: the draw is not the effective one.
        ReserveEmpty: nothing is left in the stratum.
    """
    assessment = await lock_for_change(session, assessment_id, caller=caller)
    draw = await lock_draw(session, assessment, draw_id)
    if assessment.state is not AssessmentState.IN_PROGRESS:
        raise EntryFrozen(f"测评当前为“{assessment.state.label}”，不能替换点位。", state=assessment.state.value)
    if draw.state is not DrawState.EFFECTIVE:
        raise NoEffectiveDraw("仅生效的抽选可以替换点位。")
    check_judged(body.version, draw.version)
    site = await session.get(DrawSite, (draw_id, site_id))
    if site is None:
        raise NotFound("抽选中没有这个点位。")
    if site.status not in IN_FIELD:
        raise IllegalTransition("该点位不在测评名单之内（备选，或已被替换）。", allowed=[])
    photo = (await facts(session, [body.file_id])).get(body.file_id)
    usable = {FileState.UPLOADED, FileState.READY}
    if photo is None or photo.kind is not FileKind.PHOTO or photo.state not in usable:
        raise InvalidInput(errors=[FieldError("/file_id", "须为已上传的现场照片")])
    following = await session.scalar(
        select(DrawSite)
        .where(
            DrawSite.draw_id == draw_id,
            DrawSite.stratum == site.stratum,
            DrawSite.status == DrawSiteStatus.RESERVE,
        )
        .order_by(DrawSite.rank)
        .limit(1)
    )
    if following is None:
        raise ReserveEmpty("该层已没有备选点位。")
    await hold(session, [body.file_id])
    now = clock.now()
    site.status, site.reason, site.file_id = DrawSiteStatus.REPLACED, body.reason, body.file_id
    following.status, following.replaces_id = DrawSiteStatus.REPLACEMENT, site.site_id
    for each in (site, following):
        each.changed_by, each.changed_at = caller.user_id, now
    draw.updated_at = now  # its list belongs to its version
    await audit_draw(
        session,
        caller,
        draw,
        "replace",
        before={"site_id": site.site_id},
        after={"site_id": following.site_id},
        reason=body.reason,
    )
    return draw
