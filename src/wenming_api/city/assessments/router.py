"""测评 over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments import queries, service
from wenming_api.city.assessments.rules import AssessmentAction, AssessmentState
from wenming_api.city.assessments.schemas import (
    AssessmentClone,
    AssessmentCreate,
    AssessmentOut,
    AssessmentPatch,
    AssessmentRow,
    AssessmentSort,
    PublishCheck,
)
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.system.audit.schemas import AuditEntryOut, AuditSort

router = Router(prefix="/assessments", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.ASSESSMENTS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.ASSESSMENTS_MANAGE))]
MayRun = Annotated[Principal, Depends(may(Permission.ASSESSMENTS_RUN))]
_MOVED = problems(NotFound, IllegalTransition, VersionMoved)


@router.get("", summary="查询测评")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: AssessmentSort = AssessmentSort.NEWEST,
    q: Annotated[Search | None, Query(description="编号或名称")] = None,
    state: Annotated[list[AssessmentState], Query(description="状态，可多选")] = [],  # noqa: B006 - FastAPI copies it
    region_id: Annotated[UUID | None, Query(description="测评的城市或区县")] = None,
) -> Page[AssessmentRow]:
    """本人数据范围内的测评，已发布的、涉及本区域或由本人担任测评人员的测评，以及本单位所在地区已发布成绩的测评。"""
    return await queries.list_assessments(
        session, caller=caller, params=paging, sort=sort, search=q, states=state, region_id=region_id
    )


@router.post("", summary="新建测评", status_code=201, responses=problems(Conflict))
async def create(caller: MayManage, body: AssessmentCreate, session: Writes, response: Response) -> AssessmentOut:
    """新建草稿。方案可以先不完整，但引用和权重有误时不保存。"""
    row = await service.create_assessment(session, caller=caller, new=body)
    return await _answer(session, caller, row.id, response)


@router.get("/{assessment_id}", summary="查看测评", responses=problems(NotFound))
async def read(caller: MayRead, assessment_id: UUID, session: Reads, response: Response) -> AssessmentOut:
    """方案全文、当前状态与可用操作。"""
    detail = await queries.read_assessment(session, caller=caller, assessment_id=assessment_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{assessment_id}",
    summary="修改测评",
    responses=problems(NotFound, service.SchemeFrozen, Conflict, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManage,
    assessment_id: UUID,
    body: AssessmentPatch,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> AssessmentOut:
    """给出的字段整体替换。发布后只能调整配额（尚无抽选时）、人员、结束日期与说明。"""
    await service.update_assessment(session, caller=caller, assessment_id=assessment_id, version=version, changes=body)
    return await _answer(session, caller, assessment_id, response)


@router.delete(
    "/{assessment_id}",
    summary="删除测评草稿",
    status_code=204,
    responses=problems(NotFound, IllegalTransition, StaleVersion, VersionRequired),
)
async def delete(caller: MayManage, assessment_id: UUID, version: IfMatch, session: Writes) -> None:
    """仅草稿可以删除。"""
    await service.delete_assessment(session, caller=caller, assessment_id=assessment_id, version=version)


@router.post("/{assessment_id}/clone", summary="复制测评", status_code=201, responses=problems(NotFound, Conflict))
async def clone(
    caller: MayManage, assessment_id: UUID, body: AssessmentClone, session: Writes, response: Response
) -> AssessmentOut:
    """以既有测评的方案新建草稿。"""
    row = await service.clone_assessment(session, caller=caller, assessment_id=assessment_id, new=body)
    return await _answer(session, caller, row.id, response)


@router.get("/{assessment_id}/publish-check", summary="发布检查", responses=problems(NotFound))
async def check(caller: MayRead, assessment_id: UUID, session: Reads) -> PublishCheck:
    """一次列出发布前需要补全或修正的全部内容。"""
    return await queries.check_publishing(session, caller=caller, assessment_id=assessment_id)


@router.post("/{assessment_id}/publish", summary="发布测评", responses=_MOVED | problems(service.SchemeIncomplete))
async def publish(
    caller: MayManage, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """草稿 → 已发布；方案须完整。"""
    return await _step(session, caller, assessment_id, AssessmentAction.PUBLISH, body, response)


@router.post("/{assessment_id}/sample", summary="进入抽选", responses=_MOVED)
async def sample(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """已发布 → 抽选中。"""
    return await _step(session, caller, assessment_id, AssessmentAction.SAMPLE, body, response)


@router.post("/{assessment_id}/start", summary="开始测评", responses=_MOVED)
async def start(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """抽选中 → 测评中；须有生效的抽选。数据录入随之开放。"""
    return await _step(session, caller, assessment_id, AssessmentAction.START, body, response)


@router.post("/{assessment_id}/pause", summary="暂停测评", responses=_MOVED)
async def pause(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """测评中 → 已暂停。数据录入随之冻结。"""
    return await _step(session, caller, assessment_id, AssessmentAction.PAUSE, body, response)


@router.post("/{assessment_id}/resume", summary="恢复测评", responses=_MOVED)
async def resume(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """已暂停 → 测评中。数据录入重新开放。"""
    return await _step(session, caller, assessment_id, AssessmentAction.RESUME, body, response)


@router.post("/{assessment_id}/review", summary="转入复核", responses=_MOVED)
async def review(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """测评中或已暂停 → 复核中。实地考察结束，抽选名单随之公开。"""
    return await _step(session, caller, assessment_id, AssessmentAction.REVIEW, body, response)


@router.post("/{assessment_id}/close", summary="结束测评", responses=_MOVED)
async def close(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """复核中 → 已结束。"""
    return await _step(session, caller, assessment_id, AssessmentAction.CLOSE, body, response)


@router.post("/{assessment_id}/archive", summary="归档测评", responses=_MOVED)
async def archive(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """已结束 → 已归档；须已发布成绩。归档后不可再变更。"""
    return await _step(session, caller, assessment_id, AssessmentAction.ARCHIVE, body, response)


@router.post("/{assessment_id}/stop", summary="终止测评", responses=_MOVED)
async def stop(
    caller: MayRun, assessment_id: UUID, body: Transition, session: Writes, response: Response
) -> AssessmentOut:
    """任一进行中的状态 → 已终止。终止后不可再变更。"""
    return await _step(session, caller, assessment_id, AssessmentAction.STOP, body, response)


@router.get("/{assessment_id}/log", summary="测评日志", responses=problems(NotFound))
async def log(
    caller: MayRun,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: AuditSort = AuditSort.NEWEST,
    actor_id: UUID | None = None,
    action: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z_.\-]+$")] = None,
    target_type: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z_]+$")] = None,
    target_id: UUID | None = None,
    since: Annotated[datetime | None, Query(description="起始时间（含）")] = None,
    until: Annotated[datetime | None, Query(description="截止时间（不含）")] = None,
) -> Page[AuditEntryOut]:
    """这次测评中的每一次录入、提交、退回、审核与状态变更。日志含点位，故仅组织测评的人可查。"""
    return await queries.list_log(
        session,
        caller=caller,
        assessment_id=assessment_id,
        params=paging,
        sort=sort,
        actor_id=actor_id,
        action=action,
        target_type=target_type,
        target_id=target_id,
        since=since,
        until=until,
    )


async def _step(
    session: WriteSession,
    caller: Principal,
    assessment_id: UUID,
    step: AssessmentAction,
    body: Transition,
    response: Response,
) -> AssessmentOut:
    await service.change_state(
        session, caller=caller, assessment_id=assessment_id, step=step, version=body.version, reason=body.reason
    )
    return await _answer(session, caller, assessment_id, response)


async def _answer(session: WriteSession, caller: Principal, assessment_id: UUID, response: Response) -> AssessmentOut:
    await session.flush()  # the answer carries the new version
    detail = await queries.read_assessment(session, caller=caller, assessment_id=assessment_id)
    etag(response, detail.version)
    return detail
