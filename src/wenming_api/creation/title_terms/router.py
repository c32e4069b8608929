"""届别 over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_terms import queries, service
from wenming_api.creation.title_terms.rules import TermAction, TermState
from wenming_api.creation.title_terms.schemas import TermCreate, TermDetail, TermRow, TermSort, TermUpdate
from wenming_api.creation.title_terms.service import TermExists
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

router = Router(prefix="/title-terms", tags=["文明创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.TITLES_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.TITLE_RULES_MANAGE))]


@router.get("", summary="查询届别")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: TermSort = TermSort.NEWEST,
    kind: Annotated[TitleKind | None, Query(description="称号类型")] = None,
    level: Annotated[TitleLevel | None, Query(description="命名级别")] = None,
    state: Annotated[TermState | None, Query(description="状态")] = None,
    open_on: Annotated[date | None, Query(description="当日接受申报的届别")] = None,
    q: Annotated[Search | None, Query(description="名称")] = None,
) -> Page[TermRow]:
    """数据范围内的届别，以及面向本人所在区域的已发布届别。"""
    return await queries.list_terms(
        session, caller=caller, params=paging, sort=sort, kind=kind, level=level, state=state, open_on=open_on, q=q
    )


@router.post("", summary="新增届别", status_code=201, responses=problems(TermExists))
async def create(caller: MayManage, body: TermCreate, session: Writes, response: Response) -> TermDetail:
    """建为草稿；同一区域、类型、级别、届次不重复。"""
    term = await service.create_term(session, caller=caller, new=body)
    etag(response, term.version)
    return await queries.read_term(session, caller=caller, term_id=term.id)


@router.get("/{term_id}", summary="查看届别", responses=problems(NotFound))
async def read(caller: MayRead, term_id: UUID, session: Reads, response: Response) -> TermDetail:
    """受理时间、申报数、命名数与可用操作。"""
    detail = await queries.read_term(session, caller=caller, term_id=term_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{term_id}",
    summary="修改届别",
    responses=problems(NotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def update(
    caller: MayManage, term_id: UUID, body: TermUpdate, version: IfMatch, session: Writes, response: Response
) -> TermDetail:
    """草稿可全部修改；已发布的只能调整受理时间与备注。"""
    term = await service.update_term(session, caller=caller, term_id=term_id, version=version, changes=body)
    etag(response, term.version)
    return await queries.read_term(session, caller=caller, term_id=term_id)


async def _advance(
    session: WriteSession, caller: Principal, term_id: UUID, action: TermAction, body: Transition, response: Response
) -> TermDetail:
    term = await service.advance_term(session, caller=caller, term_id=term_id, action=action, judged=body)
    etag(response, term.version)
    return await queries.read_term(session, caller=caller, term_id=term_id)


STEP = problems(NotFound, VersionMoved, IllegalTransition)


@router.post("/{term_id}/publish", summary="发布届别", responses=STEP)
async def publish(
    caller: MayManage, term_id: UUID, body: Transition, session: Writes, response: Response
) -> TermDetail:
    """发布后在受理时间内接受申报。"""
    return await _advance(session, caller, term_id, TermAction.PUBLISH, body, response)


@router.post("/{term_id}/close", summary="结束届别", responses=STEP)
async def close(caller: MayManage, term_id: UUID, body: Transition, session: Writes, response: Response) -> TermDetail:
    """结束后不再接受申报；已提交的可继续评审与命名。"""
    return await _advance(session, caller, term_id, TermAction.CLOSE, body, response)


@router.post("/{term_id}/reopen", summary="重新开放届别", responses=STEP)
async def reopen(caller: MayManage, term_id: UUID, body: Transition, session: Writes, response: Response) -> TermDetail:
    """重新开放已结束的届别。"""
    return await _advance(session, caller, term_id, TermAction.REOPEN, body, response)
