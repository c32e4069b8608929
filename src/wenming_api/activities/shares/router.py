"""活动分享 over HTTP: the unit's side, and the public page behind a token."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response

from wenming_api.access.guards import may, public
from wenming_api.access.principal import Principal
from wenming_api.activities.events.queries import read_activity
from wenming_api.activities.events.schemas import ActivityDetail
from wenming_api.activities.shares import queries, service
from wenming_api.activities.shares.queries import ShareClosed
from wenming_api.activities.shares.rules import page_address, qr_code
from wenming_api.activities.shares.schemas import ActivityShareOut, ShareCreate, SharedActivity
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.http import Reads, Router, Store, Writes, etag
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Unauthenticated, VersionMoved, problems

router = Router(tags=["创建活动管理"])

MayRead = Annotated[Principal, Depends(may(Permission.ACTIVITIES_READ))]
MayWrite = Annotated[Principal, Depends(may(Permission.ACTIVITIES_WRITE))]
MayRelease = Annotated[Principal, Depends(may(Permission.ACTIVITIES_RELEASE))]
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_\-]+$", min_length=16, max_length=64)]
INSIDE = problems(Unauthenticated, Forbidden, NotFound)
STEP = problems(Unauthenticated, Forbidden, NotFound, VersionMoved, IllegalTransition)


class PictureKind(StrEnum):
    """二维码的格式"""

    PNG = "png"
    SVG = "svg"


async def _detail(session: WriteSession, caller: Principal, activity_id: UUID, response: Response) -> ActivityDetail:
    detail = await read_activity(session, caller=caller, activity_id=activity_id)
    etag(response, detail.version)
    return detail


@router.post("/activities/{activity_id}/release", summary="允许活动对外分享", responses=STEP)
async def release(
    caller: MayRelease, activity_id: UUID, body: Transition, session: Writes, response: Response
) -> ActivityDetail:
    """活动开展后，由有权限的人确认可以公开；此后才能生成分享。"""
    await service.set_released(session, caller=caller, activity_id=activity_id, judged=body, released=True)
    return await _detail(session, caller, activity_id, response)


@router.post("/activities/{activity_id}/withhold", summary="停止活动对外分享", responses=STEP)
async def withhold(
    caller: MayRelease, activity_id: UUID, body: Transition, session: Writes, response: Response
) -> ActivityDetail:
    """该活动的全部分享立即失效。"""
    await service.set_released(session, caller=caller, activity_id=activity_id, judged=body, released=False)
    return await _detail(session, caller, activity_id, response)


@router.get("/activities/{activity_id}/shares", summary="查看活动的分享", responses=INSIDE)
async def list_(caller: MayRead, activity_id: UUID, session: Reads, request: Request) -> list[ActivityShareOut]:
    """该活动的分享及其是否仍公开。"""
    return await queries.list_shares(session, caller=caller, activity_id=activity_id, base=str(request.base_url))


@router.post("/activities/{activity_id}/shares", summary="生成活动分享", status_code=201, responses=INSIDE)
async def create(
    caller: MayWrite, activity_id: UUID, body: ShareCreate, session: Writes, request: Request
) -> list[ActivityShareOut]:
    """生成带不可猜测口令的公开页面；到期或撤销后失效。"""
    await service.create_share(session, caller=caller, activity_id=activity_id, new=body)
    return await queries.list_shares(session, caller=caller, activity_id=activity_id, base=str(request.base_url))


@router.post("/activities/{activity_id}/shares/{share_id}/revoke", summary="撤销活动分享", responses=STEP)
async def revoke(
    caller: MayWrite, activity_id: UUID, share_id: UUID, body: Transition, session: Writes, request: Request
) -> list[ActivityShareOut]:
    """撤销后公开页面立即失效。"""
    await service.revoke_share(session, caller=caller, activity_id=activity_id, share_id=share_id, judged=body)
    return await queries.list_shares(session, caller=caller, activity_id=activity_id, base=str(request.base_url))


@router.get("/shared-activities/{token}", summary="公开的活动页面", responses=problems(ShareClosed))
@public
async def read(token: Token, session: Reads, store: Store) -> SharedActivity:
    """无需登录。标题、摘要、单位、日期、地点与预览图，不含个人信息。"""
    return await queries.read_shared(session, token=token, store=store)


@router.get(
    "/shared-activities/{token}/qr-code",
    summary="活动分享的二维码",
    response_class=Response,
    responses=problems(ShareClosed) | {200: {"content": {"image/png": {}, "image/svg+xml": {}}}},
)
@public
async def picture(
    token: Token,
    session: Reads,
    store: Store,
    request: Request,
    kind: Annotated[PictureKind, Query(description="二维码的格式")] = PictureKind.PNG,
) -> Response:
    """无需登录。公开页面地址的二维码。"""
    await queries.read_shared(session, token=token, store=store)
    vector = kind is PictureKind.SVG
    drawn = qr_code(page_address(str(request.base_url), token), vector=vector)
    return Response(drawn, media_type="image/svg+xml" if vector else "image/png")
