"""Tables of plans."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.workflow.plans.rules import PlanState, TaskPart


class Plan(Keyed, UnitMember, Stamped, Versioned, Base):
    """A year's plan of one unit. A plan received from above names it in `source_plan_id`, and the first of the line
    in `root_id` (its own id when it is the first)."""

    __tablename__ = "plans"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    title: Mapped[str]
    year: Mapped[int]
    note: Mapped[str] = mapped_column(default="")
    state: Mapped[PlanState] = enum_column(PlanState, default=PlanState.DRAFT)
    warn_days: Mapped[int] = mapped_column(default=15)
    revision: Mapped[int] = mapped_column(default=0)
    source_plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    root_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), index=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    published_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year"),
        CheckConstraint("warn_days BETWEEN 0 AND 90", name="warn_days"),
        UniqueConstraint("source_plan_id", "unit_id"),
        Index("ix_plans_unit_id_year", "unit_id", "year"),
    )


class PlanTask(Keyed, Stamped, Versioned, Base):
    """A task of a plan. What came from above (`source_task_id`) is not the receiver's to change; `progress` is in per
    cent: reported for a task without parts, else the mean of its parts, or of the units that received it."""

    __tablename__ = "plan_tasks"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan_tasks.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    title: Mapped[str]
    requirement: Mapped[str] = mapped_column(default="")
    starts_on: Mapped[date | None]
    due_on: Mapped[date | None]
    source_task_id: Mapped[UUID | None] = mapped_column(ForeignKey("plan_tasks.id"), index=True)
    withdrawn: Mapped[bool] = mapped_column(default=False)
    progress: Mapped[Decimal] = mapped_column(Numeric(5, 2), default=Decimal(0))
    done_on: Mapped[date | None]
    reminded_on: Mapped[date | None]

    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        CheckConstraint("(progress = 100) = (done_on IS NOT NULL)", name="done"),
        CheckConstraint("starts_on <= due_on", name="dates"),
        Index("ix_plan_tasks_plan_id_position", "plan_id", "position"),
        Index("ix_plan_tasks_due", "due_on", postgresql_where=text("done_on IS NULL")),
    )


class PlanTaskUnit(Base):
    """A unit that a task names: one leads, others help."""

    __tablename__ = "plan_task_units"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("plan_tasks.id", ondelete="CASCADE"), primary_key=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), primary_key=True, index=True)
    part: Mapped[TaskPart] = enum_column(TaskPart)
    position: Mapped[int]

    __table_args__ = (Index("uq_plan_task_units_lead", "task_id", unique=True, postgresql_where=text("part = 'lead'")),)


class PlanRevision(Base):
    """A plan as it was published: its tasks, to whom, why. Never changed."""

    __tablename__ = "plan_revisions"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    tasks: Mapped[list[dict[str, Any]]]
    unit_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    reason: Mapped[str]
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=clock.now)


class PlanReport(Keyed, Base):
    """What a unit reported on a task of its plan. Never changed."""

    __tablename__ = "plan_reports"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("plan_tasks.id", ondelete="CASCADE"))
    progress: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    text: Mapped[str]
    file_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    reported_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    reported_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
        Index("ix_plan_reports_task_id_id", "task_id", "id"),
    )
