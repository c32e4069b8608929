"""Changes of families. Audit entries say which fields changed, never what a name or an address is."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_families.models import TitleFamily
from wenming_api.creation.title_families.rules import masked_address, masked_name
from wenming_api.creation.title_families.schemas import FamilyCreate, FamilyUpdate
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import FieldError, Forbidden, InvalidInput, NotFound, check_edited
from wenming_api.system.audit.service import record
from wenming_api.system.units.models import Unit

_REQUIRED = ("name", "address", "active")


def _without_persons(values: dict[str, Any]) -> dict[str, Any]:
    masks = {"name": masked_name, "address": masked_address}
    return {name: masks[name](value) if name in masks else value for name, value in values.items()}


async def create_family(session: WriteSession, *, caller: Principal, new: FamilyCreate) -> TitleFamily:
    """Enter a family for a unit of the caller's scope."""
    unit = await session.get(Unit, new.unit_id or caller.unit_id)
    own = unit is not None and unit.id == caller.unit_id
    if unit is None or not unit.active or not (own or caller.scope.holds_unit(unit.unit_path, unit.region_path)):
        raise InvalidInput(errors=[FieldError("/unit_id", "单位不存在、已停用，或不在您的数据范围内")])
    family = TitleFamily(
        **new.model_dump(exclude={"unit_id"}),
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        owner_id=caller.user_id,
    )
    session.add(family)
    await session.flush()  # the answer is read from the table
    await record(
        session,
        caller=caller,
        action="title_families.create",
        target=("title_family", family.id),
        after=_without_persons(new.model_dump(exclude={"unit_id"})),
    )
    return family


async def update_family(
    session: WriteSession, *, caller: Principal, family_id: UUID, version: int, changes: FamilyUpdate
) -> TitleFamily:
    """Change a family; whoever may not see its name may not change it either."""
    family = await session.scalar(
        select(TitleFamily).where(TitleFamily.id == family_id, caller.scope.where(TitleFamily)).with_for_update()
    )
    if family is None:
        raise NotFound
    if family.owner_id != caller.user_id and not caller.may(Permission.TITLE_FAMILIES_READ):
        raise Forbidden(f"需要“{Permission.TITLE_FAMILIES_READ.label}”权限。")
    check_edited(version, family.version)
    given = changes.model_dump(exclude_unset=True)
    given = {name: value for name, value in given.items() if value is not None or name not in _REQUIRED}
    before = {name: getattr(family, name) for name in given}
    for name, value in given.items():
        setattr(family, name, value)
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="title_families.update",
        target=("title_family", family.id),
        before=_without_persons(before),
        after=_without_persons(given),
    )
    return family
