"""活动模板 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.templates import queries, service
from wenming_api.activities.templates.schemas import (
    ActivityTemplateCreate,
    ActivityTemplateDetail,
    ActivityTemplateRevise,
    ActivityTemplateRow,
    ActivityTemplateSort,
    ActivityType,
)
from wenming_api.activities.templates.service import TemplateCodeTaken
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Unauthenticated, VersionMoved, problems

router = Router(prefix="/activity-templates", tags=["创建活动管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.ACTIVITIES_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.ACTIVITY_TEMPLATES_MANAGE))]


@router.get("", summary="查询活动模板")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: ActivityTemplateSort = ActivityTemplateSort.NAME,
    activity_type: Annotated[ActivityType | None, Query(description="活动类别")] = None,
    active: bool | None = None,
    q: Annotated[Search | None, Query(description="名称")] = None,
) -> Page[ActivityTemplateRow]:
    """本单位与上级单位维护的、以及全系统通用的模板。"""
    return await queries.list_templates(
        session, caller=caller, params=paging, sort=sort, activity_type=activity_type, active=active, q=q
    )


@router.post("", summary="新增活动模板", status_code=201, responses=problems(TemplateCodeTaken))
async def create(
    caller: MayManage, body: ActivityTemplateCreate, session: Writes, response: Response
) -> ActivityTemplateDetail:
    """由本单位维护，供本单位及下级单位使用；立即启用。"""
    made = await service.create_template(session, caller=caller, new=body)
    etag(response, made.version)
    return await queries.read_template(session, caller=caller, template_id=made.id)


@router.get("/{template_id}", summary="查看活动模板", responses=problems(NotFound))
async def read(caller: MayRead, template_id: UUID, session: Reads, response: Response) -> ActivityTemplateDetail:
    """使用中的版本：自有字段、所需材料、默认小类与可用操作。"""
    detail = await queries.read_template(session, caller=caller, template_id=template_id)
    etag(response, detail.version)
    return detail


@router.post("/{template_id}/revise", summary="启用活动模板新版本", responses=problems(NotFound, VersionMoved))
async def revise(
    caller: MayManage, template_id: UUID, body: ActivityTemplateRevise, session: Writes, response: Response
) -> ActivityTemplateDetail:
    """新版本立即启用，原版本停用；已建的活动仍按原版本。"""
    found = await service.revise_template(session, caller=caller, template_id=template_id, revision=body)
    etag(response, found.version)
    return await queries.read_template(session, caller=caller, template_id=template_id)


@router.post(
    "/{template_id}/retire", summary="停用活动模板", responses=problems(NotFound, VersionMoved, IllegalTransition)
)
async def retire(
    caller: MayManage, template_id: UUID, body: Transition, session: Writes, response: Response
) -> ActivityTemplateDetail:
    """停用后不能再用于新的活动。"""
    found = await service.retire_template(session, caller=caller, template_id=template_id, judged=body)
    etag(response, found.version)
    return await queries.read_template(session, caller=caller, template_id=template_id)
