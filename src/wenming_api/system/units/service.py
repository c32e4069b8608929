"""Changes of units (M2.2)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, func, literal, select, text, update

from wenming_api.access.columns import region_paths_by_unit, unit_path_columns
from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.invalidation import invalidate
from wenming_api.kit.problems import FieldError, IllegalTransition, InvalidInput, NotFound, check_edited, check_judged
from wenming_api.system.audit.service import record
from wenming_api.system.dictionaries.queries import unusable_codes
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.units.models import Unit
from wenming_api.system.units.rules import CATEGORIES, MAX_DEPTH, child_path, depth, lies_below
from wenming_api.system.units.schemas import UnitCreate, UnitMove, UnitUpdate

_OUTSIDE = "不存在，或不在您的数据范围内"
_REQUIRED = ("name", "region_id", "is_civility_office")


async def _locked(session: WriteSession, unit_id: UUID, caller: Principal) -> Unit:
    found = await session.execute(select(Unit).where(Unit.id == unit_id, caller.scope.where(Unit)).with_for_update())
    unit = found.scalar_one_or_none()
    if unit is None:
        raise NotFound
    return unit


async def _managing(session: WriteSession, unit_id: UUID, caller: Principal) -> Unit:
    found = await session.execute(select(Unit).where(Unit.id == unit_id, caller.scope.where(Unit)))
    unit = found.scalar_one_or_none()
    if unit is None or not unit.active:
        raise InvalidInput(errors=[FieldError("/managing_unit_id", f"管理单位{_OUTSIDE}，或已停用")])
    if depth(unit.unit_path) >= MAX_DEPTH:
        raise InvalidInput(errors=[FieldError("/managing_unit_id", f"管理层级不能超过 {MAX_DEPTH} 级")])
    return unit


async def _check_codes(session: WriteSession, given: Mapping[str, Any]) -> None:
    wanted = {field: (CATEGORIES[field], given[field]) for field in CATEGORIES if given.get(field)}
    unusable = await unusable_codes(session, wanted.values())
    faults = [
        FieldError(f"/{field}", "字典中没有这个代码，或已停用") for field, pair in wanted.items() if pair in unusable
    ]
    if faults:
        raise InvalidInput(errors=faults)


async def next_numbers(session: WriteSession, count: int) -> list[int]:
    """Numbers for new units, which their paths are made of."""
    found = await session.execute(
        text("SELECT nextval(pg_get_serial_sequence('units', 'number')) FROM generate_series(1, :count)"),
        {"count": count},
    )
    return list(found.scalars())


async def create_unit(session: WriteSession, *, caller: Principal, new: UnitCreate) -> Unit:
    """Add a unit in a region, below its managing unit; both must lie in the caller's scope."""
    await hold_tree(session)
    managing = await _managing(session, new.managing_unit_id, caller) if new.managing_unit_id else None
    region = await session.get(Region, new.region_id)
    number = (await next_numbers(session, 1))[0]
    path = child_path(managing.unit_path if managing else "", number)
    if region is None or not region.active or not caller.scope.holds_unit(path, region.path):
        raise InvalidInput(errors=[FieldError("/region_id", f"区域{_OUTSIDE}，或已停用")])
    await _check_codes(session, new.model_dump())
    unit = Unit(**new.model_dump(), number=number, unit_path=path, region_path=region.path)
    session.add(unit)
    await session.flush()  # a taken name or credit code must answer before the audit entry is written
    await record(
        session, caller=caller, action="units.create", target=("unit", unit.id), after=new.model_dump(mode="json")
    )
    return unit


