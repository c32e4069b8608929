"""Changes of departments (M2.2)."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import IllegalTransition, NotFound, check_edited
from wenming_api.system.audit.service import record
from wenming_api.system.departments.schemas import DepartmentCreate, DepartmentUpdate
from wenming_api.system.units.models import Department, Unit


async def create_department(
    session: WriteSession, *, caller: Principal, unit_id: UUID, new: DepartmentCreate
) -> Department:
    """Add a department to a unit in use."""
    found = await session.execute(
        select(Unit.active).where(Unit.id == unit_id, caller.scope.where(Unit)).with_for_update(read=True)
    )
    unit = found.one_or_none()
    if unit is None:
        raise NotFound
    if not unit.active:
        raise IllegalTransition("单位已停用，不能新增处室。", allowed=["enable"])
    department = Department(unit_id=unit_id, **new.model_dump())
    session.add(department)
    await session.flush()  # a taken name must answer before the audit entry is written
    await record(
        session,
        caller=caller,
        action="departments.create",
        target=("department", department.id),
        after={"unit_id": unit_id, **new.model_dump()},
    )
    return department


async def update_department(
    session: WriteSession, *, caller: Principal, department_id: UUID, version: int, changes: DepartmentUpdate
) -> Department:
    """Change a department; one that is not in use keeps its people and history."""
    found = await session.execute(
        select(Department)
        .join(Unit, Unit.id == Department.unit_id)
        .where(Department.id == department_id, caller.scope.where(Unit))
        .with_for_update(of=Department)
    )
    department = found.scalar_one_or_none()
    if department is None:
        raise NotFound
    check_edited(version, department.version)
    given = changes.model_dump(exclude_unset=True, exclude_none=True)
    before = {field: getattr(department, field) for field in given}
    for field, value in given.items():
        setattr(department, field, value)
    await session.flush()  # a taken name must answer here, and the answer carries the new version
    await record(
        session,
        caller=caller,
        action="departments.update",
        target=("department", department.id),
        before=before,
        after=given,
    )
    return department
