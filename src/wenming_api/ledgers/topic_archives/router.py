"""专项工作归档 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Transition
from wenming_api.kit.http import Router, Writes, etag
from wenming_api.kit.problems import Forbidden, IllegalTransition, Unauthenticated, VersionMoved, problems
from wenming_api.ledgers.topic_archives import service
from wenming_api.ledgers.topic_archives.service import TopicUnsettled
from wenming_api.ledgers.topics.queries import TopicNotFound, read_topic
from wenming_api.ledgers.topics.schemas import TopicOut

router = Router(prefix="/ledgers/topics/{topic_id}", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayManage = Annotated[Principal, Depends(may(Permission.TOPICS_MANAGE))]


@router.post(
    "/archive",
    summary="归档重点工作或专题",
    responses=problems(TopicNotFound, IllegalTransition, VersionMoved, TopicUnsettled),
)
async def archive(caller: MayManage, session: Writes, response: Response, topic_id: UUID, body: Transition) -> TopicOut:
    """已截止、报送都已审核的可以归档，审核通过的报送一并归档，归档后只读。"""
    await service.archive_topic(session, caller=caller, topic_id=topic_id, version=body.version, reason=body.reason)
    detail = await read_topic(session, caller=caller, topic_id=topic_id)
    etag(response, detail.version)
    return detail
