"""站内消息 over HTTP: every caller sees his own inbox only."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Paging, Reads, Router, Writes
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.messaging.inbox import queries, service
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.schemas import MarkedOut, MessageOut, MessageSort, ReadAll, UnreadOut

router = Router(prefix="/messages", tags=["短信平台与消息"], raises=(Unauthenticated, Forbidden))

MayReadMessages = Annotated[Principal, Depends(may(Permission.MESSAGES_READ))]


@router.get("", summary="查询本人消息")
async def list_(
    caller: MayReadMessages,
    session: Reads,
    paging: Paging,
    sort: MessageSort = MessageSort.NEWEST,
    unread: Annotated[bool | None, Query(description="true 只看未读，false 只看已读")] = None,
    archived: Annotated[bool, Query(description="true 查看已归档的消息")] = False,
    topic: Topic | None = None,
) -> Page[MessageOut]:
    """只含本人收到的消息，默认从新到旧。"""
    return await queries.list_messages(
        session,
        scope=Scope.own(caller.user_id),
        params=paging,
        sort=sort,
        unread=unread,
        archived=archived,
        topic=topic,
    )


@router.get("/unread-count", summary="本人未读消息数")
async def unread_count(caller: MayReadMessages, session: Reads) -> UnreadOut:
    """未读且未归档的消息数，并按类别列出。"""
    return await queries.count_unread(session, scope=Scope.own(caller.user_id))


@router.post("/read-all", summary="全部标为已读")
async def mark_all_read(caller: MayReadMessages, session: Writes, body: ReadAll) -> MarkedOut:
    """把某时刻之前收到的消息标为已读；之后新到的不受影响。"""
    return await service.mark_all_read(session, scope=Scope.own(caller.user_id), wanted=body)


@router.get("/{message_id}", summary="查看消息", responses=problems(NotFound))
async def read(caller: MayReadMessages, session: Reads, message_id: UUID) -> MessageOut:
    """查看不会改变已读状态。"""
    return await queries.show_message(session, message_id, scope=Scope.own(caller.user_id))


@router.post("/{message_id}/read", summary="标为已读", responses=problems(NotFound))
async def mark_read(caller: MayReadMessages, session: Writes, message_id: UUID) -> MessageOut:
    """记录首次阅读的时间，可重复调用。"""
    return await service.mark_read(session, message_id, scope=Scope.own(caller.user_id))


@router.post("/{message_id}/archive", summary="归档消息", responses=problems(NotFound))
async def archive(caller: MayReadMessages, session: Writes, message_id: UUID) -> MessageOut:
    """移入归档并视为已读，可重复调用。"""
    return await service.archive_message(session, message_id, scope=Scope.own(caller.user_id))


@router.post("/{message_id}/restore", summary="取消归档", responses=problems(NotFound))
async def restore(caller: MayReadMessages, session: Writes, message_id: UUID) -> MessageOut:
    """从归档移回收件箱，可重复调用。"""
    return await service.restore_message(session, message_id, scope=Scope.own(caller.user_id))


@router.delete("/{message_id}", status_code=204, summary="删除消息", responses=problems(NotFound))
async def delete(caller: MayReadMessages, session: Writes, message_id: UUID) -> None:
    """彻底删除本人的一条消息。"""
    await service.delete_message(session, message_id, scope=Scope.own(caller.user_id))
