"""优秀与示范活动 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.events.queries import read_activity
from wenming_api.activities.events.schemas import ActivityDetail
from wenming_api.activities.marks import service
from wenming_api.activities.marks.schemas import MarkGive
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Writes, etag
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Unauthenticated, VersionMoved, problems

router = Router(prefix="/activities", tags=["创建活动管理"], raises=(Unauthenticated, Forbidden))

MayMark = Annotated[Principal, Depends(may(Permission.ACTIVITIES_MARK))]
STEP = problems(NotFound, VersionMoved, IllegalTransition)


@router.post("/{activity_id}/mark", summary="评定优秀或示范活动", responses=STEP)
async def give(
    caller: MayMark, activity_id: UUID, body: MarkGive, session: Writes, response: Response
) -> ActivityDetail:
    """只由主办单位的管理单位评定，须说明理由；计入统计。"""
    await service.change_mark(session, caller=caller, activity_id=activity_id, mark=body, give=True)
    detail = await read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail


@router.post("/{activity_id}/unmark", summary="撤销优秀或示范标记", responses=STEP)
async def revoke(
    caller: MayMark, activity_id: UUID, body: MarkGive, session: Writes, response: Response
) -> ActivityDetail:
    """撤销须说明理由，原评定留在进程中。"""
    await service.change_mark(session, caller=caller, activity_id=activity_id, mark=body, give=False)
    detail = await read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail
