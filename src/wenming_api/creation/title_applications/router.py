"""申报与命名 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_applications import queries, service
from wenming_api.creation.title_applications.rules import ApplicationState
from wenming_api.creation.title_applications.schemas import (
    ApplicationCreate,
    ApplicationDetail,
    ApplicationRow,
    ApplicationSort,
    ApplicationUpdate,
    Evaluation,
    Naming,
    Recommendation,
    Revocation,
    Submission,
)
from wenming_api.creation.title_applications.service import AlreadyApplied, NotSubmittable
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.titles.service import TitleImpossible
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

router = Router(prefix="/title-applications", tags=["文明创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.TITLES_READ))]
MayApply = Annotated[Principal, Depends(may(Permission.TITLES_APPLY))]
MayReview = Annotated[Principal, Depends(may(Permission.TITLES_REVIEW))]
MayReturn = Annotated[Principal, Depends(may(Permission.TITLES_REVIEW, Permission.TITLES_EVALUATE))]
MayEvaluate = Annotated[Principal, Depends(may(Permission.TITLES_EVALUATE))]
MayName = Annotated[Principal, Depends(may(Permission.TITLES_NAME))]
STEP = problems(NotFound, VersionMoved, IllegalTransition, Conflict)
DECISION = problems(NotFound, VersionMoved, IllegalTransition, TitleImpossible)


async def _detail(
    session: WriteSession, caller: Principal, application_id: UUID, response: Response
) -> ApplicationDetail:
    detail = await queries.read_application(session, caller=caller, application_id=application_id)
    etag(response, detail.version)
    return detail


@router.get("", summary="查询称号申报")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: ApplicationSort = ApplicationSort.NEWEST,
    term_id: Annotated[UUID | None, Query(description="届别")] = None,
    kind: Annotated[TitleKind | None, Query(description="称号类型")] = None,
    level: Annotated[TitleLevel | None, Query(description="申报级别")] = None,
    state: Annotated[ApplicationState | None, Query(description="状态")] = None,
    unit_id: Annotated[UUID | None, Query(description="申报单位")] = None,
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径", examples=["370300000000/"])
    ] = None,
    q: Annotated[Search | None, Query(description="单位名称")] = None,
) -> Page[ApplicationRow]:
    """数据范围内的申报；草稿只有申报单位可见。"""
    return await queries.list_applications(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        term_id=term_id,
        kind=kind,
        level=level,
        state=state,
        unit_id=unit_id,
        under=under,
        q=q,
    )


@router.post("", summary="申报称号", status_code=201, responses=problems(AlreadyApplied, NotSubmittable))
async def create(caller: MayApply, body: ApplicationCreate, session: Writes, response: Response) -> ApplicationDetail:
    """由本单位为自己或其登记的家庭申报，建为草稿；同一届不能重复申报。"""
    one = await service.create_application(session, caller=caller, new=body)
    return await _detail(session, caller, one.id, response)


@router.get("/{application_id}", summary="查看称号申报", responses=problems(NotFound))
async def read(caller: MayRead, application_id: UUID, session: Reads, response: Response) -> ApplicationDetail:
    """自评、评审、缺漏、推荐进度与可用操作。"""
    detail = await queries.read_application(session, caller=caller, application_id=application_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{application_id}",
    summary="修改称号申报",
    responses=problems(NotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def update(
    caller: MayApply,
    application_id: UUID,
    body: ApplicationUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> ApplicationDetail:
    """草稿与被退回的申报可以修改；自评整体替换，合计即时计算。"""
    await service.update_application(
        session, caller=caller, application_id=application_id, version=version, changes=body
    )
    return await _detail(session, caller, application_id, response)


@router.post(
    "/{application_id}/submit",
    summary="提交称号申报",
    responses=problems(NotFound, VersionMoved, IllegalTransition, NotSubmittable),
)
async def submit(
    caller: MayApply, application_id: UUID, body: Submission, session: Writes, response: Response
) -> ApplicationDetail:
    """在受理时间内提交推荐；自评不全、缺少证明材料、存在否决情形时拒绝并逐项说明。"""
    await service.submit_application(session, caller=caller, application_id=application_id, judged=body)
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/recommend", summary="推荐称号申报", responses=STEP)
async def recommend(
    caller: MayReview, application_id: UUID, body: Recommendation, session: Writes, response: Response
) -> ApplicationDetail:
    """按审批流程逐级推荐；最后一级推荐后进入评审。"""
    await service.decide_application(session, caller=caller, application_id=application_id, recommend=True, judged=body)
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/return", summary="退回称号申报", responses=STEP)
async def return_(
    caller: MayReturn, application_id: UUID, body: Transition, session: Writes, response: Response
) -> ApplicationDetail:
    """退回申报单位修改，须说明原因。"""
    await service.decide_application(
        session, caller=caller, application_id=application_id, recommend=False, judged=body
    )
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/withdraw", summary="撤回称号申报", responses=STEP)
async def withdraw(
    caller: MayApply, application_id: UUID, body: Transition, session: Writes, response: Response
) -> ApplicationDetail:
    """推荐完成前可以撤回；撤回后本届可重新申报。"""
    await service.withdraw_application(session, caller=caller, application_id=application_id, judged=body)
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/evaluate", summary="评审称号申报", responses=STEP)
async def evaluate(
    caller: MayEvaluate, application_id: UUID, body: Evaluation, session: Writes, response: Response
) -> ApplicationDetail:
    """由届别所属区域的文明办逐项评分；命名前可以重新评审。"""
    await service.evaluate_application(session, caller=caller, application_id=application_id, judged=body)
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/name", summary="命名", responses=DECISION)
async def name(
    caller: MayName, application_id: UUID, body: Naming, session: Writes, response: Response
) -> ApplicationDetail:
    """凭命名文件命名；级别沿革与单位的文明级别同时更新。不能由评审人本人决定。"""
    await service.name_application(session, caller=caller, application_id=application_id, judged=body)
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/reject", summary="不予命名", responses=STEP)
async def reject(
    caller: MayName, application_id: UUID, body: Transition, session: Writes, response: Response
) -> ApplicationDetail:
    """决定不予命名，须说明原因。"""
    await service.reject_application(session, caller=caller, application_id=application_id, judged=body)
    return await _detail(session, caller, application_id, response)


@router.post("/{application_id}/revoke", summary="撤销称号", responses=DECISION)
async def revoke(
    caller: MayName, application_id: UUID, body: Revocation, session: Writes, response: Response
) -> ApplicationDetail:
    """凭文件撤销由此申报获得的称号；沿革中增加一条，原有记录不变。"""
    await service.revoke_title(session, caller=caller, application_id=application_id, judged=body)
    return await _detail(session, caller, application_id, response)
