"""Reads of units. A unit is seen by its region, or by its place in the chain of managing units."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Department, Unit
from wenming_api.system.units.schemas import UnitDetail, UnitOut, UnitSort

_managing = aliased(Unit)
_JOINED = {"region_name": Region.full_name, "managing_unit_name": _managing.name}
_COLUMNS = [_JOINED[name].label(name) if name in _JOINED else getattr(Unit, name) for name in UnitOut.model_fields]
_SORTS = {
    "number": Unit.number,
    "name": Unit.name,
    "region_path": Unit.region_path,
    "created_at": Unit.created_at,
}


def _seen(scope: Scope, *more: Any) -> Select[Any]:
    return (
        select(*_COLUMNS, *more)
        .join(Region, Region.id == Unit.region_id)
        .outerjoin(_managing, _managing.id == Unit.managing_unit_id)
        .where(scope.where(Unit))
    )


async def list_units(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: UnitSort = UnitSort.NUMBER,
    under: str | None = None,
    managing_unit_id: UUID | None = None,
    below: str | None = None,
    category_code: str | None = None,
    industry_code: str | None = None,
    civility_level_code: str | None = None,
    q: str | None = None,
    active: bool | None = None,
) -> Page[UnitOut]:
    """Units that match every filter given; `under` is a region path, `below` a unit path, both with what they hold."""
    statement = _seen(scope)
    for column, value in (
        (Unit.managing_unit_id, managing_unit_id),
        (Unit.category_code, category_code),
        (Unit.industry_code, industry_code),
        (Unit.civility_level_code, civility_level_code),
        (Unit.active, active),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if under is not None:
        statement = statement.where(Unit.region_path.startswith(under, autoescape=True))
    if below is not None:
        statement = statement.where(Unit.unit_path.startswith(below, autoescape=True))
    if q is not None:
        statement = statement.where(contains(Unit.name, q) | contains(Unit.short_name, q) | (Unit.credit_code == q))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Unit.id, into=UnitOut)


async def read_unit(session: AnySession, *, caller: Principal, unit_id: UUID) -> UnitDetail:
    """One unit with what the caller may do with it, in one statement; `NotFound`."""
    below = aliased(Unit)
    subordinates = select(func.count()).where(below.managing_unit_id == Unit.id, below.active)
    departments = select(func.count()).where(Department.unit_id == Unit.id, Department.active)
    found = await session.execute(
        _seen(
            caller.scope,
            Unit.version,
            Unit.created_at,
            Unit.updated_at,
            subordinates.correlate(Unit).scalar_subquery().label("subordinates"),
            departments.correlate(Unit).scalar_subquery().label("departments"),
        ).where(Unit.id == unit_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (caller.may(Permission.UNITS_MANAGE), "需要“维护单位”权限")
    in_use = (row["active"], "单位已停用")
    alone = (row["subordinates"] == 0, f"还管理着 {row['subordinates']} 个在用单位")
    return UnitDetail(
        **row,
        allowed_actions=[
            action("update", "修改", permitted),
            action("move", "调整管理单位", permitted),
            action("disable", "停用", permitted, in_use, alone),
            action("enable", "启用", permitted, (not row["active"], "单位在用")),
            action("departments", "新增处室", permitted, in_use),
        ],
    )
