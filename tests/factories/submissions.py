"""Civility offices of four levels with their people, and submissions between them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select

from tests.factories.callers import make_user
from tests.factories.places import make_county, make_region, make_unit
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.destinations.rules import Purpose
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.records.rules import RecordState
from wenming_api.ledgers.submissions.models import Submission, SubmissionNode, SubmissionRound
from wenming_api.ledgers.submissions.rules import IN_FORCE, RoundOutcome, SubmissionState
from wenming_api.ledgers.topics.models import WorkTopic
from wenming_api.ledgers.topics.rules import TopicKind, TopicState
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

FOUR_LEVELS = ("unit", "community", "street", "county", "city")


@dataclass
class Post:
    """A unit with two people who do everything there: what one wrote, the other reviews."""

    unit: Unit
    clerk: User
    reviewer: User


@dataclass
class Offices:
    """A grass-roots unit and the offices above it, each managed by the next: `unit` ← `community` ← … ← `city`."""

    unit: Post
    community: Post
    street: Post
    county: Post
    city: Post
    region: Region

    @property
    def ladder(self) -> list[Post]:
        """From the bottom up."""
        return [self.unit, self.community, self.street, self.county, self.city]


async def make_post(
    session: WriteSession,
    unit: Unit,
    *,
    scope: DataScope = DataScope.UNIT_AND_BELOW,
    permissions: Sequence[Permission] = tuple(Permission),
) -> Post:
    """Two people of a unit."""
    clerk = await make_user(session, unit=unit, scope=scope, permissions=permissions)
    reviewer = await make_user(session, unit=unit, scope=scope, permissions=permissions)
    return Post(unit, clerk, reviewer)


async def make_offices(session: WriteSession, *, no: int = 2) -> Offices:
    """The five posts of one county (`no` from 1 to 99); the city's office is made once per test. Flushed."""
    county = await make_county(session, no)
    city_name = "市文明办"
    city_unit = (await session.execute(select(Unit).where(Unit.name == city_name))).scalar_one_or_none()
    if city_unit is None:
        city_unit = await make_unit(session, name=city_name)
        city_unit.is_civility_office = True
    street = await make_region(
        session, code=f"3703{no:02}001000", name="东街道", level=RegionLevel.STREET, parent=county
    )
    community = await make_region(
        session, code=f"3703{no:02}001001", name="城里社区", level=RegionLevel.COMMUNITY, parent=street
    )
    units = [city_unit]
    for region, name in ((county, "区文明办"), (street, "街道文明办"), (community, "社区文明站")):
        made = await make_unit(session, region=region, managing=units[-1], name=name)
        made.is_civility_office = True
        units.append(made)
    units.append(await make_unit(session, region=community, managing=units[-1], name=f"第{no}小学"))
    await session.flush()
    city, *others = units
    posts = [await make_post(session, city, scope=DataScope.ALL)]
    posts += [await make_post(session, each, scope=DataScope.REGION) for each in others[:-1]]
    posts.append(await make_post(session, others[-1]))
    return Offices(*reversed(posts), region=community)


async def make_approved_record(
    session: WriteSession,
    *,
    post: Post,
    title: str = "学雷锋志愿服务进社区",
    node_ids: Sequence[UUID] = (),
    **content: Any,
) -> Record:
    """A record of the post's clerk with one approved version. Flushed."""
    record = Record(
        title=title,
        state=RecordState.APPROVED,
        current_version_no=1,
        approved_version_no=1,
        submitted_once=True,
        owner_id=post.clerk.id,
        unit_id=post.unit.id,
        unit_path=post.unit.unit_path,
        region_path=post.unit.region_path,
        searched=title,
        search=func.to_tsvector("simple", title),
    )
    session.add(record)
    await session.flush()
    await add_approved_version(session, record, node_ids=node_ids, **content)
    return record


