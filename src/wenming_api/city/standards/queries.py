"""Reads of standards. They are reference data of the whole city and are not scoped by rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, Text, func, literal, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, array

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard, StandardDuty, StandardSiteType
from wenming_api.city.standards.rules import ListKind, SystemState
from wenming_api.city.standards.schemas import StandardOut, StandardRow, StandardSort
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.units.models import Unit


class SystemNotFound(NotFound):
    """There is no such indicator system."""

    code = "indicator_system_not_found"
    title = "未找到测评体系"


class StandardNotFound(NotFound):
    """There is no such standard in this system."""

    code = "standard_not_found"
    title = "未找到测评标准"


_SITE_TYPES = func.array(
    select(StandardSiteType.site_type_code)
    .where(StandardSiteType.standard_id == Standard.id)
    .order_by(StandardSiteType.site_type_code)
    .correlate(Standard)
    .scalar_subquery(),
    type_=ARRAY(Text),
)
_DUTIES = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        literal_column("'unit_id'"),
                        StandardDuty.unit_id,
                        literal_column("'unit_name'"),
                        Unit.name,
                        literal_column("'role'"),
                        StandardDuty.role,
                    ),
                    StandardDuty.position,
                )
            ),
            literal([], JSONB),
            type_=JSONB,
        )
    )
    .join(Unit, Unit.id == StandardDuty.unit_id)
    .where(StandardDuty.standard_id == Standard.id)
    .correlate(Standard)
    .scalar_subquery()
)
_ROW_COLUMNS = tuple(
    getattr(Standard, name) for name in StandardRow.model_fields if name not in {"site_type_codes", "duties"}
)


def standard_rows() -> Select[Any]:
    """The columns of `StandardRow`, site types and duties aggregated."""
    return select(*_ROW_COLUMNS, _SITE_TYPES.label("site_type_codes"), _DUTIES.label("duties"))


async def list_standards(
    session: AnySession,
    *,
    system_id: UUID,
    params: PageParams,
    sort: StandardSort = StandardSort.ORDER,
    q: str | None = None,
    indicator_id: UUID | None = None,
    list_kind: ListKind | None = None,
    method: str | None = None,
    site_type_code: str | None = None,
    unit_id: UUID | None = None,
) -> Page[StandardRow]:
    """Standards of a system; an indicator stands for all below it. Three statements."""
    await require_system(session, system_id)
    statement = standard_rows().where(Standard.system_id == system_id)
    if q is not None:
        statement = statement.where(or_(contains(Standard.code, q), contains(Standard.text, q)))
    if indicator_id is not None:
        statement = statement.where(Standard.indicator_id.in_(_subtree(indicator_id)))
    if list_kind is not None:
        statement = statement.where(Standard.list_kind == list_kind)
    if method is not None:
        statement = statement.where(Standard.methods.contains([method]))
    if site_type_code is not None:
        of_type = select(StandardSiteType.standard_id)
        named = of_type.where(StandardSiteType.site_type_code == site_type_code)
        every = ~of_type.where(StandardSiteType.standard_id == Standard.id).exists()
        statement = statement.where(or_(Standard.id.in_(named), every))
    if unit_id is not None:
        responsible = select(StandardDuty.standard_id).where(StandardDuty.unit_id == unit_id)
        statement = statement.where(Standard.id.in_(responsible))
    ordered = _ordered(system_id)
    columns = {"order": ordered.c.path.op("||")(Standard.position), "code": Standard.code}
    columns["max_score"] = Standard.max_score
    statement = statement.join(ordered, ordered.c.id == Standard.indicator_id)
    return await page(session, statement, params, sort=sort, columns=columns, key=Standard.id, into=StandardRow)


def ordered_standards(system_id: UUID) -> Select[Any]:
    """All standards of a system in printed order, with evidence, note and source."""
    ordered = _ordered(system_id)
    return (
        standard_rows()
        .add_columns(Standard.evidence, Standard.note, Standard.source)
        .join(ordered, ordered.c.id == Standard.indicator_id)
        .order_by(ordered.c.path, Standard.position, Standard.id)
    )


def _ordered(system_id: UUID) -> CTE:
    """Every indicator with where it stands in the printed order: the positions from the top down to it."""
    roots = select(Indicator.id, array([Indicator.position]).label("path")).where(
        Indicator.system_id == system_id, Indicator.parent_id.is_(None)
    )
    ordered = roots.cte("ordered", recursive=True)
    return ordered.union_all(
        select(Indicator.id, ordered.c.path.op("||")(Indicator.position)).where(Indicator.parent_id == ordered.c.id)
    )


def _subtree(indicator_id: UUID) -> Select[Any]:
    down = select(Indicator.id).where(Indicator.id == indicator_id).cte("down", recursive=True)
    down = down.union_all(select(Indicator.id).where(Indicator.parent_id == down.c.id))
    return select(down.c.id)


async def require_system(session: AnySession, system_id: UUID) -> None:
    """Raises :class:`SystemNotFound` when there is no such system."""
    if await session.scalar(select(true()).where(IndicatorSystem.id == system_id)) is None:
        raise SystemNotFound


async def get_standard(session: AnySession, *, system_id: UUID, standard_id: UUID, caller: Principal) -> StandardOut:
    """One standard with all it carries. One statement."""
    row = (
        await session.execute(
            standard_rows()
            .add_columns(
                Standard.system_id,
                Standard.evidence,
                Standard.note,
                Standard.source,
                Standard.created_at,
                Standard.updated_at,
                IndicatorSystem.state,
            )
            .join(IndicatorSystem, IndicatorSystem.id == Standard.system_id)
            .where(Standard.id == standard_id, Standard.system_id == system_id)
        )
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise StandardNotFound
    return StandardOut.model_validate({**row, "allowed_actions": _standard_actions(caller, row["state"])})


def _standard_actions(caller: Principal, state: SystemState) -> list[AllowedAction]:
    manage = manageable(caller, state)
    return [
        action("update", "修改", *manage),
        action("move", "移动", *manage),
        action("delete", "删除", *manage),
    ]


def manageable(caller: Principal, state: SystemState) -> tuple[tuple[bool, str], ...]:
    """The checks that every change inside a system depends on, for its allowed actions."""
    return (
        (caller.may(Permission.STANDARDS_MANAGE), "没有“编制测评体系”权限"),
        (state is SystemState.DRAFT, f"体系{state.label}，不可修改；可克隆为新版本"),
    )
