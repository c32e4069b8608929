"""Changes of sites. Every change appends to the site's history and to the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from asyncpg import UniqueViolationError
from pydantic_core import to_jsonable_python
from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site, SiteVersion, site_numbers
from wenming_api.city.sites.queries import SiteNotFound, get_site
from wenming_api.city.sites.rules import (
    INDUSTRY,
    TRANSITIONS,
    SiteAction,
    SiteState,
    changed_fields,
    map_position,
    next_state,
    position_problem,
    why_not,
)
from wenming_api.city.sites.schemas import SiteCreate, SiteOut, SiteUpdate
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession, copy_rows
from wenming_api.kit.geo import Crs
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
from wenming_api.system.dictionaries.queries import unusable_codes
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

TRACKED = (
    "code",
    "name",
    "site_type_code",
    "region_id",
    "address",
    "longitude",
    "latitude",
    "crs",
    "responsible_unit_id",
    "industry_code",
    "active",
    "note",
)
"""The fields that the history of a site follows."""

_BATCH = 5_000
_REQUIRED = ("name", "site_type_code", "region_id", "crs")
_OUTSIDE = "区域不存在，或不在您的数据范围内"


class SiteCodeTaken(Conflict):
    """Another site has this code, perhaps one outside the caller's scope."""

    code = "site_code_taken"
    title = "点位编号已被使用"


@dataclass(frozen=True, slots=True)
class _References:
    """What the ids of a request stand for."""

    region_path: str
    unit_path: str | None


async def create_site(session: WriteSession, request: SiteCreate, *, caller: Principal) -> SiteOut:
    """Add an active site, numbered by the service when the request brings no code.

    Raises :class:`SiteCodeTaken`; :class:`InvalidInput` names references that do not exist, are disabled, or lie
    outside the caller's scope.
    """
    values = request.model_dump()
    _check_position(values)
    references = await _resolve(session, values, caller=caller)
    if values["code"] is None:
        values["code"] = (await _next_codes(session, 1))[0]
    elif await session.scalar(select(Site.id).where(Site.code == values["code"])) is not None:
        raise SiteCodeTaken(f"编号“{values['code']}”已被其他点位使用，请换一个。")
    made = Site(**values, active=True, region_path=references.region_path, unit_path=references.unit_path)
    _place(made)
    session.add(made)
    await session.flush()  # the history refers to the new row
    await _keep(session, made, {}, caller=caller, action=SiteAction.CREATE, reason=None)
    return await _seen(session, made.id, caller)


async def update_site(
    session: WriteSession, site_id: UUID, request: SiteUpdate, *, version: int, caller: Principal
) -> SiteOut:
    """Change the given fields of the version edited. Raises :class:`StaleVersion`; :class:`IllegalTransition` for an
    inactive site."""
    site = await _locked(session, site_id, caller)
    check_edited(version, site.version)
    _check_action(site, SiteAction.UPDATE)
    given = request.model_dump(exclude_unset=True, exclude={"reason"})
    if empty := [FieldError(f"/{name}", "不能为空") for name in _REQUIRED if name in given and given[name] is None]:
        raise InvalidInput(errors=empty)
    before = snapshot(site)
    wanted = {name: getattr(site, name) for name in TRACKED} | given
    _check_position(wanted)
    references = await _resolve(session, wanted, caller=caller, given=given)
    for name, value in given.items():
        setattr(site, name, value)
    site.region_path, site.unit_path = references.region_path, references.unit_path
    _place(site)
    if snapshot(site) != before:
        await session.flush()  # the answer names the new version
        await _keep(session, site, before, caller=caller, action=SiteAction.UPDATE, reason=request.reason)
    return await _seen(session, site_id, caller)


async def change_state(
    session: WriteSession, site_id: UUID, action: SiteAction, *, version: int, reason: str, caller: Principal
) -> SiteOut:
    """Disable or enable the version judged. Raises :class:`VersionMoved` and :class:`IllegalTransition`."""
    site = await _locked(session, site_id, caller)
    check_judged(version, site.version)
    state = _check_action(site, action)
    before = snapshot(site)
    site.active = state is SiteState.ACTIVE
    await session.flush()  # the answer names the new version
    await _keep(session, site, before, caller=caller, action=action, reason=reason)
    return await _seen(session, site_id, caller)


async def _seen(session: WriteSession, site_id: UUID, caller: Principal) -> SiteOut:
    return SiteOut.model_validate(await get_site(session, site_id, scope=caller.scope, caller=caller))


async def insert_sites(
    session: WriteSession,
    rows: Sequence[Mapping[str, Any]],
    *,
    action: SiteAction,
    caller: Principal | None,
    context: tuple[str, UUID] | None = None,
) -> None:
    """Add many sites whose values are settled: columns of ``sites`` without id, version and stamps; ``code`` may be
    None. Three statements and one more for codes for every 5,000 rows."""
    moment = clock.now()
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        codes = iter(await _next_codes(session, sum(1 for row in batch if row["code"] is None)))
        stamps = {"version": 1, "created_at": moment, "updated_at": moment}
        made = [
            {**row, **stamps, "id": uuid7(), "code": next(codes) if row["code"] is None else row["code"]}
            for row in batch
        ]
        try:
            await copy_rows(session, Site, made)
        except UniqueViolationError:
            raise SiteCodeTaken("有点位编号刚被其他用户使用，请重新导入。") from None
        changes = [SiteChange(row["id"], 1, {}, snapshot(row)) for row in made]
        await trace_sites(session, changes, action=action, caller=caller, context=context)


