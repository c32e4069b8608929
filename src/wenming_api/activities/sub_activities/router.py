"""子活动 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.events.queries import read_activity
from wenming_api.activities.events.schemas import ActivityDetail
from wenming_api.activities.sub_activities import service
from wenming_api.activities.sub_activities.schemas import SubActivityAttach
from wenming_api.activities.sub_activities.service import LinkUnchanged, WouldCircle
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Writes, etag
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, VersionMoved, problems

router = Router(prefix="/activities", tags=["创建活动管理"], raises=(Unauthenticated, Forbidden))

MayWrite = Annotated[Principal, Depends(may(Permission.ACTIVITIES_WRITE))]
LINK = problems(NotFound, VersionMoved, WouldCircle, LinkUnchanged)


@router.post("/{activity_id}/attach", summary="列为子活动", responses=LINK)
async def attach(
    caller: MayWrite, activity_id: UUID, body: SubActivityAttach, session: Writes, response: Response
) -> ActivityDetail:
    """把本单位的、或本单位已审核通过的下级活动，列为本单位重点工作活动的子活动；一项活动可有多个上级。"""
    await service.change_link(session, caller=caller, activity_id=activity_id, change=body, attach=True)
    detail = await read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail


@router.post("/{activity_id}/detach", summary="解除子活动", responses=LINK)
async def detach(
    caller: MayWrite, activity_id: UUID, body: SubActivityAttach, session: Writes, response: Response
) -> ActivityDetail:
    """解除后该活动自身不受影响。"""
    await service.change_link(session, caller=caller, activity_id=activity_id, change=body, attach=False)
    detail = await read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail
