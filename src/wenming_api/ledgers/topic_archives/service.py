"""Archiving a topic."""

from uuid import UUID

from sqlalchemy import func, select, update

from wenming_api.access.principal import Principal
from wenming_api.catalog.events import TopicArchived
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.events import publish
from wenming_api.kit.problems import Conflict
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.ledgers.submissions.rules import OPEN, SubmissionState
from wenming_api.ledgers.topics.rules import TopicAction
from wenming_api.ledgers.topics.service import move_topic
from wenming_api.system.audit.service import entry, record_many


class TopicUnsettled(Conflict):
    """Submissions to the topic wait for a decision."""

    code = "topic_unsettled"
    title = "还有未审核的报送"


async def archive_topic(session: WriteSession, *, caller: Principal, topic_id: UUID, version: int, reason: str) -> None:
    """Archive a closed topic and every submission that it accepted, in one step.

    Whoever sends to the topic holds its row, so none arrives meanwhile. What was returned and never sent again stays
    returned. Raises `TopicUnsettled`, and what `move_topic` raises.
    """
    topic = await move_topic(
        session, caller=caller, topic_id=topic_id, version=version, action=TopicAction.ARCHIVE, reason=reason
    )
    waiting = await session.scalar(
        select(func.count()).where(Submission.topic_id == topic.id, Submission.state.in_(OPEN))
    )
    if waiting:
        raise TopicUnsettled(f"还有 {waiting} 份报送没有审核，请先审核或退回。", waiting=waiting)
    now = clock.now()
    archived = await session.execute(
        update(Submission)
        .where(Submission.topic_id == topic.id, Submission.state == SubmissionState.ACCEPTED)
        .values(state=SubmissionState.ARCHIVED, archived_at=now, updated_at=now, version=Submission.version + 1)
        .returning(Submission.id, Submission.record_id)
        .execution_options(synchronize_session=False)
    )
    await record_many(
        session,
        [
            entry(
                caller=caller,
                action="submissions.archive",
                target=("submission", row.id),
                before={"state": SubmissionState.ACCEPTED},
                after={"state": SubmissionState.ARCHIVED},
                reason=reason,
                context=("record", row.record_id),
            )
            for row in archived
        ],
    )
    await publish(session, TopicArchived(topic_id=topic.id))
