"""活动内容 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.contents import queries, service
from wenming_api.activities.contents.schemas import ActivityContentOut, ContentRecord, ContentSave
from wenming_api.activities.contents.service import EvidenceMissing
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import IfMatch, Reads, Router, Writes, etag
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)

router = Router(prefix="/activities", tags=["创建活动管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.ACTIVITIES_READ))]
MayWrite = Annotated[Principal, Depends(may(Permission.ACTIVITIES_WRITE))]


@router.get("/{activity_id}/content", summary="查看活动内容", responses=problems(NotFound))
async def read(caller: MayRead, activity_id: UUID, session: Reads, response: Response) -> ActivityContentOut:
    """最新的活动内容；尚未填写时按计划预填，供填写者修改后保存。"""
    found = await queries.read_content(session, caller=caller, activity_id=activity_id)
    etag(response, found.version)
    return found


@router.put(
    "/{activity_id}/content",
    summary="填写活动内容",
    responses=problems(NotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def save(
    caller: MayWrite, activity_id: UUID, body: ContentSave, version: IfMatch, session: Writes, response: Response
) -> ActivityContentOut:
    """每次保存成为新的版本；已形成台账的，台账同时增加一个版本。"""
    await service.save_content(session, caller=caller, activity_id=activity_id, version=version, save=body)
    found = await queries.read_content(session, caller=caller, activity_id=activity_id)
    etag(response, found.version)
    return found


@router.post(
    "/{activity_id}/record",
    summary="由活动形成台账",
    responses=problems(NotFound, VersionMoved, IllegalTransition, EvidenceMissing),
)
async def make(
    caller: MayWrite, activity_id: UUID, body: ContentRecord, session: Writes, response: Response
) -> ActivityContentOut:
    """不需重新录入；材料不符合模板要求时拒绝并逐项说明。其后审核、报送与其他台账相同。"""
    await service.make_record(session, caller=caller, activity_id=activity_id, judged=body)
    found = await queries.read_content(session, caller=caller, activity_id=activity_id)
    etag(response, found.version)
    return found
