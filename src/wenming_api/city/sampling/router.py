"""抽选 over HTTP: the inside, and the public record."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may, public
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.sampling import queries, service
from wenming_api.city.sampling.rules import DrawAction, DrawSiteStatus
from wenming_api.city.sampling.schemas import (
    DrawCommit,
    DrawOut,
    DrawPerform,
    DrawRecord,
    DrawRecordRow,
    DrawSiteOut,
    DrawSiteSort,
)
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Judged, Transition
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    Unauthenticated,
    VersionMoved,
    problems,
)

router = Router(prefix="/assessments/{assessment_id}", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.DRAWS_READ))]
MayRun = Annotated[Principal, Depends(may(Permission.DRAWS_RUN))]
MayConfirm = Annotated[Principal, Depends(may(Permission.DRAWS_CONFIRM))]
MayReject = Annotated[Principal, Depends(may(Permission.DRAWS_RUN, Permission.DRAWS_CONFIRM))]
_STEP = problems(NotFound, IllegalTransition, VersionMoved, service.DrawClosed)


@router.get("/draws", summary="查询抽选", responses=problems(NotFound))
async def list_(caller: MayRead, assessment_id: UUID, session: Reads) -> list[DrawOut]:
    """本次测评的全部抽选，含已作废的，最近的在前。"""
    return await queries.list_draws(session, caller=caller, assessment_id=assessment_id)


@router.post(
    "/draws",
    summary="作出抽选承诺",
    status_code=201,
    responses=problems(NotFound, service.DrawClosed, service.DrawUnderWay),
)
async def commit(caller: MayRun, assessment_id: UUID, body: DrawCommit, session: Writes, response: Response) -> DrawOut:
    """生成密值并公布其摘要与配额；可指定届时产生的公共随机值。"""
    draw = await service.commit_draw(session, caller=caller, assessment_id=assessment_id, new=body)
    return await _answer(session, caller, assessment_id, draw.id, response)


@router.get("/draws/{draw_id}", summary="查看抽选", responses=problems(NotFound))
async def read(caller: MayRead, assessment_id: UUID, draw_id: UUID, session: Reads, response: Response) -> DrawOut:
    """承诺、抽样框摘要、状态、待确认的提请与可用操作。"""
    detail = await queries.read_draw(session, caller=caller, assessment_id=assessment_id, draw_id=draw_id)
    etag(response, detail.version)
    return detail


@router.post(
    "/draws/{draw_id}/freeze",
    summary="冻结抽样框",
    responses=_STEP | problems(IllegalTransition, VersionMoved, service.PublicValueKnown, service.QuotaAboveFrame),
)
async def freeze(
    caller: MayRun, assessment_id: UUID, draw_id: UUID, body: Judged, session: Writes, response: Response
) -> DrawOut:
    """固定所选区域与类型的启用点位，公布其摘要。须在公共随机值产生之前；点位不足的层一次列出。"""
    await service.freeze_frame(
        session, caller=caller, assessment_id=assessment_id, draw_id=draw_id, version=body.version
    )
    return await _answer(session, caller, assessment_id, draw_id, response)


@router.post(
    "/draws/{draw_id}/draw",
    summary="抽选",
    responses=_STEP | problems(IllegalTransition, VersionMoved, service.PublicValueAwaited),
)
async def draw(
    caller: MayRun, assessment_id: UUID, draw_id: UUID, body: DrawPerform, session: Writes, response: Response
) -> DrawOut:
    """由密值、公共随机值和抽样框得出种子，按种子抽选；其余点位按次序备选。"""
    await service.perform_draw(session, caller=caller, assessment_id=assessment_id, draw_id=draw_id, body=body)
    return await _answer(session, caller, assessment_id, draw_id, response)


@router.post("/draws/{draw_id}/propose-effective", summary="提请生效", responses=_STEP)
async def propose_effective(
    caller: MayRun, assessment_id: UUID, draw_id: UUID, body: Transition, session: Writes, response: Response
) -> DrawOut:
    """提请抽选生效，待另一人确认。"""
    return await _advance(session, caller, assessment_id, draw_id, DrawAction.PROPOSE_EFFECTIVE, body, response)


@router.post("/draws/{draw_id}/confirm-effective", summary="确认生效", responses=_STEP)
async def confirm_effective(
    caller: MayConfirm, assessment_id: UUID, draw_id: UUID, body: Transition, session: Writes, response: Response
) -> DrawOut:
    """由提请人以外的人确认，抽选生效。"""
    return await _advance(session, caller, assessment_id, draw_id, DrawAction.CONFIRM_EFFECTIVE, body, response)


@router.post("/draws/{draw_id}/propose-void", summary="提请作废", responses=_STEP)
async def propose_void(
    caller: MayRun, assessment_id: UUID, draw_id: UUID, body: Transition, session: Writes, response: Response
) -> DrawOut:
    """提请作废抽选，待另一人确认；作废后密值与名单立即公开，永远可查。"""
    return await _advance(session, caller, assessment_id, draw_id, DrawAction.PROPOSE_VOID, body, response)


@router.post("/draws/{draw_id}/confirm-void", summary="确认作废", responses=_STEP)
async def confirm_void(
    caller: MayConfirm, assessment_id: UUID, draw_id: UUID, body: Transition, session: Writes, response: Response
) -> DrawOut:
    """由提请人以外的人确认，抽选作废；重新抽选须另作承诺。"""
    return await _advance(session, caller, assessment_id, draw_id, DrawAction.CONFIRM_VOID, body, response)


@router.post("/draws/{draw_id}/reject", summary="退回提请", responses=_STEP)
async def reject(
    caller: MayReject, assessment_id: UUID, draw_id: UUID, body: Transition, session: Writes, response: Response
) -> DrawOut:
    """退回或撤回待确认的提请，抽选回到提请前的状态。"""
    return await _advance(session, caller, assessment_id, draw_id, DrawAction.REJECT, body, response)


@router.get(
    "/draws/{draw_id}/sites", summary="查询抽选点位", responses=problems(NotFound, Forbidden, queries.ListSecret)
)
async def sites(
    caller: MayRead,
    assessment_id: UUID,
    draw_id: UUID,
    session: Reads,
    paging: Paging,
    sort: DrawSiteSort = DrawSiteSort.STRATUM,
    status: Annotated[list[DrawSiteStatus], Query(description="状态，可多选")] = [],  # noqa: B006 - FastAPI copies it
    stratum: Annotated[str | None, Query(max_length=150, description="层：区域代码|点位类型代码")] = None,
) -> Page[DrawSiteOut]:
    """抽中与备选的点位。实地考察结束前仅组织抽选的人可查。"""
    return await queries.list_sites(
        session,
        caller=caller,
        assessment_id=assessment_id,
        draw_id=draw_id,
        params=paging,
        sort=sort,
        statuses=status,
        stratum=stratum,
    )


@router.get("/draw-records", summary="公开的抽选目录")
@public
async def records(assessment_id: UUID, session: Reads) -> list[DrawRecordRow]:
    """无需登录。已作出承诺的全部抽选，含已作废的及其原因。"""
    return await queries.list_records(session, assessment_id=assessment_id)


@router.get("/draw-records/{draw_id}", summary="公开的抽选记录", responses=problems(NotFound))
@public
async def record(assessment_id: UUID, draw_id: UUID, session: Reads, response: Response) -> DrawRecord:
    """无需登录。实地考察结束或作废后含密值、公共随机值、抽样框与名单，任何人可据此重复抽选。"""
    found, version = await queries.read_record(session, assessment_id=assessment_id, draw_id=draw_id)
    etag(response, version)
    return found


async def _advance(
    session: WriteSession,
    caller: Principal,
    assessment_id: UUID,
    draw_id: UUID,
    step: DrawAction,
    body: Transition,
    response: Response,
) -> DrawOut:
    await service.advance_draw(
        session,
        caller=caller,
        assessment_id=assessment_id,
        draw_id=draw_id,
        step=step,
        version=body.version,
        reason=body.reason,
    )
    return await _answer(session, caller, assessment_id, draw_id, response)


async def _answer(
    session: WriteSession, caller: Principal, assessment_id: UUID, draw_id: UUID, response: Response
) -> DrawOut:
    await session.flush()  # the answer carries the new version
    detail = await queries.read_draw(session, caller=caller, assessment_id=assessment_id, draw_id=draw_id)
    etag(response, detail.version)
    return detail
