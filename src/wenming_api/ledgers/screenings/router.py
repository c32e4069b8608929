"""批量筛查 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Judged
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag, inline
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.kit.workbooks import MEDIA_TYPE
from wenming_api.ledgers.screenings import queries, service
from wenming_api.ledgers.screenings.queries import ScreeningNotFound
from wenming_api.ledgers.screenings.schemas import (
    HitFilter,
    HitSort,
    ScreeningCreate,
    ScreeningHitRow,
    ScreeningOut,
    ScreeningRow,
    ScreeningSort,
    ScreeningSummary,
)
from wenming_api.ledgers.screenings.service import NothingToScreenBy

router = Router(prefix="/ledgers/screenings", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayScreen = Annotated[Principal, Depends(may(Permission.SCREENINGS_RUN))]
Wanted = Annotated[HitFilter, inline(HitFilter)]
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get("", summary="查询批量筛查")
async def list_(
    caller: MayScreen, session: Reads, paging: Paging, sort: ScreeningSort = ScreeningSort.NEWEST
) -> Page[ScreeningRow]:
    """本人的批量筛查与进度。"""
    return await queries.list_screenings(session, caller=caller, params=paging, sort=sort)


@router.post("", summary="批量筛查", status_code=202, responses=problems(NothingToScreenBy))
async def create(caller: MayScreen, body: ScreeningCreate, session: Writes, response: Response) -> ScreeningOut:
    """以启用的质控标准判定数据范围内全部记录的当前版本；在后台进行，不改变记录。"""
    made = await service.request_screening(session, caller=caller, wanted=body)
    etag(response, made.version)
    return await queries.read_screening(session, made.id, caller=caller)


@router.get("/{screening_id}", summary="查看批量筛查", responses=problems(ScreeningNotFound))
async def read(caller: MayScreen, screening_id: UUID, session: Reads, response: Response) -> ScreeningOut:
    """进度、所用的质控标准与可用操作。"""
    found = await queries.read_screening(session, screening_id, caller=caller)
    etag(response, found.version)
    return found


@router.get("/{screening_id}/summary", summary="批量筛查结果", responses=problems(ScreeningNotFound))
async def summary(caller: MayScreen, screening_id: UUID, session: Reads) -> ScreeningSummary:
    """有问题的记录数，按严重程度、质控标准、单位与类别。"""
    return await queries.summarise(session, screening_id, caller=caller)


@router.get("/{screening_id}/records", summary="查询问题台账", responses=problems(ScreeningNotFound))
async def records(
    caller: MayScreen,
    screening_id: UUID,
    session: Reads,
    paging: Paging,
    wanted: Wanted,
    sort: HitSort = HitSort.WORST,
) -> Page[ScreeningHitRow]:
    """筛查时有问题的记录及其问题；此后的补正见记录本身。"""
    return await queries.list_hits(session, screening_id, caller=caller, params=paging, wanted=wanted, sort=sort)


@router.get(
    "/{screening_id}/export",
    summary="导出问题台账",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: _BINARY}}, **problems(ScreeningNotFound)},
)
async def export(
    caller: MayScreen, request: Request, screening_id: UUID, session: Reads, wanted: Wanted
) -> StreamingResponse:
    """筛选条件与列表相同，每条记录一行，严重的在前。"""
    screening = await queries.find_screening(session, screening_id, caller=caller)
    return StreamingResponse(
        queries.export_hits(request.app.state.resources.database, screening, caller=caller, wanted=wanted),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="screening-{screening_id}.xlsx"'},
    )


@router.post(
    "/{screening_id}/alert",
    summary="提醒填报人",
    responses=problems(ScreeningNotFound, VersionMoved, IllegalTransition),
)
async def alert(
    caller: MayScreen, screening_id: UUID, body: Judged, session: Writes, response: Response
) -> ScreeningOut:
    """给每位有问题记录的填报人发一条站内消息；一次筛查只提醒一次。"""
    screening = await service.alert_owners(session, caller=caller, screening_id=screening_id, judged=body)
    etag(response, screening.version)
    return await queries.read_screening(session, screening_id, caller=caller)


@router.delete(
    "/{screening_id}",
    summary="删除批量筛查",
    status_code=204,
    responses=problems(ScreeningNotFound, StaleVersion, VersionRequired),
)
async def delete(caller: MayScreen, screening_id: UUID, version: IfMatch, session: Writes) -> None:
    """连同结果一并删除；正在进行的随即停止。"""
    await service.delete_screening(session, caller=caller, screening_id=screening_id, version=version)