async def update_unit(
    session: WriteSession, *, caller: Principal, unit_id: UUID, version: int, changes: UnitUpdate
) -> Unit:
    """Change a unit's own fields; its users follow it into another region."""
    await hold_tree(session)
    unit = await _locked(session, unit_id, caller)
    check_edited(version, unit.version)
    given = changes.model_dump(exclude_unset=True)
    given = {field: value for field, value in given.items() if value is not None or field not in _REQUIRED}
    await _check_codes(session, given)
    before = {field: getattr(unit, field) for field in given}
    if "region_id" in given and given["region_id"] != unit.region_id:
        await _relocate(session, unit, region_id=given["region_id"], caller=caller)
    for field, value in given.items():
        setattr(unit, field, value)
    await session.flush()  # a taken name must answer here, and the answer carries the new version
    await record(session, caller=caller, action="units.update", target=("unit", unit.id), before=before, after=given)
    return unit


async def _relocate(session: WriteSession, unit: Unit, *, region_id: UUID, caller: Principal) -> None:
    region = await session.get(Region, region_id)
    if region is None or not region.active or not caller.scope.holds_unit(unit.unit_path, region.path):
        raise InvalidInput(errors=[FieldError("/region_id", f"区域{_OUTSIDE}，或已停用")])
    unit.region_path = region.path
    for unit_id, path in region_paths_by_unit():
        await session.execute(update(path.table).where(unit_id == unit.id).values({path: region.path}))
    await invalidate(session, "users")


async def move_unit(session: WriteSession, *, caller: Principal, unit_id: UUID, move: UnitMove) -> Unit:
    """Put a unit below another managing unit; the whole subtree and every row that belongs to it follow."""
    await hold_tree(session, moving=True)
    unit = await _locked(session, unit_id, caller)
    check_judged(move.version, unit.version)
    managing = await _managing(session, move.managing_unit_id, caller) if move.managing_unit_id else None
    if managing is not None and lies_below(managing.unit_path, unit.unit_path):
        raise InvalidInput(errors=[FieldError("/managing_unit_id", "不能移到自己或自己的下级")])
    old, new = unit.unit_path, child_path(managing.unit_path if managing else "", unit.number)
    if not caller.scope.holds_unit(new, unit.region_path):
        raise InvalidInput(errors=[FieldError("/managing_unit_id", "移动后该单位将不在您的数据范围内")])
    deepest = await session.scalar(
        select(func.max(func.length(Unit.unit_path) - func.length(func.replace(Unit.unit_path, "/", "")))).where(
            Unit.unit_path.startswith(old, autoescape=True)
        )
    )
    if depth(new) + (deepest or 0) - depth(old) > MAX_DEPTH:
        raise InvalidInput(errors=[FieldError("/managing_unit_id", f"管理层级不能超过 {MAX_DEPTH} 级")])
    unit.managing_unit_id = managing.id if managing else None
    await session.flush()  # raises the version before the path statement touches the same row
    for path in unit_path_columns():
        await session.execute(
            update(path.table)
            .where(path.startswith(old, autoescape=True))
            .values({path: literal(new, Text) + func.substr(path, len(old) + 1)})
        )
    await record(
        session,
        caller=caller,
        action="units.move",
        target=("unit", unit.id),
        before={"unit_path": old},
        after={"unit_path": new},
        reason=move.reason,
    )
    await invalidate(session, "users")
    await session.refresh(unit)
    return unit


async def set_active(
    session: WriteSession, *, caller: Principal, unit_id: UUID, judged: Transition, active: bool
) -> Unit:
    """Take a unit out of use or back; one that manages units in use stays in use."""
    unit = await _locked(session, unit_id, caller)
    check_judged(judged.version, unit.version)
    if unit.active is active:
        now, other = ("在用", "disable") if active else ("停用", "enable")
        raise IllegalTransition(f"单位已经是{now}状态。", allowed=[other])
    if not active:
        subordinates = await session.scalar(select(func.count()).where(Unit.managing_unit_id == unit.id, Unit.active))
        if subordinates:
            raise IllegalTransition(f"该单位还管理着 {subordinates} 个在用单位，请先调整或停用它们。", allowed=[])
    unit.active = active
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="units.enable" if active else "units.disable",
        target=("unit", unit.id),
        before={"active": not active},
        after={"active": active},
        reason=judged.reason,
    )
    return unit
