"""Tables of activities."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.activities.events.rules import ActivityKind, ActivityState, MarkKind
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column


class Activity(Keyed, UnitMember, OwnerScoped, Stamped, Versioned, Base):
    """An activity (创建活动), from its plan on; `unit_id` organises it, `owner_id` planned it.

    `fields` are the template's own fields of the plan. `content_no` numbers the newest content (0: none yet).
    `record_id` is the ledger record it has become. `released_at`: since when it may be shared with the public.
    """

    __tablename__ = "activities"

    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    title: Mapped[str]
    kind: Mapped[ActivityKind] = enum_column(ActivityKind)
    activity_type: Mapped[str]
    template_version_id: Mapped[UUID | None] = mapped_column(ForeignKey("activity_template_versions.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    topic_id: Mapped[UUID | None] = mapped_column(index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    place: Mapped[str]
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(11, 8))
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(10, 8))
    expected: Mapped[int | None]
    purpose: Mapped[str]
    fields: Mapped[dict[str, Any]]
    state: Mapped[ActivityState] = enum_column(ActivityState, default=ActivityState.PLANNED)
    state_since: Mapped[datetime]
    reason: Mapped[str | None]
    approval_id: Mapped[UUID | None]
    content_no: Mapped[int] = mapped_column(default=0)
    record_id: Mapped[UUID | None] = mapped_column(index=True)
    released_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))

    __table_args__ = (
        CheckConstraint("starts_at <= ends_at", name="times"),
        CheckConstraint("(longitude IS NULL) = (latitude IS NULL)", name="place"),
        CheckConstraint("state <> 'recorded' OR record_id IS NOT NULL", name="recorded"),
        CheckConstraint("state NOT IN ('held', 'recorded') OR content_no > 0", name="content"),
        CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name="released"),
        Index("ix_activities_starts_at", "starts_at", "id"),
        Index("ix_activities_state", "state", "region_path"),
    )


class ActivityNode(Base):
    """A category (小类) of the ledger that an activity belongs to."""

    __tablename__ = "activity_nodes"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True)
    node_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    position: Mapped[int]


class ActivityPartner(Base):
    """A unit that organises an activity together with others (协办单位); it sees the activity."""

    __tablename__ = "activity_partners"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True, index=True)


class ActivityStep(Keyed, Base):
    """One step in the life of an activity, in the order of `no`; never changed."""

    __tablename__ = "activity_steps"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"))
    no: Mapped[int]
    action: Mapped[str]
    state: Mapped[ActivityState] = enum_column(ActivityState)
    details: Mapped[dict[str, Any]]
    reason: Mapped[str | None]
    by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    by_name: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (UniqueConstraint("activity_id", "no"),)


class ActivityMark(Keyed, Versioned, Base):
    """A mark given to an activity by `unit_id`, a unit above the organiser; revoked ones stay as history."""

    __tablename__ = "activity_marks"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), index=True)
    kind: Mapped[MarkKind] = enum_column(MarkKind)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    reason: Mapped[str]
    given_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    given_at: Mapped[datetime] = mapped_column(default=clock.now)
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]
    revoke_reason: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_activity_marks_standing",
            "activity_id",
            "kind",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="revoke_reason"),
    )


class ActivityLink(Base):
    """`child_id` is part of `parent_id`; attached by a user of the parent's unit, or of a unit above it."""

    __tablename__ = "activity_links"

    parent_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True, index=True)
    attached_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    attached_at: Mapped[datetime] = mapped_column(default=clock.now)
    reason: Mapped[str | None]

    __table_args__ = (CheckConstraint("parent_id <> child_id", name="not_itself"),)
