"""Reads of activities: those in the caller's scope, and those that his unit helps to organise."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, exists, func, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.activities.events.models import (
    Activity,
    ActivityLink,
    ActivityMark,
    ActivityNode,
    ActivityPartner,
    ActivityStep,
)
from wenming_api.activities.events.rules import STEPS, ActivityAction, ActivityKind, ActivityState, refusal_of
from wenming_api.activities.events.schemas import (
    ActivityCounts,
    ActivityDetail,
    ActivityRow,
    ActivitySort,
    ActivityStepOut,
    ActivitySubmissionOut,
    RelatedActivity,
)
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import Standing

_A = Activity
_ROW: tuple[Any, ...] = (
    *(getattr(_A, name) for name in ActivityRow.model_fields if hasattr(_A, name)),
    Unit.name.label("unit_name"),
)
_SORTS = {"starts_at": _A.starts_at, "number": _A.number, "title": _A.title}


class CountBy(StrEnum):
    """活动数量的统计口径"""

    TYPE = "activity_type"
    KIND = "kind"
    REGION = "region_path"
    STATE = "state"
    MONTH = "month"


def visible(caller: Principal) -> ColumnElement[bool]:
    """Activities in scope, and those that the caller's unit helps to organise."""
    partner = exists().where(ActivityPartner.activity_id == _A.id, ActivityPartner.unit_id == caller.unit_id)
    return caller.scope.where(_A, also=(partner,))


def _marked(kind: str | None = None) -> ColumnElement[bool]:
    standing = exists().where(ActivityMark.activity_id == _A.id, ActivityMark.revoked_at.is_(None))
    return standing if kind is None else standing.where(ActivityMark.kind == kind)


