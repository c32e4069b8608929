"""Tables of approvals."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.workflow.approvals.rules import ApprovalState


class Approval(Keyed, UnitMember, Stamped, Versioned, Base):
    """The approval of one version of a subject. The unit is the one whose matter it is.

    `flow` keeps the steps as they were when it began: `{"name": …, "steps": [PlannedStep, …]}`. `position` is the step
    it stands at, from 1; `due_on` the day by which that step is to be decided (Asia/Shanghai).
    """

    __tablename__ = "approvals"

    kind: Mapped[str]
    subject_id: Mapped[UUID]
    subject_version: Mapped[int]
    title: Mapped[str]
    state: Mapped[ApprovalState] = enum_column(ApprovalState, default=ApprovalState.PENDING)
    flow_id: Mapped[UUID | None] = mapped_column(ForeignKey("approval_flows.id"), index=True)
    flow: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(default=1)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    receiver_unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    due_on: Mapped[date | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_approvals_kind_subject_id",
            "kind",
            "subject_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_approvals_subject_id", "subject_id"),
        Index("ix_approvals_author_id_created_at", "author_id", "created_at"),
        Index("ix_approvals_created_at_id", "created_at", "id"),
        Index("ix_approvals_due_on", "due_on", "id", postgresql_where=text("state = 'pending'")),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="end"),
    )


class ApprovalTurn(Keyed, Base):
    """A step that an approval has come to: whose people decide, and what was decided by whom in whose place.

    `told_at`: when its deciders were told that it waits.
    """

    __tablename__ = "approval_turns"

    approval_id: Mapped[UUID] = mapped_column(ForeignKey("approvals.id"))
    position: Mapped[int]
    name: Mapped[str]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    permission: Mapped[str]
    state: Mapped[ApprovalState] = enum_column(ApprovalState, default=ApprovalState.PENDING)
    since: Mapped[datetime]
    due_on: Mapped[date | None]
    told_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    on_behalf_of: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    marks: Mapped[list[dict[str, Any]]] = mapped_column(default=list)

    __table_args__ = (
        UniqueConstraint("approval_id", "position"),
        Index("ix_approval_turns_waiting", "unit_id", "permission", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_approval_turns_untold",
            "since",
            postgresql_where=text("state = 'pending' AND told_at IS NULL"),
        ),
        Index("ix_approval_turns_decided_by_decided_at", "decided_by", "decided_at"),
        Index("ix_approval_turns_unit_id", "unit_id"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="end"),
        CheckConstraint("state NOT IN ('approved', 'returned') OR decided_by IS NOT NULL", name="decider"),
        CheckConstraint("state <> 'returned' OR reason IS NOT NULL", name="reason"),
        CheckConstraint("on_behalf_of <> decided_by", name="behalf"),
    )
