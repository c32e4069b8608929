"""Changes of custom areas."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    check_edited,
    check_judged,
)
from wenming_api.system.areas.models import Area, AreaMember
from wenming_api.system.areas.queries import AreaNotFound, get_area
from wenming_api.system.areas.schemas import AreaCreate, AreaOut, AreaUpdate
from wenming_api.system.audit import service as audit
from wenming_api.system.regions.models import Region


class AreaCodeTaken(Conflict):
    """Another area has this code."""

    code = "area_code_taken"
    title = "自定义区域代码已被使用"


async def create_area(session: WriteSession, request: AreaCreate, *, caller: Principal) -> AreaOut:
    """Add an area. The region it lies in must be in the caller's scope, its members inside that region."""
    path = await session.scalar(select(Region.path).where(Region.id == request.region_id, Region.active))
    if path is None or not caller.scope.holds_region(path):
        raise InvalidInput(errors=[FieldError("/region_id", "区域不存在、已停用或不在您的数据范围内")])
    if await session.scalar(select(Area.id).where(Area.code == request.code)) is not None:
        raise AreaCodeTaken(f"代码“{request.code}”已被使用，请换一个。")
    codes = await _members(session, request.member_ids, path)
    made = Area(**request.model_dump(exclude={"member_ids"}), region_path=path, active=True)
    session.add(made)
    await session.flush()  # the members refer to the new row
    await _set_members(session, made.id, codes)
    await audit.record(
        session,
        caller=caller,
        action="areas.create",
        target=("area", made.id),
        after=request.model_dump(exclude={"member_ids"}) | {"members": sorted(codes.values())},
    )
    return await get_area(session, made.id, scope=caller.scope, caller=caller)


async def update_area(
    session: WriteSession, area_id: UUID, request: AreaUpdate, *, version: int, caller: Principal
) -> AreaOut:
    """Change the given fields of the version edited; members are replaced as a whole."""
    area = await _locked(session, area_id, caller)
    check_edited(version, area.version)
    if not area.active:
        raise IllegalTransition("自定义区域已停用，须先启用才能修改。", allowed=["enable"])
    given = request.model_dump(exclude_unset=True)
    if empty := [FieldError(f"/{name}", "不能为空") for name in given if name != "note" and given[name] is None]:
        raise InvalidInput(errors=empty)
    member_ids = given.pop("member_ids", None)
    before: dict[str, Any] = {name: getattr(area, name) for name in given}
    after: dict[str, Any] = dict(given)
    for name, value in given.items():
        setattr(area, name, value)
    if member_ids is not None:
        codes = await _members(session, member_ids, area.region_path)
        before["members"] = await _member_codes(session, area_id)
        after["members"] = sorted(codes.values())
        await _set_members(session, area_id, codes)
    if before != after:
        area.updated_at = clock.now()
        await session.flush()  # the answer names the new version
        await audit.record(
            session, caller=caller, action="areas.update", target=("area", area_id), before=before, after=after
        )
    return await get_area(session, area_id, scope=caller.scope, caller=caller)


async def set_active(
    session: WriteSession, area_id: UUID, *, active: bool, version: int, reason: str, caller: Principal
) -> AreaOut:
    """Disable or enable the version judged."""
    area = await _locked(session, area_id, caller)
    check_judged(version, area.version)
    if area.active == active:
        raise IllegalTransition(
            "自定义区域已启用。" if active else "自定义区域已停用。", allowed=["disable" if active else "enable"]
        )
    area.active = active
    await session.flush()  # the answer names the new version
    await audit.record(
        session,
        caller=caller,
        action=f"areas.{'enable' if active else 'disable'}",
        target=("area", area_id),
        before={"active": not active},
        after={"active": active},
        reason=reason,
    )
    return await get_area(session, area_id, scope=caller.scope, caller=caller)


async def _locked(session: WriteSession, area_id: UUID, caller: Principal) -> Area:
    area = await session.scalar(select(Area).where(Area.id == area_id, caller.scope.where(Area)).with_for_update())
    if area is None:
        raise AreaNotFound
    return area


async def _members(session: WriteSession, ids: Iterable[UUID], path: str) -> dict[UUID, str]:
    """Codes by id of the regions, all of which must lie inside the path."""
    wanted = list(dict.fromkeys(ids))
    found = await session.execute(
        select(Region.id, Region.code).where(
            Region.id.in_(wanted), Region.active, Region.path.startswith(path, autoescape=True)
        )
    )
    codes = dict(found.all())
    errors = [
        FieldError(f"/member_ids/{place}", "区域不存在、已停用或不在所在区域内")
        for place, region_id in enumerate(wanted)
        if region_id not in codes
    ]
    if not wanted:
        errors = [FieldError("/member_ids", "至少包含一个区域")]
    if errors:
        raise InvalidInput(errors=errors[:100])
    return codes


async def _member_codes(session: WriteSession, area_id: UUID) -> list[str]:
    statement = select(Region.code).join(AreaMember, AreaMember.region_id == Region.id)
    return sorted(await session.scalars(statement.where(AreaMember.area_id == area_id)))


async def _set_members(session: WriteSession, area_id: UUID, codes: dict[UUID, str]) -> None:
    await session.execute(delete(AreaMember).where(AreaMember.area_id == area_id))
    await session.execute(insert(AreaMember), [{"area_id": area_id, "region_id": region_id} for region_id in codes])
