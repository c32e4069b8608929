"""Reads of indicators and of the whole tree."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.city.indicators.schemas import IndicatorNode, IndicatorOut, IndicatorTree
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard
from wenming_api.city.standards.queries import SystemNotFound, manageable, standard_rows
from wenming_api.city.standards.rules import ListKind
from wenming_api.city.standards.schemas import StandardRow
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import NotFound


class IndicatorNotFound(NotFound):
    """There is no such indicator in this system."""

    code = "indicator_not_found"
    title = "未找到指标"


async def get_tree(session: AnySession, *, system_id: UUID) -> IndicatorTree:
    """The whole tree with its standards. Three statements whatever its size."""
    head = (
        await session.execute(
            select(IndicatorSystem.state, IndicatorSystem.level_names, IndicatorSystem.version).where(
                IndicatorSystem.id == system_id
            )
        )
    ).one_or_none()
    if head is None:
        raise SystemNotFound
    indicators = await session.execute(
        select(
            Indicator.id,
            Indicator.parent_id,
            Indicator.level,
            Indicator.code,
            Indicator.name,
            Indicator.position,
            Indicator.version,
        )
        .where(Indicator.system_id == system_id)
        .order_by(Indicator.level, Indicator.position, Indicator.id)
    )
    standards = await session.execute(
        standard_rows().where(Standard.system_id == system_id).order_by(Standard.position, Standard.id)
    )
    below: dict[UUID, list[StandardRow]] = defaultdict(list)
    for row in standards.mappings():
        below[row["indicator_id"]].append(StandardRow.model_validate(dict(row)))
    children: dict[UUID | None, list[Any]] = defaultdict(list)
    for node in indicators:
        children[node.parent_id].append(node)
    nodes = [_node(node, children, below) for node in children[None]]
    return IndicatorTree(
        system_id=system_id,
        state=head.state,
        level_names=head.level_names,
        max_score=sum((node.max_score for node in nodes), Decimal(0)),
        standard_count=sum(node.standard_count for node in nodes),
        version=head.version,
        children=nodes,
    )


def _node(
    node: Any, children: Mapping[UUID | None, list[Any]], below: Mapping[UUID, list[StandardRow]]
) -> IndicatorNode:
    inner = [_node(child, children, below) for child in children.get(node.id, [])]
    standards = below.get(node.id, [])
    own = sum((s.max_score for s in standards if s.list_kind is ListKind.REGULAR), Decimal(0))
    return IndicatorNode(
        id=node.id,
        level=node.level,
        code=node.code,
        name=node.name,
        position=node.position,
        version=node.version,
        max_score=own + sum((child.max_score for child in inner), Decimal(0)),
        standard_count=len(standards) + sum(child.standard_count for child in inner),
        children=inner,
        standards=standards,
    )


_COLUMNS = tuple(getattr(Indicator, name) for name in IndicatorOut.model_fields if name in Indicator.__table__.columns)
_child = aliased(Indicator)


async def get_indicator(session: AnySession, *, system_id: UUID, indicator_id: UUID, caller: Principal) -> IndicatorOut:
    """One indicator with its counts. One statement."""
    children = select(func.count()).where(_child.parent_id == Indicator.id).correlate(Indicator)
    standards = select(func.count()).where(Standard.indicator_id == Indicator.id).correlate(Indicator)
    found = await session.execute(
        select(
            *_COLUMNS,
            children.scalar_subquery().label("child_count"),
            standards.scalar_subquery().label("standard_count"),
            IndicatorSystem.state,
            IndicatorSystem.level_names,
        )
        .join(IndicatorSystem, IndicatorSystem.id == Indicator.system_id)
        .where(Indicator.id == indicator_id, Indicator.system_id == system_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise IndicatorNotFound
    manage = manageable(caller, row["state"])
    empty = not row["child_count"] and not row["standard_count"]
    actions = [
        action("update", "修改", *manage),
        action("move", "移动", *manage),
        action("delete", "删除", *manage, (empty, "其下还有指标或标准")),
    ]
    return IndicatorOut.model_validate(
        {**row, "level_name": row["level_names"][row["level"] - 1], "allowed_actions": actions}
    )
