"""重点、专题工作 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Judged, Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
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
from wenming_api.ledgers.topics import queries, service
from wenming_api.ledgers.topics.queries import TopicNotFound
from wenming_api.ledgers.topics.rules import TopicAction, TopicKind, TopicState
from wenming_api.ledgers.topics.schemas import TopicCreate, TopicOut, TopicRow, TopicSort, TopicUpdate

router = Router(prefix="/ledgers/topics", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.TOPICS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.TOPICS_MANAGE))]
_EDITS = problems(TopicNotFound, IllegalTransition, StaleVersion, VersionRequired)
_MOVES = problems(TopicNotFound, IllegalTransition, VersionMoved)


@router.get("", summary="查询重点工作与专题")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: TopicSort = TopicSort.NEWEST,
    kind: Annotated[TopicKind | None, Query(description="类别")] = None,
    state: Annotated[TopicState | None, Query(description="状态")] = None,
    year: Annotated[int | None, Query(ge=2000, le=2100, description="年度")] = None,
    unit_id: Annotated[UUID | None, Query(description="发布单位")] = None,
    accepts: Annotated[bool | None, Query(description="今日是否接收报送")] = None,
    q: Annotated[Search | None, Query(description="名称包含")] = None,
) -> Page[TopicRow]:
    """数据范围内的，以及上级单位已经发布、本单位可以报送的。"""
    return await queries.list_topics(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        kind=kind,
        state=state,
        year=year,
        unit_id=unit_id,
        accepts=accepts,
        q=q,
    )


@router.post("", status_code=201, summary="新建重点工作或专题")
async def create(caller: MayManage, session: Writes, response: Response, body: TopicCreate) -> TopicOut:
    """由本单位新建草稿，发布后下级单位才能看到。"""
    made = await service.create_topic(session, caller=caller, new=body)
    return await _answer(session, caller, made.id, response)


@router.get("/{topic_id}", summary="重点工作或专题详情", responses=problems(TopicNotFound))
async def read(caller: MayRead, session: Reads, response: Response, topic_id: UUID) -> TopicOut:
    """含今日是否接收报送、当前用户可做的操作。"""
    found = await queries.read_topic(session, caller=caller, topic_id=topic_id)
    etag(response, found.version)
    return found


@router.patch("/{topic_id}", summary="修改重点工作或专题", responses=_EDITS)
async def update(
    caller: MayManage, session: Writes, response: Response, topic_id: UUID, body: TopicUpdate, version: IfMatch
) -> TopicOut:
    """发布后仍可改名称、起止日、分类和说明；截止后不能修改。"""
    await service.update_topic(session, caller=caller, topic_id=topic_id, version=version, changes=body)
    return await _answer(session, caller, topic_id, response)


@router.delete("/{topic_id}", status_code=204, summary="删除草稿", responses=_EDITS)
async def delete(caller: MayManage, session: Writes, topic_id: UUID, version: IfMatch) -> None:
    """只有草稿可以删除。"""
    await service.delete_topic(session, caller=caller, topic_id=topic_id, version=version)


@router.post("/{topic_id}/publish", summary="发布重点工作或专题", responses=_MOVES)
async def publish(caller: MayManage, session: Writes, response: Response, topic_id: UUID, body: Judged) -> TopicOut:
    """发布后，本区域和所管理的单位可以在起止日内报送。"""
    await service.move_topic(
        session, caller=caller, topic_id=topic_id, version=body.version, action=TopicAction.PUBLISH
    )
    return await _answer(session, caller, topic_id, response)


@router.post("/{topic_id}/close", summary="截止重点工作或专题", responses=_MOVES)
async def close(caller: MayManage, session: Writes, response: Response, topic_id: UUID, body: Transition) -> TopicOut:
    """截止后不再接收报送；已收到的照常审核。"""
    await service.move_topic(
        session,
        caller=caller,
        topic_id=topic_id,
        version=body.version,
        action=TopicAction.CLOSE,
        reason=body.reason,
    )
    return await _answer(session, caller, topic_id, response)


@router.post("/{topic_id}/reopen", summary="重新开放重点工作或专题", responses=_MOVES)
async def reopen(caller: MayManage, session: Writes, response: Response, topic_id: UUID, body: Transition) -> TopicOut:
    """已截止、尚未归档的可以重新开放。"""
    await service.move_topic(
        session,
        caller=caller,
        topic_id=topic_id,
        version=body.version,
        action=TopicAction.REOPEN,
        reason=body.reason,
    )
    return await _answer(session, caller, topic_id, response)


async def _answer(session: WriteSession, caller: Principal, topic_id: UUID, response: Response) -> TopicOut:
    detail = await queries.read_topic(session, caller=caller, topic_id=topic_id)
    etag(response, detail.version)
    return detail
