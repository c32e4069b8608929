"""Reads of custom areas."""

from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Select, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.areas.models import Area, AreaMember
from wenming_api.system.areas.rules import AreaKind
from wenming_api.system.areas.schemas import AreaMemberOut, AreaOut, AreaRow, AreaSort
from wenming_api.system.regions.models import Region

_SORTS = {"code": Area.code, "name": Area.name}


class AreaNotFound(NotFound):
    """There is no such area, or it lies outside the caller's scope."""

    code = "area_not_found"
    title = "未找到自定义区域"


def regions_of_area(area_id: UUID | BindParameter[UUID]) -> Select[Any]:
    """Ids of the regions that belong to an area: its members and all that lies under them.

    Each region's path is cut into codes once and looked up among the members, so the cost does not grow with their
    number.
    """
    member = aliased(Region)
    codes = select(member.code).join(AreaMember, AreaMember.region_id == member.id).where(AreaMember.area_id == area_id)
    segment = func.unnest(func.string_to_array(Region.path, "/")).table_valued("code").render_derived(name="segment")
    return select(Region.id).join(segment, segment.c.code.in_(codes))


async def list_areas(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: AreaSort = AreaSort.CODE,
    q: str | None = None,
    kind: AreaKind | None = None,
    active: bool | None = None,
) -> Page[AreaRow]:
    """Areas inside the scope. Two statements."""
    statement = _rows(list(AreaRow.model_fields)).where(scope.where(Area))
    if q is not None:
        statement = statement.where(or_(contains(Area.name, q), contains(Area.code, q)))
    if kind is not None:
        statement = statement.where(Area.kind == kind)
    if active is not None:
        statement = statement.where(Area.active.is_(active))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Area.id, into=AreaRow)


async def get_area(session: AnySession, area_id: UUID, *, scope: Scope, caller: Principal) -> AreaOut:
    """One area with its members. Two statements."""
    fields = [name for name in AreaOut.model_fields if name not in ("members", "allowed_actions")]
    statement = _rows(fields).where(Area.id == area_id, scope.where(Area))
    row = (await session.execute(statement)).mappings().one_or_none()
    if row is None:
        raise AreaNotFound
    members = await session.execute(
        select(*(getattr(Region, name) for name in AreaMemberOut.model_fields))
        .join(AreaMember, AreaMember.region_id == Region.id)
        .where(AreaMember.area_id == area_id)
        .order_by(Region.path)
    )
    manage = (caller.may(Permission.REGIONS_MANAGE), "没有“维护区域”权限")
    return AreaOut(
        **row,
        members=[AreaMemberOut.model_validate(member) for member in members],
        allowed_actions=[
            action("update", "修改", manage, (row["active"], "已停用，须先启用")),
            action("disable", "停用", manage, (row["active"], "该区域已停用")),
            action("enable", "启用", manage, (not row["active"], "该区域已启用")),
        ],
    )


def _rows(fields: list[str]) -> Select[Any]:
    columns = [Region.full_name.label(name) if name == "region_name" else getattr(Area, name) for name in fields]
    return select(*columns).select_from(Area).outerjoin(Region, Region.id == Area.region_id)
