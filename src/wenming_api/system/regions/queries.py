"""Reads of regions. Regions are public knowledge inside the system: every signed-in user may see the whole tree."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.regions.schemas import RegionDetail, RegionOut, RegionSort

COLUMNS = [getattr(Region, name) for name in RegionOut.model_fields]
_SORTS = {"path": Region.path, "name": Region.name, "created_at": Region.created_at}


async def list_regions(
    session: AnySession,
    *,
    params: PageParams,
    sort: RegionSort = RegionSort.TREE,
    level: RegionLevel | None = None,
    parent_id: UUID | None = None,
    under: str | None = None,
    q: str | None = None,
    active: bool | None = None,
) -> Page[RegionOut]:
    """Regions that match every filter given; `under` is a path whose subtree (itself included) is meant."""
    statement = select(*COLUMNS)
    if level is not None:
        statement = statement.where(Region.level == level)
    if parent_id is not None:
        statement = statement.where(Region.parent_id == parent_id)
    if under is not None:
        statement = statement.where(Region.path.startswith(under, autoescape=True))
    if q is not None:
        statement = statement.where(contains(Region.name, q) | Region.code.startswith(q, autoescape=True))
    if active is not None:
        statement = statement.where(Region.active == active)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Region.id, into=RegionOut)


async def read_region(session: AnySession, *, caller: Principal, region_id: UUID) -> RegionDetail:
    """One region with what the caller may do with it; `NotFound`."""
    below = aliased(Region)
    children = select(func.count()).where(below.parent_id == Region.id).correlate(Region).scalar_subquery()
    found = await session.execute(
        select(
            *COLUMNS,
            Region.position,
            Region.version,
            Region.created_at,
            Region.updated_at,
            children.label("children"),
        ).where(Region.id == region_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (caller.may(Permission.REGIONS_MANAGE), "需要“维护区域”权限")
    inside = (caller.scope.holds_region(row["path"]), "不在您的数据范围内")
    return RegionDetail(
        **row,
        allowed_actions=[
            action("update", "修改", permitted, inside),
            action("move", "调整上级", permitted, inside, (row["parent_id"] is not None, "市级没有上级")),
        ],
    )


async def regions_by_code(session: AnySession, *, codes: list[str]) -> dict[str, Region]:
    """Regions by their 12-digit codes; unknown codes are left out."""
    found = await session.execute(select(Region).where(Region.code.in_(codes)))
    return {region.code: region for region in found.scalars()}