def _labels(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind_label": row["kind"].label, "state_label": row["state"].label}


async def _marks_of(session: AnySession, ids: list[UUID]) -> dict[UUID, list[str]]:
    found = await session.execute(
        select(ActivityMark.activity_id, ActivityMark.kind)
        .where(ActivityMark.activity_id.in_(ids), ActivityMark.revoked_at.is_(None))
        .order_by(ActivityMark.kind)
    )
    marks: dict[UUID, list[str]] = {}
    for activity_id, kind in found:
        marks.setdefault(activity_id, []).append(kind.value)
    return marks


def filtered(
    statement: Select[Any],
    *,
    kind: ActivityKind | None = None,
    state: ActivityState | None = None,
    activity_type: str | None = None,
    node_id: UUID | None = None,
    unit_id: UUID | None = None,
    under: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    marked: bool | None = None,
    q: str | None = None,
) -> Select[Any]:
    """Activities that match every filter given; `since` to `until`: that take place at any time between."""
    for column, value in (
        (_A.kind, kind),
        (_A.state, state),
        (_A.activity_type, activity_type),
        (_A.unit_id, unit_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if node_id is not None:
        statement = statement.where(exists().where(ActivityNode.activity_id == _A.id, ActivityNode.node_id == node_id))
    if under is not None:
        statement = statement.where(_A.region_path.startswith(under, autoescape=True))
    if since is not None:
        statement = statement.where(_A.ends_at >= since)
    if until is not None:
        statement = statement.where(_A.starts_at < until)
    if marked is not None:
        statement = statement.where(_marked() if marked else ~_marked())
    if q is not None:
        statement = statement.where(contains(_A.title, q))
    return statement


def seen(caller: Principal, *more: Any) -> Select[Any]:
    """Rows of activities that the caller sees."""
    return select(*_ROW, *more).join(Unit, Unit.id == _A.unit_id).where(visible(caller))


async def list_activities(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: ActivitySort = ActivitySort.LATEST,
    **filters: Any,
) -> Page[ActivityRow]:
    """Activities that match every filter given, in two statements."""
    marks = (
        select(func.array_agg(cast(ActivityMark.kind, Text)))
        .where(ActivityMark.activity_id == _A.id, ActivityMark.revoked_at.is_(None))
        .correlate(_A)
        .scalar_subquery()
    )
    statement = filtered(seen(caller, marks.label("marks")), **filters)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns=_SORTS,
        key=_A.id,
        into=ActivityRow,
        extra=lambda row: _labels(row) | {"marks": sorted(row["marks"] or [])},
    )


async def count_activities(
    session: AnySession, *, caller: Principal, by: CountBy, **filters: Any
) -> list[ActivityCounts]:
    """How many activities there are by type, kind, region, state or month, and how many of them are marked (A7)."""
    month = func.to_char(func.timezone("Asia/Shanghai", _A.starts_at), "YYYY-MM")
    key = month if by is CountBy.MONTH else getattr(_A, by.value)
    statement = filtered(
        select(
            key.label("key"),
            func.count().label("count"),
            func.count().filter(_A.state == ActivityState.RECORDED).label("recorded"),
            func.count().filter(_marked()).label("excellent"),
        ).where(visible(caller)),
        **filters,
    )
    found = await session.execute(statement.group_by(key).order_by(key))
    return [ActivityCounts.model_validate(dict(row) | {"key": str(row["key"])}) for row in found.mappings()]


async def _related(session: AnySession, activity_id: UUID, *, up: bool) -> list[RelatedActivity]:
    mine, theirs = (
        (ActivityLink.child_id, ActivityLink.parent_id) if up else (ActivityLink.parent_id, ActivityLink.child_id)
    )
    found = await session.execute(
        select(_A.id, _A.title, Unit.name.label("unit_name"), _A.state)
        .join(ActivityLink, theirs == _A.id)
        .join(Unit, Unit.id == _A.unit_id)
        .where(mine == activity_id)
        .order_by(_A.starts_at, _A.id)
    )
    return [RelatedActivity.model_validate(dict(row)) for row in found.mappings()]


async def _submissions(session: AnySession, record_id: UUID | None) -> list[ActivitySubmissionOut]:
    if record_id is None:
        return []
    receiver = aliased(Unit)
    found = await session.execute(
        select(
            Submission.id,
            Submission.receiver_unit_id,
            receiver.name.label("receiver_unit_name"),
            Submission.purpose,
            Submission.state,
            Submission.version_no,
            Submission.submitted_at,
        )
        .join(receiver, receiver.id == Submission.receiver_unit_id)
        .where(Submission.record_id == record_id)
        .order_by(Submission.submitted_at, Submission.id)
    )
    return [
        ActivitySubmissionOut.model_validate(dict(row) | {"state_label": row["state"].label})
        for row in found.mappings()
    ]


async def read_activity(session: AnySession, *, caller: Principal, activity_id: UUID) -> ActivityDetail:
    """One activity with all that hangs on it and what the caller may do, in at most ten statements; `NotFound`."""
    found = await session.execute(seen(caller, _A).where(_A.id == activity_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    one: Activity = row["Activity"]
    nodes = await session.scalars(
        select(ActivityNode.node_id).where(ActivityNode.activity_id == one.id).order_by(ActivityNode.position)
    )
    partners = await session.scalars(select(ActivityPartner.unit_id).where(ActivityPartner.activity_id == one.id))
    steps = await session.scalars(
        select(ActivityStep).where(ActivityStep.activity_id == one.id).order_by(ActivityStep.no)
    )
    standing: Standing | None = None
    if one.approval_id is not None and one.state is ActivityState.IN_APPROVAL:
        standing = (await standings(session, caller=caller, approval_ids=[one.approval_id])).get(one.approval_id)
    plain = {name: getattr(one, name) for name in ActivityDetail.model_fields if hasattr(one, name)}
    return ActivityDetail.model_validate(
        {
            **plain,
            **_labels(row),
            "unit_name": row["unit_name"],
            "marks": (await _marks_of(session, [one.id])).get(one.id, []),
            "node_ids": list(nodes),
            "partner_ids": list(partners),
            "steps": [ActivityStepOut.model_validate(step) for step in steps],
            "approval": standing,
            "submissions": await _submissions(session, one.record_id),
            "parents": await _related(session, one.id, up=True),
            "children": await _related(session, one.id, up=False),
            "allowed_actions": allowed_actions(one, caller=caller, standing=standing),
        }
    )


def allowed_actions(one: Activity, *, caller: Principal, standing: Standing | None) -> list[AllowedAction]:
    """What the caller may do with an activity, and why not the rest."""

    def holds(permission: Permission) -> tuple[bool, str]:
        return caller.may(permission), f"需要“{permission.label}”权限"

    def step(name: ActivityAction) -> tuple[bool, str]:
        refusal = refusal_of(name, one.state, one.kind)
        return refusal is None, refusal or ""

    writes, own = holds(Permission.ACTIVITIES_WRITE), (caller.unit_id == one.unit_id, "只有主办单位可以操作")
    turn = (standing is not None and standing.may_decide, (standing.why_not if standing else None) or "不在审批中")
    above = (
        bool(one.unit_path) and one.unit_id != caller.unit_id and str(one.unit_path).startswith(caller.unit_path),
        "由主办单位的管理单位办理",
    )
    held = (one.content_no > 0, "活动尚未开展")
    acts = ActivityAction
    decides = {acts.APPROVE, acts.RETURN}
    return [
        *(
            action(
                name.value,
                STEPS[name].label,
                *(
                    (holds(Permission.ACTIVITIES_REVIEW), step(name), turn)
                    if name in decides
                    else (writes, own, step(name))
                ),
            )
            for name in acts
        ),
        action("marks", "评定优秀或示范", holds(Permission.ACTIVITIES_MARK), above, held),
        action(
            "release", "允许对外分享", holds(Permission.ACTIVITIES_RELEASE), held, (one.released_at is None, "已允许")
        ),
        action("shares", "生成分享", writes, own, (one.released_at is not None, "尚未允许对外分享")),
    ]
