"""网络稿件 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.activities.manuscripts import queries, service
from wenming_api.activities.manuscripts.queries import ManuscriptNotFound
from wenming_api.activities.manuscripts.rules import ManuscriptState
from wenming_api.activities.manuscripts.schemas import (
    ManuscriptCreate,
    ManuscriptDetail,
    ManuscriptReady,
    ManuscriptRow,
    ManuscriptSave,
    ManuscriptSend,
    ManuscriptSort,
    ManuscriptVersionOut,
)
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Store, Writes, etag
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
from wenming_api.ledgers.dispatches.service import AlreadySent, NotApproved
from wenming_api.workflow.approvals.service import NobodyDecides

router = Router(tags=["创建活动管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.ACTIVITIES_READ))]
MayWrite = Annotated[Principal, Depends(may(Permission.ACTIVITIES_WRITE))]
MaySend = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_SEND))]
No = Annotated[int, Path(ge=1, le=2**31 - 1, description="稿件版本")]


@router.get("/manuscripts", summary="查询稿件")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: ManuscriptSort = ManuscriptSort.NEWEST,
    activity_id: Annotated[UUID | None, Query(description="活动")] = None,
    unit_id: Annotated[UUID | None, Query(description="主办单位")] = None,
    submission_id: Annotated[UUID | None, Query(description="随哪一份报送而来，含由其推荐的")] = None,
    state: Annotated[ManuscriptState | None, Query(description="状态")] = None,
    q: Annotated[Search | None, Query(description="标题")] = None,
) -> Page[ManuscriptRow]:
    """数据范围内的稿件，以及报送或推荐到本单位的稿件。"""
    return await queries.list_manuscripts(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        activity_id=activity_id,
        unit_id=unit_id,
        submission_id=submission_id,
        state=state,
        q=q,
    )


@router.post(
    "/activities/{activity_id}/manuscripts",
    summary="由活动生成稿件",
    status_code=201,
    responses=problems(NotFound, IllegalTransition),
)
async def create(
    caller: MayWrite, activity_id: UUID, body: ManuscriptCreate, session: Writes, store: Store, response: Response
) -> ManuscriptDetail:
    """标题、导语、正文、照片不填时取自活动内容，不需重新录入。"""
    made = await service.create_manuscript(session, caller=caller, activity_id=activity_id, new=body)
    detail = await queries.read_manuscript(session, caller=caller, manuscript_id=made.id, store=store)
    etag(response, detail.version)
    return detail


@router.get("/manuscripts/{manuscript_id}", summary="查看稿件", responses=problems(ManuscriptNotFound))
async def read(
    caller: MayRead, manuscript_id: UUID, session: Reads, store: Store, response: Response
) -> ManuscriptDetail:
    """全文、修改历史、报送情况与可用操作；接收单位看到的是定稿。"""
    detail = await queries.read_manuscript(session, caller=caller, manuscript_id=manuscript_id, store=store)
    etag(response, detail.version)
    return detail


@router.get(
    "/manuscripts/{manuscript_id}/versions/{no}", summary="查看稿件的一个版本", responses=problems(ManuscriptNotFound)
)
async def read_version(
    caller: MayRead, manuscript_id: UUID, no: No, session: Reads, store: Store
) -> ManuscriptVersionOut:
    """接收单位只能查看报送过的版本与定稿。"""
    return await queries.read_version(session, caller=caller, manuscript_id=manuscript_id, no=no, store=store)


@router.put(
    "/manuscripts/{manuscript_id}",
    summary="修改稿件",
    responses=problems(ManuscriptNotFound, StaleVersion, VersionRequired),
)
async def save(
    caller: MayWrite,
    manuscript_id: UUID,
    body: ManuscriptSave,
    version: IfMatch,
    session: Writes,
    store: Store,
    response: Response,
) -> ManuscriptDetail:
    """每次保存成为新的版本，定稿后修改的须重新定稿。"""
    await service.save_manuscript(session, caller=caller, manuscript_id=manuscript_id, version=version, save=body)
    detail = await queries.read_manuscript(session, caller=caller, manuscript_id=manuscript_id, store=store)
    etag(response, detail.version)
    return detail


@router.post(
    "/manuscripts/{manuscript_id}/ready",
    summary="稿件定稿",
    responses=problems(ManuscriptNotFound, VersionMoved, IllegalTransition),
)
async def ready(
    caller: MayWrite, manuscript_id: UUID, body: ManuscriptReady, session: Writes, store: Store, response: Response
) -> ManuscriptDetail:
    """定稿后可以报送；接收单位看到最新的定稿。"""
    await service.make_ready(session, caller=caller, manuscript_id=manuscript_id, judged=body)
    detail = await queries.read_manuscript(session, caller=caller, manuscript_id=manuscript_id, store=store)
    etag(response, detail.version)
    return detail


@router.post(
    "/manuscripts/{manuscript_id}/send",
    summary="报送稿件",
    responses=problems(ManuscriptNotFound, VersionMoved, IllegalTransition, NotApproved, AlreadySent, NobodyDecides),
)
async def send(
    caller: MaySend, manuscript_id: UUID, body: ManuscriptSend, session: Writes, store: Store, response: Response
) -> ManuscriptDetail:
    """随活动台账的已审核版本报送到上级并注明拟推荐的媒体；签收、审核、再推荐与其他报送相同。"""
    await service.send_manuscript(session, caller=caller, manuscript_id=manuscript_id, request=body)
    detail = await queries.read_manuscript(session, caller=caller, manuscript_id=manuscript_id, store=store)
    etag(response, detail.version)
    return detail
