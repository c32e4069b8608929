"""活动 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import AwareDatetime

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.events import queries, service
from wenming_api.activities.events.queries import CountBy
from wenming_api.activities.events.rules import ActivityAction, ActivityKind, ActivityState
from wenming_api.activities.events.schemas import (
    ActivityCounts,
    ActivityDetail,
    ActivityPlan,
    ActivityRow,
    ActivitySort,
    PlanDecision,
    PlanSubmission,
    Postponement,
)
from wenming_api.activities.templates.schemas import ActivityType
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
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
MayReview = Annotated[Principal, Depends(may(Permission.ACTIVITIES_REVIEW))]
Under = Annotated[
    str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径", examples=["370300000000/"])
]
STEP = problems(NotFound, VersionMoved, IllegalTransition)


async def _detail(session: WriteSession, caller: Principal, activity_id: UUID, response: Response) -> ActivityDetail:
    detail = await queries.read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail


@router.get("", summary="查询活动")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: ActivitySort = ActivitySort.LATEST,
    kind: Annotated[ActivityKind | None, Query(description="活动种类")] = None,
    state: Annotated[ActivityState | None, Query(description="状态")] = None,
    activity_type: Annotated[ActivityType | None, Query(description="活动类别")] = None,
    node_id: Annotated[UUID | None, Query(description="所属小类")] = None,
    unit_id: Annotated[UUID | None, Query(description="主办单位")] = None,
    under: Under = None,
    since: Annotated[AwareDatetime | None, Query(description="此刻之后结束的")] = None,
    until: Annotated[AwareDatetime | None, Query(description="此刻之前开始的")] = None,
    marked: Annotated[bool | None, Query(description="是否有优秀或示范标记")] = None,
    q: Annotated[Search | None, Query(description="标题")] = None,
) -> Page[ActivityRow]:
    """数据范围内的活动，以及本单位协办的活动。"""
    return await queries.list_activities(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        kind=kind,
        state=state,
        activity_type=activity_type,
        node_id=node_id,
        unit_id=unit_id,
        under=under,
        since=since,
        until=until,
        marked=marked,
        q=q,
    )


@router.get("/counts", summary="活动数量")
async def counts(
    caller: MayRead,
    session: Reads,
    by: Annotated[CountBy, Query(description="统计口径")] = CountBy.TYPE,
    under: Under = None,
    since: Annotated[AwareDatetime | None, Query(description="此刻之后结束的")] = None,
    until: Annotated[AwareDatetime | None, Query(description="此刻之前开始的")] = None,
) -> list[ActivityCounts]:
    """按类别、种类、区域、状态或月份的活动数、入台账数、优秀数。"""
    return await queries.count_activities(session, caller=caller, by=by, under=under, since=since, until=until)


@router.post("", summary="新增活动计划", status_code=201)
async def create(caller: MayWrite, body: ActivityPlan, session: Writes, response: Response) -> ActivityDetail:
    """由本单位主办；可属多个小类。临时计划须审批后才能填写内容。"""
    one = await service.create_activity(session, caller=caller, plan=body)
    return await _detail(session, caller, one.id, response)


@router.get("/{activity_id}", summary="查看活动", responses=problems(NotFound))
async def read(caller: MayRead, activity_id: UUID, session: Reads, response: Response) -> ActivityDetail:
    """计划、审批、报送情况、上下级活动、进程与可用操作。"""
    detail = await queries.read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail


@router.put(
    "/{activity_id}",
    summary="修改活动计划",
    responses=problems(NotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def update(
    caller: MayWrite, activity_id: UUID, body: ActivityPlan, version: IfMatch, session: Writes, response: Response
) -> ActivityDetail:
    """整体替换计划；审批中、已批准或已开展的不能修改。"""
    await service.update_activity(session, caller=caller, activity_id=activity_id, version=version, plan=body)
    return await _detail(session, caller, activity_id, response)


@router.post("/{activity_id}/submit", summary="提交活动计划审批", responses=STEP)
async def submit(
    caller: MayWrite, activity_id: UUID, body: PlanSubmission, session: Writes, response: Response
) -> ActivityDetail:
    """只有临时计划需要审批，按审批流程进行。"""
    await service.submit_plan(session, caller=caller, activity_id=activity_id, judged=body)
    return await _detail(session, caller, activity_id, response)


@router.post("/{activity_id}/approve", summary="批准活动计划", responses=STEP)
async def approve(
    caller: MayReview, activity_id: UUID, body: PlanDecision, session: Writes, response: Response
) -> ActivityDetail:
    """由当前环节的单位审批；不能审批自己提交的计划。"""
    await service.decide_plan(session, caller=caller, activity_id=activity_id, approve=True, judged=body)
    return await _detail(session, caller, activity_id, response)


@router.post("/{activity_id}/return", summary="退回活动计划", responses=STEP)
async def return_(
    caller: MayReview, activity_id: UUID, body: Transition, session: Writes, response: Response
) -> ActivityDetail:
    """退回修改，须说明原因。"""
    await service.decide_plan(session, caller=caller, activity_id=activity_id, approve=False, judged=body)
    return await _detail(session, caller, activity_id, response)


@router.post("/{activity_id}/recall", summary="撤回活动计划审批", responses=STEP)
async def recall(
    caller: MayWrite, activity_id: UUID, body: Transition, session: Writes, response: Response
) -> ActivityDetail:
    """审批完成前可以撤回修改。"""
    await service.end_plan(session, caller=caller, activity_id=activity_id, action=ActivityAction.RECALL, judged=body)
    return await _detail(session, caller, activity_id, response)


@router.post("/{activity_id}/cancel", summary="取消活动", responses=STEP)
async def cancel(
    caller: MayWrite, activity_id: UUID, body: Transition, session: Writes, response: Response
) -> ActivityDetail:
    """开展前可以取消，须说明原因；未完成的审批同时终止。"""
    await service.end_plan(session, caller=caller, activity_id=activity_id, action=ActivityAction.CANCEL, judged=body)
    return await _detail(session, caller, activity_id, response)


@router.post("/{activity_id}/postpone", summary="调整活动时间", responses=STEP)
async def postpone(
    caller: MayWrite, activity_id: UUID, body: Postponement, session: Writes, response: Response
) -> ActivityDetail:
    """改期须说明原因，原时间留在进程中。"""
    await service.postpone_activity(session, caller=caller, activity_id=activity_id, judged=body)
    return await _detail(session, caller, activity_id, response)
