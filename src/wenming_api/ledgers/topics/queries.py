"""Reads of topics. A topic is seen in its unit's scope, and once published by every unit that may send to it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, literal, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.topics.models import WorkTopic
from wenming_api.ledgers.topics.rules import TopicAction, TopicKind, TopicState, closed_to, why_not
from wenming_api.ledgers.topics.schemas import TopicOut, TopicRow, TopicSort
from wenming_api.system.units.models import Unit

_parent = aliased(WorkTopic)
_SORTS = {"created_at": WorkTopic.id, "name": WorkTopic.name, "closes_on": WorkTopic.closes_on}
_NAMED: dict[str, Any] = {"unit_name": Unit.name, "parent_name": _parent.name}
_MADE = {"accepts", "accepts_not", "allowed_actions"}


class TopicNotFound(NotFound):
    """There is no such topic, or it does not concern the caller's unit."""

    code = "topic_not_found"
    title = "未找到专项工作"


def concerns(caller: Principal) -> ColumnElement[bool]:
    """Topics that were published to the caller's unit: by units of its region or above it, or that manage it."""
    published = WorkTopic.state != TopicState.DRAFT
    above = or_(
        literal(caller.region_path).startswith(WorkTopic.region_path),
        literal(caller.unit_path).startswith(WorkTopic.unit_path),
    )
    return and_(published, above)


def visible(caller: Principal) -> ColumnElement[bool]:
    """Topics that the caller sees."""
    return caller.scope.where(WorkTopic, also=(concerns(caller),))


def _columns(fields: list[str]) -> list[Any]:
    return [_NAMED[name].label(name) if name in _NAMED else getattr(WorkTopic, name) for name in fields]


async def list_topics(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: TopicSort = TopicSort.NEWEST,
    kind: TopicKind | None = None,
    state: TopicState | None = None,
    year: int | None = None,
    unit_id: UUID | None = None,
    accepts: bool | None = None,
    q: str | None = None,
) -> Page[TopicRow]:
    """Topics that match every filter given; `accepts`: whether records can be sent to it today. Two statements."""
    statement = select(*_columns(list(TopicRow.model_fields))).join(Unit, Unit.id == WorkTopic.unit_id)
    statement = statement.where(visible(caller))
    for column, value in (
        (WorkTopic.kind, kind),
        (WorkTopic.state, state),
        (WorkTopic.year, year),
        (WorkTopic.unit_id, unit_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if accepts is not None:
        today = clock.at_the_edge(clock.now()).date()
        is_open = and_(
            WorkTopic.state == TopicState.PUBLISHED, WorkTopic.opens_on <= today, WorkTopic.closes_on >= today
        )
        statement = statement.where(is_open if accepts else ~is_open)
    if q is not None:
        statement = statement.where(contains(WorkTopic.name, q))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=WorkTopic.id, into=TopicRow)


async def read_topic(session: AnySession, *, caller: Principal, topic_id: UUID) -> TopicOut:
    """One topic with what the caller may do to it, in one statement; :class:`TopicNotFound`."""
    fields = [name for name in TopicOut.model_fields if name not in _MADE]
    found = await session.execute(
        select(*_columns(fields))
        .join(Unit, Unit.id == WorkTopic.unit_id)
        .outerjoin(_parent, _parent.id == WorkTopic.parent_id)
        .where(WorkTopic.id == topic_id, visible(caller))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise TopicNotFound
    state = row["state"]
    today = clock.at_the_edge(clock.now()).date()
    refused = closed_to(state, opens_on=row["opens_on"], closes_on=row["closes_on"], today=today)
    permitted = (caller.may(Permission.TOPICS_MANAGE), "没有“发布重点工作与专题”权限")
    own = (caller.unit_id == row["unit_id"], "只有发布单位可以操作")
    return TopicOut(
        **row,
        accepts=refused is None,
        accepts_not=refused,
        allowed_actions=[
            action(each.value, each.label, permitted, own, (why_not(state, each) is None, why_not(state, each) or ""))
            for each in TopicAction
        ],
    )
