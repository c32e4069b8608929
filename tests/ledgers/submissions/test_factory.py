"""The factory that domains above build on makes rows that the tables accept."""

import pytest
from sqlalchemy import select
from tests.factories.submissions import make_approved_record, make_offices, make_submission, make_topic

from wenming_api.kit.db import Database
from wenming_api.ledgers.destinations.rules import Purpose
from wenming_api.ledgers.submissions.models import Submission, SubmissionRound
from wenming_api.ledgers.submissions.rules import SubmissionState


@pytest.mark.parametrize("state", SubmissionState)
async def test_submissions_in_every_state(database: Database, state: SubmissionState) -> None:
    async with database.transaction() as session:
        offices = await make_offices(session)
        record = await make_approved_record(session, post=offices.unit)
        topic = await make_topic(session, post=offices.county)
        first = await make_submission(
            session, record=record, sender=offices.unit, receiver=offices.community, accepted=True
        )
        await make_submission(
            session, record=record, sender=offices.community, receiver=offices.county, topic=topic, parent=first
        )
        made = await make_submission(
            session,
            record=record,
            sender=offices.unit,
            receiver=offices.street,
            state=state,
            purpose=Purpose.MANUSCRIPT,
            media_name="淄博日报",
        )
    async with database.read() as session:
        kept = await session.get(Submission, made.id)
        rounds = await session.scalars(select(SubmissionRound).where(SubmissionRound.submission_id == made.id))
        assert kept is not None
        assert (kept.state, len(rounds.all())) == (state, 1)