@dataclass(frozen=True, slots=True)
class SiteChange:
    """The change of one site: the number of its history entry, and snapshots before and after."""

    site_id: UUID
    no: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]


async def trace_sites(
    session: WriteSession,
    changes: Sequence[SiteChange],
    *,
    action: SiteAction,
    caller: Principal | None,
    reason: str | None = None,
    context: tuple[str, UUID] | None = None,
) -> None:
    """Append changes to the histories of the sites and to the audit log, in two statements."""
    moment = clock.now()
    history = [
        {
            "id": uuid7(),
            "site_id": change.site_id,
            "no": change.no,
            "action": action,
            "at": moment,
            "by_id": caller.user_id if caller else None,
            "by_name": caller.display_name if caller else audit.SYSTEM,
            "changes": changed_fields(change.before, change.after),
            "reason": reason,
        }
        for change in changes
    ]
    await copy_rows(session, SiteVersion, history)
    entries = [
        audit.entry(
            caller=caller,
            action=f"sites.{action.value}",
            target=("site", change.site_id),
            before=change.before,
            after=change.after,
            reason=reason,
            context=context,
        )
        for change in changes
    ]
    await audit.record_many(session, entries)


async def history_numbers(session: WriteSession, site_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The number of the last history entry of each site. One statement."""
    statement = (
        select(SiteVersion.site_id, func.max(SiteVersion.no))
        .where(SiteVersion.site_id.in_(site_ids))
        .group_by(SiteVersion.site_id)
    )
    return dict((await session.execute(statement)).all())


def snapshot(site: Site | Mapping[str, Any]) -> dict[str, Any]:
    """The tracked fields as JSON values; decimals without trailing zeros, so that equal places are equal."""
    values = {name: site[name] if isinstance(site, Mapping) else getattr(site, name) for name in TRACKED}
    shown = {
        name: format(value.normalize(), "f") if isinstance(value, Decimal) else value for name, value in values.items()
    }
    plain: dict[str, Any] = to_jsonable_python(shown)
    return plain


def _place(site: Site) -> None:
    site.map_longitude, site.map_latitude = map_position(site.longitude, site.latitude, Crs(site.crs))


def _check_position(values: Mapping[str, Any]) -> None:
    if wrong := position_problem(longitude=values["longitude"], latitude=values["latitude"]):
        raise InvalidInput(errors=[FieldError("/longitude", wrong)])


def _check_action(site: Site, action: SiteAction) -> SiteState:
    state = SiteState.ACTIVE if site.active else SiteState.INACTIVE
    following = next_state(state, action)
    if following is None:
        allowed = [possible.value for possible_state, possible in TRANSITIONS if possible_state is state]
        raise IllegalTransition(f"{why_not(state, action)}。", allowed=allowed)
    return following


async def _locked(session: WriteSession, site_id: UUID, caller: Principal) -> Site:
    statement = select(Site).where(Site.id == site_id, caller.scope.where(Site)).with_for_update()
    site = await session.scalar(statement)
    if site is None:
        raise SiteNotFound
    return site


async def _resolve(
    session: WriteSession, values: Mapping[str, Any], *, caller: Principal, given: Mapping[str, Any] | None = None
) -> _References:
    """Look up what the request refers to; ``given`` limits the check for disabled references to what it changes."""
    changed = values if given is None else given
    errors: list[FieldError] = []
    region = (await session.execute(select(Region.path, Region.active).where(Region.id == values["region_id"]))).first()
    unit = None
    if values["responsible_unit_id"] is not None:
        statement = select(Unit.unit_path, Unit.active).where(Unit.id == values["responsible_unit_id"])
        unit = (await session.execute(statement)).first()
        if unit is None or ("responsible_unit_id" in changed and not unit.active):
            errors.append(FieldError("/responsible_unit_id", "责任单位不存在或已停用"))
    if region is None or not may_place(caller.scope, region.path, unit.unit_path if unit else None):
        errors.append(FieldError("/region_id", _OUTSIDE))
    elif "region_id" in changed and not region.active:
        errors.append(FieldError("/region_id", "区域已停用"))
    if "site_type_code" in changed:
        usable = select(SiteType.active).where(SiteType.code == values["site_type_code"])
        if not await session.scalar(usable):
            errors.append(FieldError("/site_type_code", "点位类型不存在或已停用"))
    industry = changed.get("industry_code")
    if industry is not None and await unusable_codes(session, [(INDUSTRY, industry)]):
        errors.append(FieldError("/industry_code", "行业不存在或已停用"))
    if errors or region is None:
        raise InvalidInput(errors=errors)
    return _References(region.path, unit.unit_path if unit else None)


def may_place(scope: Scope, region_path: str, unit_path: str | None) -> bool:
    """Whether a site may be put somewhere by someone with this scope: where he will see it."""
    return scope.holds_region(region_path) or (unit_path is not None and scope.holds_unit(unit_path))


async def _keep(
    session: WriteSession,
    site: Site,
    before: Mapping[str, Any],
    *,
    caller: Principal,
    action: SiteAction,
    reason: str | None,
) -> None:
    last = (await history_numbers(session, [site.id])).get(site.id, 0) if before else 0
    change = SiteChange(site.id, last + 1, before, snapshot(site))
    await trace_sites(session, [change], action=action, caller=caller, reason=reason)


async def _next_codes(session: WriteSession, count: int) -> list[str]:
    if not count:
        return []
    numbers = select(site_numbers.next_value()).select_from(func.generate_series(1, count).table_valued("n"))
    return [f"DW{number:07d}" for number in await session.scalars(numbers)]
