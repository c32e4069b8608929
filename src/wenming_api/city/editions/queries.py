"""Reads of indicator systems and of their whole content."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.editions.rules import (
    Content,
    ContentIndicator,
    ContentStandard,
    content_hash,
    publication_faults,
)
from wenming_api.city.editions.schemas import (
    FaultOut,
    LevelCount,
    ListCount,
    PublicationCheck,
    SystemOut,
    SystemRow,
    SystemSort,
)
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard
from wenming_api.city.standards.queries import SystemNotFound, manageable, ordered_standards
from wenming_api.city.standards.rules import ListKind, SystemState
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page

_SORTS = {
    "created_at": IndicatorSystem.created_at,
    "code": IndicatorSystem.code,
    "name": IndicatorSystem.name,
}
_OF_SYSTEM = Standard.system_id == IndicatorSystem.id
_COUNTS = {
    "indicator_count": select(func.count())
    .where(Indicator.system_id == IndicatorSystem.id)
    .correlate(IndicatorSystem)
    .scalar_subquery(),
    "standard_count": select(func.count())
    .select_from(Standard)
    .where(_OF_SYSTEM)
    .correlate(IndicatorSystem)
    .scalar_subquery(),
    "max_score": select(func.coalesce(func.sum(Standard.max_score), 0))
    .where(_OF_SYSTEM, Standard.list_kind == ListKind.REGULAR)
    .correlate(IndicatorSystem)
    .scalar_subquery(),
}


def _rows() -> Select[Any]:
    return select(
        *(
            _COUNTS[name].label(name) if name in _COUNTS else getattr(IndicatorSystem, name)
            for name in SystemRow.model_fields
        )
    )


async def list_systems(
    session: AnySession,
    *,
    params: PageParams,
    sort: SystemSort = SystemSort.NEWEST,
    q: str | None = None,
    state: SystemState | None = None,
) -> Page[SystemRow]:
    """Systems with their counts. Two statements."""
    statement = _rows()
    if q is not None:
        matches = (contains(column, q) for column in (IndicatorSystem.name, IndicatorSystem.code))
        statement = statement.where(or_(*matches))
    if state is not None:
        statement = statement.where(IndicatorSystem.state == state)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=IndicatorSystem.id, into=SystemRow)


async def read_system(session: AnySession, *, caller: Principal, system_id: UUID) -> SystemOut:
    """One system with counts by level and list, and what the caller may do. Three statements."""
    more = ("level_names", "methods", "description", "source", "cloned_from_id", "retired_at", "content_hash",
            "updated_at")  # fmt: skip
    statement = _rows().add_columns(*(getattr(IndicatorSystem, name) for name in more))
    found = await session.execute(statement.where(IndicatorSystem.id == system_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise SystemNotFound
    by_level = await session.execute(
        select(Indicator.level, func.count().label("indicators"))
        .where(Indicator.system_id == system_id)
        .group_by(Indicator.level)
    )
    levels = {row.level: row.indicators for row in by_level}
    by_list = await session.execute(
        select(Standard.list_kind, func.count(), func.sum(Standard.max_score))
        .where(Standard.system_id == system_id)
        .group_by(Standard.list_kind)
    )
    lists = {kind: (count, most) for kind, count, most in by_list}
    return SystemOut(
        **row,
        levels=[
            LevelCount(level=level, name=name, count=levels.get(level, 0))
            for level, name in enumerate(row["level_names"], start=1)
        ],
        lists=[
            ListCount(list_kind=kind, count=count, max_score=most)
            for kind in ListKind
            for count, most in (lists.get(kind, (0, Decimal(0))),)
        ],
        allowed_actions=_actions(caller, row["state"], row["standard_count"]),
    )


def _actions(caller: Principal, state: SystemState, standards: int) -> list[AllowedAction]:
    manage = manageable(caller, state)
    may_publish = (caller.may(Permission.STANDARDS_PUBLISH), "没有“发布测评体系”权限")
    draft, published = state is SystemState.DRAFT, state is SystemState.PUBLISHED
    return [
        action("update", "修改", *manage),
        action("delete", "删除", *manage),
        action("import", "导入", *manage),
        action("publish", "发布", may_publish, (draft, f"体系{state.label}"), (standards > 0, "还没有测评标准")),
        action("retire", "停用", may_publish, (published, f"体系为{state.label}，只有已发布的可以停用")),
        action("clone", "克隆", manage[0], (not draft, "草稿可直接修改，不必克隆")),
    ]


async def check_publication(session: AnySession, *, system_id: UUID) -> PublicationCheck:
    """What still keeps a system from being published. Three statements."""
    content = await read_content(session, system_id=system_id)
    faults = publication_faults(content)
    return PublicationCheck(
        publishable=not faults,
        faults=[FaultOut(pointer=fault.pointer, message=fault.message) for fault in faults],
        content_hash=content_hash(content),
    )


async def read_content(session: AnySession, *, system_id: UUID) -> Content:
    """All that is in a system, in printed order. Three statements whatever its size."""
    head = (
        await session.execute(
            select(IndicatorSystem.level_names, IndicatorSystem.methods).where(IndicatorSystem.id == system_id)
        )
    ).one_or_none()
    if head is None:
        raise SystemNotFound
    indicators = (
        await session.execute(
            select(Indicator.id, Indicator.parent_id, Indicator.level, Indicator.code, Indicator.name)
            .where(Indicator.system_id == system_id)
            .order_by(Indicator.level, Indicator.position, Indicator.id)
        )
    ).all()
    codes = {row.id: row.code for row in indicators}
    children: dict[UUID | None, list[Any]] = {}
    for row in indicators:
        children.setdefault(row.parent_id, []).append(row)
    standards = await session.execute(ordered_standards(system_id))
    return Content(
        level_names=tuple(head.level_names),
        methods={method["code"]: method["name"] for method in head.methods},
        indicators=tuple(
            ContentIndicator(row.code, codes.get(row.parent_id), row.level, row.name)
            for row in _depth_first(children, None)
        ),
        standards=tuple(
            ContentStandard(
                code=row["code"],
                indicator_code=codes[row["indicator_id"]],
                text=row["text"],
                list_kind=row["list_kind"],
                max_score=row["max_score"],
                methods=tuple(row["methods"]),
                rule=row["rule"],
                requires_photo=row["requires_photo"],
                site_types=tuple(row["site_type_codes"]),
                duties=tuple(UUID(duty["unit_id"]) for duty in row["duties"]),
                evidence=tuple(row["evidence"]),
                note=row["note"],
                source=row["source"],
            )
            for row in standards.mappings()
        ),
    )


def _depth_first(children: dict[UUID | None, list[Any]], parent: UUID | None) -> list[Any]:
    found = []
    for row in children.get(parent, []):
        found.append(row)
        found += _depth_first(children, row.id)
    return found
