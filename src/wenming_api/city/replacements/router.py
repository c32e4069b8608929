"""替换 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.replacements import service
from wenming_api.city.replacements.schemas import SiteReplacement
from wenming_api.city.sampling import queries
from wenming_api.city.sampling.schemas import DrawOut
from wenming_api.city.sampling.service import NoEffectiveDraw
from wenming_api.kit.http import Router, Writes, etag
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)

router = Router(
    prefix="/assessments/{assessment_id}/draws", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden)
)

MayRun = Annotated[Principal, Depends(may(Permission.DRAWS_RUN))]


@router.post(
    "/{draw_id}/sites/{site_id}/replace",
    summary="替换点位",
    responses=problems(NotFound, IllegalTransition, VersionMoved, EntryFrozen, NoEffectiveDraw, service.ReserveEmpty),
)
async def replace(
    caller: MayRun,
    assessment_id: UUID,
    draw_id: UUID,
    site_id: UUID,
    body: SiteReplacement,
    session: Writes,
    response: Response,
) -> DrawOut:
    """现场发现点位已关闭时，由该层下一个备选点位替换；须附原因和现场照片。"""
    await service.replace_site(
        session, caller=caller, assessment_id=assessment_id, draw_id=draw_id, site_id=site_id, body=body
    )
    await session.flush()  # the answer carries the new version
    detail = await queries.read_draw(session, caller=caller, assessment_id=assessment_id, draw_id=draw_id)
    etag(response, detail.version)
    return detail