async def add_approved_version(
    session: WriteSession, record: Record, *, node_ids: Sequence[UUID] = (), **content: Any
) -> int:
    """The next version of a record, approved; returns its number. Flushed."""
    last = await session.scalar(select(func.max(RecordVersion.no)).where(RecordVersion.record_id == record.id))
    no = (last or 0) + 1
    body = {
        "title": record.title,
        "text": f"第{no}版",
        "node_ids": [str(each) for each in node_ids],
        "photos": [],
        **content,
    }
    session.add(
        RecordVersion(
            record_id=record.id,
            no=no,
            id=uuid7(),
            row_version=record.version,
            content=body,
            content_hash=hashlib.sha256(orjson.dumps(body)).hexdigest(),
            findings=[],
            made_by=record.owner_id,
        )
    )
    record.current_version_no = record.approved_version_no = no
    record.state = RecordState.APPROVED
    await session.flush()
    return no


async def make_submission(
    session: WriteSession,
    *,
    record: Record,
    sender: Post,
    receiver: Post,
    accepted: bool = False,
    state: SubmissionState | None = None,
    purpose: Purpose = Purpose.LEDGER,
    topic: WorkTopic | None = None,
    media_name: str | None = None,
    parent: Submission | None = None,
    node_ids: Sequence[UUID] = (),
    submitted_at: datetime | None = None,
) -> Submission:
    """A submission of the record's approved version, straight in the database, without an approval. Flushed."""
    now = submitted_at or clock.now()
    standing = state or (SubmissionState.ACCEPTED if accepted else SubmissionState.SUBMITTED)
    received = standing not in {SubmissionState.SUBMITTED, SubmissionState.WITHDRAWN}
    decided = standing in IN_FORCE | {SubmissionState.RETURNED, SubmissionState.WITHDRAWN}
    id_ = uuid7()
    made = Submission(
        id=id_,
        record_id=record.id,
        version_no=record.approved_version_no,
        record_title=record.title,
        record_unit_id=record.unit_id,
        owner_id=sender.clerk.id if parent else record.owner_id,
        unit_id=sender.unit.id,
        unit_path=sender.unit.unit_path,
        region_path=sender.unit.region_path,
        receiver_unit_id=receiver.unit.id,
        receiver_unit_path=receiver.unit.unit_path,
        receiver_region_path=receiver.unit.region_path,
        state=standing,
        purpose=Purpose.TOPIC if topic else purpose,
        topic_id=topic.id if topic else None,
        media_name=media_name,
        parent_id=parent.id if parent else None,
        origin_id=parent.origin_id if parent else id_,
        level=parent.level + 1 if parent else 1,
        submitted_by=sender.clerk.id,
        submitted_at=now,
        received_by=receiver.reviewer.id if received else None,
        received_at=now if received else None,
        decided_by=receiver.reviewer.id if decided else None,
        decided_at=now if decided else None,
        archived_at=now if standing is SubmissionState.ARCHIVED else None,
    )
    session.add(made)
    await session.flush()
    outcomes = {
        SubmissionState.ACCEPTED: RoundOutcome.ACCEPTED,
        SubmissionState.ARCHIVED: RoundOutcome.ACCEPTED,
        SubmissionState.RETURNED: RoundOutcome.RETURNED,
        SubmissionState.WITHDRAWN: RoundOutcome.WITHDRAWN,
    }
    session.add(
        SubmissionRound(
            submission_id=made.id,
            no=1,
            version_no=made.version_no,
            submitted_by=made.submitted_by,
            submitted_at=now,
            received_by=made.received_by,
            received_at=made.received_at,
            outcome=outcomes.get(standing),
            decided_by=made.decided_by,
            decided_at=made.decided_at,
        )
    )
    session.add_all([SubmissionNode(submission_id=made.id, node_id=each) for each in node_ids])
    await session.flush()
    return made


async def make_topic(session: WriteSession, *, post: Post, name: str = "学雷锋专题", **values: Any) -> WorkTopic:
    """A published topic of the post's unit, open this year. Flushed."""
    today = clock.at_the_edge(clock.now()).date()
    made = WorkTopic(
        **{
            "name": name,
            "kind": TopicKind.SPECIAL,
            "unit_id": post.unit.id,
            "unit_path": post.unit.unit_path,
            "region_path": post.unit.region_path,
            "year": today.year,
            "opens_on": today.replace(month=1, day=1),
            "closes_on": today.replace(month=12, day=31),
            "state": TopicState.PUBLISHED,
            "node_ids": [],
            **values,
        }
    )
    session.add(made)
    await session.flush()
    return made
