"""Tables of submissions."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, ReceivedByUnit, UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.destinations.rules import Purpose
from wenming_api.ledgers.submissions.rules import RoundOutcome, SubmissionState

_OPEN = text("state IN ('submitted', 'received')")
_IN_BOOKS = text("state IN ('accepted', 'archived') AND purpose <> 'manuscript'")


class Submission(Keyed, OwnerScoped, UnitMember, ReceivedByUnit, Stamped, Versioned, Base):
    """One version of a record, sent by `unit_id` to `receiver_unit_id`. `owner_id` wrote the record, or recommends it.

    `submitted_at` is the time of the document: the server's, of the round that stands. `origin_id` is the first of a
    line of recommendations (itself when it is the first, at `level` 1), `parent_id` the accepted one it came from.
    `year` is that of what the version sent tells of; the database sets it.
    """

    __tablename__ = "submissions"

    record_id: Mapped[UUID]
    version_no: Mapped[int]
    year: Mapped[int] = mapped_column(server_default=FetchedValue())
    record_title: Mapped[str]
    record_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    receiver_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    state: Mapped[SubmissionState] = enum_column(SubmissionState, default=SubmissionState.SUBMITTED)
    purpose: Mapped[Purpose] = enum_column(Purpose)
    topic_id: Mapped[UUID | None] = mapped_column(ForeignKey("topics.id"))
    media_name: Mapped[str | None]
    approval_id: Mapped[UUID | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("submissions.id"), index=True)
    origin_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"), index=True)
    level: Mapped[int] = mapped_column(default=1)
    round: Mapped[int] = mapped_column(default=1)
    submitted_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime] = mapped_column(default=clock.now)
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    received_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    deadline_on: Mapped[date | None]
    opinion: Mapped[str | None]
    reason: Mapped[str | None]
    marks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)

    __table_args__ = (
        ForeignKeyConstraint(["record_id", "version_no"], ["record_versions.record_id", "record_versions.no"]),
        CheckConstraint("(purpose = 'topic') = (topic_id IS NOT NULL)", name="topic"),
        CheckConstraint("(purpose = 'manuscript') = (media_name IS NOT NULL)", name="media"),
        CheckConstraint("(level = 1) = (parent_id IS NULL)", name="level"),
        CheckConstraint("(parent_id IS NULL) = (origin_id = id)", name="origin"),
        CheckConstraint("round > 0", name="round"),
        CheckConstraint(
            "state IN ('submitted', 'withdrawn') OR (received_at IS NOT NULL AND received_by IS NOT NULL)",
            name="received",
        ),
        CheckConstraint("state NOT IN ('accepted', 'returned', 'archived') OR decided_at IS NOT NULL", name="decided"),
        CheckConstraint("(state = 'archived') = (archived_at IS NOT NULL)", name="archived"),
        # One place has one living submission of a record.
        Index(
            "uq_submissions_live",
            *("record_id", "receiver_unit_id", "purpose", "topic_id", "media_name"),
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_submissions_submitted", "submitted_at", "id"),
        Index("ix_submissions_sent", "unit_id", "submitted_at", "id"),
        Index("ix_submissions_received", "receiver_unit_id", "submitted_at", "id"),
        Index("ix_submissions_received_state", "receiver_unit_id", "state", "submitted_at", "id"),
        Index("ix_submissions_record_unit", "record_unit_id", "state", "submitted_at"),
        Index(
            "ix_submissions_collected",
            *("receiver_unit_id", "year", "decided_at", "id"),
            postgresql_where=_IN_BOOKS,
        ),
        Index("ix_submissions_own", "record_unit_id", "year", "decided_at", "id", postgresql_where=_IN_BOOKS),
        Index("ix_submissions_topic", "topic_id", "state", postgresql_where=text("topic_id IS NOT NULL")),
        Index("ix_submissions_deadline", "deadline_on", "id", postgresql_where=_OPEN),
        Index(
            "ix_submissions_title",
            "record_title",
            postgresql_using="gin",
            postgresql_ops={"record_title": "gin_trgm_ops"},
        ),
    )


class SubmissionRound(Base):
    """One sending of a submission and how it ended: after a return, the next version is the next round."""

    __tablename__ = "submission_rounds"

    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    version_no: Mapped[int]
    submitted_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    submitted_at: Mapped[datetime]
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    received_at: Mapped[datetime | None]
    outcome: Mapped[RoundOutcome | None] = enum_column(RoundOutcome)
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    marks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)

    __table_args__ = (
        CheckConstraint("no > 0", name="no"),
        CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name="decided"),
    )


class SubmissionNode(Base):
    """A catalogue node that the version sent is filed under, by itself or by a link."""

    __tablename__ = "submission_nodes"

    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("catalogue_nodes.id"), primary_key=True)

    __table_args__ = (Index("ix_submission_nodes_node_id", "node_id", "submission_id"),)
