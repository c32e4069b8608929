"""Changes of site types."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.site_types.queries import SiteTypeNotFound, shown
from wenming_api.city.site_types.rules import base_types
from wenming_api.city.site_types.schemas import SiteTypeCreate, SiteTypeOut, SiteTypeUpdate
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    check_edited,
    check_judged,
)
from wenming_api.system.audit import service as audit

_AUDITED = ("code", "name", "category", "is_place", "active", "position", "source", "note")
_REQUIRED = ("name", "category", "is_place", "position")


class SiteTypeCodeTaken(Conflict):
    """Another type has this code."""

    code = "site_type_code_taken"
    title = "点位类型代码已被使用"


async def create_type(session: WriteSession, request: SiteTypeCreate, *, caller: Principal) -> SiteTypeOut:
    """Add a type; :class:`SiteTypeCodeTaken` when the code is in use, also by a disabled type."""
    moment = clock.now()
    values = {
        **request.model_dump(),
        "id": uuid7(),
        "active": True,
        "version": 1,
        "created_at": moment,
        "updated_at": moment,
    }
    statement = insert(SiteType).values(values).on_conflict_do_nothing().returning(SiteType)
    made = (await session.scalars(statement)).one_or_none()
    if made is None:
        raise SiteTypeCodeTaken(f"代码“{request.code}”已被其他类型使用，请换一个。")
    await audit.record(
        session, caller=caller, action="site_types.create", target=("site_type", made.id), after=_snapshot(made)
    )
    return shown(made, caller)


async def update_type(
    session: WriteSession, code: str, request: SiteTypeUpdate, *, version: int, caller: Principal
) -> SiteTypeOut:
    """Change the given fields of the version edited; :class:`StaleVersion` when it is not the current one."""
    found = await _locked(session, code)
    check_edited(version, found.version)
    before = _snapshot(found)
    given = request.model_dump(exclude_unset=True)
    empty = [FieldError(f"/{name}", "不能为空") for name in _REQUIRED if name in given and given[name] is None]
    if empty:
        raise InvalidInput(errors=empty)
    for name, value in given.items():
        setattr(found, name, value)
    await _save(session, found, before, caller, "site_types.update", None)
    return shown(found, caller)


async def set_active(
    session: WriteSession, code: str, *, active: bool, version: int, reason: str, caller: Principal
) -> SiteTypeOut:
    """Disable or enable the version judged. A disabled type takes no new sites; those it has stay."""
    found = await _locked(session, code)
    check_judged(version, found.version)
    if found.active == active:
        raise IllegalTransition(
            "该类型已启用。" if active else "该类型已停用。", allowed=["disable" if active else "enable"]
        )
    before = _snapshot(found)
    found.active = active
    await _save(session, found, before, caller, f"site_types.{'enable' if active else 'disable'}", reason)
    return shown(found, caller)


async def load_base_types(session: WriteSession) -> int:
    """Add the types delivered with the product that are not there yet; answers how many were added."""
    moment = clock.now()
    rows = [
        {
            "id": uuid7(),
            "code": each.code,
            "name": each.name,
            "category": each.category,
            "is_place": each.is_place,
            "active": True,
            "position": position,
            "source": each.source,
            "note": each.note,
            "version": 1,
            "created_at": moment,
            "updated_at": moment,
        }
        for position, each in enumerate(base_types(), start=1)
    ]
    added = await session.scalars(insert(SiteType).values(rows).on_conflict_do_nothing().returning(SiteType.code))
    return len(added.all())


async def _locked(session: WriteSession, code: str) -> SiteType:
    found = await session.scalar(select(SiteType).where(SiteType.code == code).with_for_update())
    if found is None:
        raise SiteTypeNotFound
    return found


async def _save(
    session: WriteSession, found: SiteType, before: dict[str, Any], caller: Principal, action: str, reason: str | None
) -> None:
    after = _snapshot(found)
    if after == before:
        return
    await session.flush()  # the answer names the new version
    await audit.record(
        session,
        caller=caller,
        action=action,
        target=("site_type", found.id),
        before=before,
        after=after,
        reason=reason,
    )


def _snapshot(found: SiteType) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _AUDITED}
