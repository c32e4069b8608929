"""Reads of site types. They belong to the whole city and are not scoped."""

from collections.abc import Iterable

from sqlalchemy import func, or_, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.site_types.schemas import SiteTypeOut, SiteTypeRow, SiteTypeSort
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound

_SORTS = {"position": SiteType.position, "code": SiteType.code, "name": SiteType.name}


class SiteTypeNotFound(NotFound):
    """There is no type with this code."""

    code = "site_type_not_found"
    title = "未找到点位类型"


async def list_types(
    session: AnySession,
    *,
    params: PageParams,
    sort: SiteTypeSort = SiteTypeSort.POSITION,
    q: str | None = None,
    category: str | None = None,
    active: bool | None = None,
) -> Page[SiteTypeRow]:
    """Types by name or code, category and whether they are in use. Two statements."""
    statement = select(*(getattr(SiteType, name) for name in SiteTypeRow.model_fields))
    if q is not None:
        statement = statement.where(or_(contains(SiteType.name, q), contains(SiteType.code, q)))
    if category is not None:
        statement = statement.where(SiteType.category == category)
    if active is not None:
        statement = statement.where(SiteType.active.is_(active))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=SiteType.id, into=SiteTypeRow)


async def get_type(session: AnySession, code: str, *, caller: Principal) -> SiteTypeOut:
    """One type with what the caller may do to it. One statement."""
    found = await session.scalar(select(SiteType).where(SiteType.code == code))
    if found is None:
        raise SiteTypeNotFound
    return shown(found, caller)


async def types_by_code(session: AnySession, codes: Iterable[str] | None = None) -> dict[str, SiteType]:
    """Types by code, all of them when no codes are given. One statement."""
    statement = select(SiteType).order_by(SiteType.position, SiteType.code)
    if codes is not None:
        statement = statement.where(SiteType.code.in_(list(codes)))
    return {each.code: each for each in await session.scalars(statement)}


async def count_types(session: AnySession) -> int:
    """How many types there are."""
    return (await session.execute(select(func.count()).select_from(SiteType))).scalar_one()


def shown(found: SiteType, caller: Principal) -> SiteTypeOut:
    """The detail of a type for a caller."""
    return SiteTypeOut(
        **{name: getattr(found, name) for name in SiteTypeOut.model_fields if name != "allowed_actions"},
        allowed_actions=_allowed(found, caller),
    )


def _allowed(found: SiteType, caller: Principal) -> list[AllowedAction]:
    manage = (caller.may(Permission.SITES_MANAGE), "没有“维护点位”权限")
    return [
        action("update", "修改", manage),
        action("disable", "停用", manage, (found.active, "该类型已停用")),
        action("enable", "启用", manage, (not found.active, "该类型已启用")),
    ]
