"""Reads of a plan's publications."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import NotFound
from wenming_api.system.users.models import User
from wenming_api.workflow.plan_releases.schemas import (
    PlanFieldChange,
    PlanRevisionDetail,
    PlanRevisionOut,
    PlanTaskChange,
)
from wenming_api.workflow.plans.models import PlanRevision
from wenming_api.workflow.plans.queries import require
from wenming_api.workflow.plans.rules import changes_between


async def list_revisions(session: AnySession, *, caller: Principal, plan_id: UUID) -> list[PlanRevisionOut]:
    """Every publication of a plan, the latest first."""
    await require(session, caller, plan_id)
    rows = await session.execute(_revision(plan_id).order_by(PlanRevision.no.desc()))
    return [PlanRevisionOut.model_validate(dict(row)) for row in rows.mappings()]


def _revision(plan_id: UUID, *more: Any) -> Any:
    return (
        select(
            *(PlanRevision.no, PlanRevision.reason, PlanRevision.made_at),
            User.display_name.label("made_by_name"),
            func.jsonb_array_length(PlanRevision.tasks).label("tasks"),
            func.cardinality(PlanRevision.unit_ids).label("units"),
            *more,
        )
        .outerjoin(User, User.id == PlanRevision.made_by)
        .where(PlanRevision.plan_id == plan_id)
    )


async def read_revision(session: AnySession, *, caller: Principal, plan_id: UUID, no: int) -> PlanRevisionDetail:
    """One publication and what it changed; `NotFound`."""
    await require(session, caller, plan_id)
    rows = await session.execute(
        _revision(plan_id, PlanRevision.tasks.label("snapshot"))
        .where(PlanRevision.no.in_([no, no - 1]))
        .order_by(PlanRevision.no)
    )
    by_no = {row["no"]: row for row in rows.mappings()}
    if no not in by_no:
        raise NotFound
    before: list[dict[str, Any]] = by_no[no - 1]["snapshot"] if no - 1 in by_no else []
    return PlanRevisionDetail(
        **by_no[no],
        changes=[
            PlanTaskChange(
                task_id=UUID(one.task_id),
                title=one.title,
                change=one.change,
                fields=[PlanFieldChange(field=name, before=old, after=new) for name, (old, new) in one.fields.items()],
            )
            for one in changes_between(before, by_no[no]["snapshot"])
        ],
    )
