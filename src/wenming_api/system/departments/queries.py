"""Reads of departments. They are seen by whoever sees their unit."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.departments.schemas import DepartmentDetail, DepartmentOut, DepartmentSort
from wenming_api.system.units.models import Department, Unit

_COLUMNS = [getattr(Department, name) for name in DepartmentOut.model_fields]
_SORTS = {"position": Department.position, "name": Department.name}


async def list_departments(
    session: AnySession,
    *,
    scope: Scope,
    unit_id: UUID,
    params: PageParams,
    sort: DepartmentSort = DepartmentSort.POSITION,
    active: bool | None = None,
) -> Page[DepartmentOut]:
    """Departments of one unit; none when the unit is outside the scope."""
    statement = (
        select(*_COLUMNS)
        .join(Unit, Unit.id == Department.unit_id)
        .where(Department.unit_id == unit_id, scope.where(Unit))
    )
    if active is not None:
        statement = statement.where(Department.active == active)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Department.id, into=DepartmentOut)


async def read_department(session: AnySession, *, caller: Principal, department_id: UUID) -> DepartmentDetail:
    """One department with what the caller may do with it; `NotFound`."""
    found = await session.execute(
        select(
            *_COLUMNS,
            Unit.name.label("unit_name"),
            Department.version,
            Department.created_at,
            Department.updated_at,
        )
        .join(Unit, Unit.id == Department.unit_id)
        .where(Department.id == department_id, caller.scope.where(Unit))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (caller.may(Permission.UNITS_MANAGE), "需要“维护单位”权限")
    return DepartmentDetail(**row, allowed_actions=[action("update", "修改", permitted)])
