"""Reads of families: name and address are shown to those with the permission, and to whoever entered them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_families.models import TitleFamily
from wenming_api.creation.title_families.rules import masked_address, masked_name
from wenming_api.creation.title_families.schemas import FamilyDetail, FamilyOut, FamilySort
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.units.models import Unit

_COLUMNS: list[Any] = [
    TitleFamily.id,
    TitleFamily.unit_id,
    Unit.name.label("unit_name"),
    TitleFamily.unit_path,
    TitleFamily.region_path,
    TitleFamily.name,
    TitleFamily.address,
    TitleFamily.members,
    TitleFamily.active,
    TitleFamily.version,
    TitleFamily.owner_id,
]
_SORTS = {"created_at": TitleFamily.created_at}


def shown(row: Mapping[str, Any], caller: Principal) -> dict[str, Any]:
    """Name and address as this caller may see them, and whether they are masked."""
    open_to_him = caller.may(Permission.TITLE_FAMILIES_READ) or row["owner_id"] == caller.user_id
    if open_to_him:
        return {"name": row["name"], "address": row["address"], "masked": False}
    return {"name": masked_name(row["name"]), "address": masked_address(row["address"]), "masked": True}


def _seen(caller: Principal, *more: Any) -> Select[Any]:
    return select(*_COLUMNS, *more).join(Unit, Unit.id == TitleFamily.unit_id).where(caller.scope.where(TitleFamily))


async def list_families(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: FamilySort = FamilySort.NEWEST,
    unit_id: UUID | None = None,
    under: str | None = None,
    active: bool | None = None,
) -> Page[FamilyOut]:
    """Families in the caller's scope, in two statements. There is no search by name: that would see through masks."""
    statement = _seen(caller)
    if unit_id is not None:
        statement = statement.where(TitleFamily.unit_id == unit_id)
    if under is not None:
        statement = statement.where(TitleFamily.region_path.startswith(under, autoescape=True))
    if active is not None:
        statement = statement.where(TitleFamily.active == active)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns=_SORTS,
        key=TitleFamily.id,
        into=FamilyOut,
        extra=lambda row: shown(row, caller),
    )


async def read_family(session: AnySession, *, caller: Principal, family_id: UUID) -> FamilyDetail:
    """One family, in one statement; `NotFound`."""
    found = await session.execute(
        _seen(caller, TitleFamily.created_at, TitleFamily.updated_at).where(TitleFamily.id == family_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    may_apply = (caller.may(Permission.TITLES_APPLY), f"需要“{Permission.TITLES_APPLY.label}”权限")
    return FamilyDetail.model_validate(
        {
            **row,
            **shown(row, caller),
            "allowed_actions": [
                action(
                    "update",
                    "修改",
                    may_apply,
                    (not shown(row, caller)["masked"], "需要“查看文明家庭个人信息”权限"),
                )
            ],
        }
    )
