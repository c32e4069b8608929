"""Reads of destinations: which there are for a unit, and what those wanted stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, or_, select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.problems import FieldError, InvalidInput
from wenming_api.ledgers.destinations.rules import Purpose, may_send_to
from wenming_api.ledgers.destinations.schemas import Destination, DestinationsOut, OpenTopicOut, ReceiverOut
from wenming_api.ledgers.topics.models import WorkTopic
from wenming_api.ledgers.topics.queries import concerns
from wenming_api.ledgers.topics.rules import TopicState, closed_to
from wenming_api.system.units.models import Unit

_TOPICS_OFFERED = 100


@dataclass(frozen=True, slots=True)
class Receiver:
    """A destination that may be sent to."""

    unit_id: UUID
    unit_name: str
    unit_path: str
    region_path: str
    purpose: Purpose
    topic_id: UUID | None
    topic_nodes: frozenset[UUID]
    media_name: str | None


def _above(caller: Principal) -> Any:
    """Units at or above the caller's region, or in his unit's chain of managing units."""
    return or_(
        literal(caller.region_path).startswith(Unit.region_path),
        literal(caller.unit_path).startswith(Unit.unit_path),
    )


async def list_destinations(session: AnySession, *, caller: Principal) -> DestinationsOut:
    """Where the caller's unit may send to today. Two statements."""
    home = select(Unit.managing_unit_id).where(Unit.id == caller.unit_id).scalar_subquery()
    units = await session.execute(
        select(
            Unit.id.label("unit_id"),
            Unit.name.label("unit_name"),
            func.coalesce(Unit.id == home, False).label("manages"),
            Unit.is_civility_office.label("is_office"),
        )
        .where(Unit.active, _above(caller), or_(Unit.is_civility_office, Unit.id == home))
        .order_by(func.length(Unit.region_path).desc(), func.length(Unit.unit_path).desc(), Unit.name, Unit.id)
    )
    today = clock.at_the_edge(clock.now()).date()
    topics = await session.execute(
        select(
            WorkTopic.id.label("topic_id"),
            WorkTopic.name.label("topic_name"),
            WorkTopic.unit_id,
            Unit.name.label("unit_name"),
        )
        .join(Unit, Unit.id == WorkTopic.unit_id)
        .where(
            WorkTopic.state == TopicState.PUBLISHED,
            WorkTopic.opens_on <= today,
            WorkTopic.closes_on >= today,
            Unit.active,
            concerns(caller),
        )
        .order_by(WorkTopic.closes_on, WorkTopic.id)
        .limit(_TOPICS_OFFERED)
    )
    return DestinationsOut(
        receivers=[ReceiverOut.model_validate(dict(row)) for row in units.mappings()],
        topics=[OpenTopicOut.model_validate(dict(row)) for row in topics.mappings()],
    )


async def resolve(session: WriteSession, *, caller: Principal, wanted: Sequence[Destination]) -> list[Receiver]:
    """What the destinations stand for, when the caller's unit may send to all of them. Two statements.

    Topics are held in their state until the transaction ends. The tree is held by whoever calls this.

    Raises:
        InvalidInput: names each destination that is unknown, closed, not above the caller's unit, or given twice.
    """
    today = clock.at_the_edge(clock.now()).date()
    topic_ids = {each.topic_id for each in wanted if each.topic_id is not None}
    topics: dict[UUID, WorkTopic] = {}
    if topic_ids:
        held = select(WorkTopic).where(WorkTopic.id.in_(topic_ids)).order_by(WorkTopic.id).with_for_update(read=True)
        topics = {each.id: each for each in await session.scalars(held.execution_options(populate_existing=True))}
    named = {caller.unit_id} | {each.unit_id for each in topics.values()}
    named |= {each.receiver_unit_id for each in wanted if each.receiver_unit_id}
    home = select(Unit.managing_unit_id).where(Unit.id == caller.unit_id).scalar_subquery()
    found = await session.scalars(select(Unit).where(or_(Unit.id.in_(named), Unit.id == home)))
    units = {each.id: each for each in found}
    sender = units[caller.unit_id]
    receivers: list[Receiver] = []
    errors: list[FieldError] = []
    taken: set[tuple[Any, ...]] = set()
    for index, each in enumerate(wanted):
        at = f"/destinations/{index}"
        topic = topics.get(each.topic_id) if each.topic_id else None
        if each.topic_id is not None and (refused := _closed(topic, sender, today)):
            errors.append(FieldError(f"{at}/topic_id", refused))
            continue
        default = topic.unit_id if topic else sender.managing_unit_id or sender.id
        unit = units.get(each.receiver_unit_id or default)
        refused = _refused(unit, sender, topic)
        if refused is not None or unit is None:
            errors.append(FieldError(f"{at}/receiver_unit_id", refused or "接收单位不存在"))
            continue
        place = (unit.id, each.purpose, each.topic_id, each.media_name)
        if place in taken:
            errors.append(FieldError(at, "与前面的去向重复"))
        taken.add(place)
        nodes = frozenset(topic.node_ids) if topic else frozenset()
        receivers.append(
            Receiver(
                *(unit.id, unit.name, unit.unit_path, unit.region_path),
                *(each.purpose, each.topic_id, nodes, each.media_name),
            )
        )
    if errors:
        raise InvalidInput(errors=errors)
    return receivers


def _closed(topic: WorkTopic | None, sender: Unit, today: Any) -> str | None:
    unknown = "专项工作不存在，或未向本单位发布"
    if topic is None or topic.state is TopicState.DRAFT:
        return unknown
    above = sender.region_path.startswith(topic.region_path) or sender.unit_path.startswith(topic.unit_path or "/")
    if not above:
        return unknown
    return closed_to(topic.state, opens_on=topic.opens_on, closes_on=topic.closes_on, today=today)


def _refused(unit: Unit | None, sender: Unit, topic: WorkTopic | None) -> str | None:
    if unit is None or not unit.active:
        return "接收单位不存在或已停用"
    if topic is not None and unit.id != topic.unit_id:
        return "专项工作由其发布单位接收"
    fits = may_send_to(
        sender_path=sender.unit_path,
        sender_region=sender.region_path,
        receiver_path=unit.unit_path,
        receiver_region=unit.region_path,
        manages=unit.id == sender.managing_unit_id,
        is_office=unit.is_civility_office,
        issues_topic=topic is not None,
    )
    return None if fits else "只能报送给管理单位、本级或上级文明办，或专项工作的发布单位"
