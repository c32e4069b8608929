"""Changes inside a draft: standards are added, edited, moved and deleted (C2.3, C2.4).

Each change locks the system's row and raises its version, so that changes follow one another and publishing can name
what was seen.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Uuid, column, delete, insert, select, update, values
from sqlalchemy import Integer as SqlInteger

from wenming_api.access.principal import Principal
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.standards import queries
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard, StandardDuty, StandardSiteType
from wenming_api.city.standards.queries import StandardNotFound, SystemNotFound
from wenming_api.city.standards.rules import (
    DutyRole,
    InvalidRule,
    SystemState,
    check_rule,
    rule_from_json,
    rule_to_json,
)
from wenming_api.city.standards.schemas import (
    StandardMove,
    StandardOut,
    StandardUpdate,
    StandardWrite,
    rule_document,
)
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
from wenming_api.system.units.models import Unit

_UNAUDITED = {"allowed_actions", "created_at", "updated_at", "version"}


class SystemNotDraft(IllegalTransition):
    """The system is published or retired: what is in it no longer changes."""

    code = "indicator_system_not_draft"
    title = "体系已发布，不可修改"


class CodeTaken(Conflict):
    """Another indicator or standard of the system has this code."""

    code = "standard_code_taken"
    title = "编号已被使用"


async def open_draft(session: WriteSession, system_id: UUID) -> IndicatorSystem:
    """Lock a draft for a change. Raises :class:`SystemNotFound`, :class:`SystemNotDraft`."""
    system = await session.scalar(select(IndicatorSystem).where(IndicatorSystem.id == system_id).with_for_update())
    if system is None:
        raise SystemNotFound
    if system.state is not SystemState.DRAFT:
        raise SystemNotDraft(f"体系{system.state.label}，内容不可修改；请克隆为新版本后再改。", allowed=["clone"])
    return system


async def create_standard(
    session: WriteSession, *, system_id: UUID, request: StandardWrite, caller: Principal
) -> StandardOut:
    """Add a standard under an indicator of the last level."""
    system = await open_draft(session, system_id)
    await _last_level(session, system, request.indicator_id)
    await check_code(session, Standard, system_id, request.code)
    fields = request.model_dump(exclude={"position", "site_type_codes", "duties", "rule"})
    fields["rule"] = rule_document(request.rule)
    await _check_standard(session, system, fields, request.site_type_codes, request.duties)
    made = Standard(id=uuid7(), system_id=system_id, position=0, **fields)
    session.add(made)
    await session.flush()  # what belongs to it is inserted below
    await _set_site_types(session, made.id, request.site_type_codes)
    await _set_duties(session, made.id, request.duties)
    await place(session, Standard, Standard.indicator_id == request.indicator_id, made.id, request.position)
    return await _standard_changed(session, system, made.id, caller=caller, action="standards.create", before=None)


async def update_standard(
    session: WriteSession,
    *,
    system_id: UUID,
    standard_id: UUID,
    request: StandardUpdate,
    version: int,
    caller: Principal,
) -> StandardOut:
    """Change the given fields of the version edited; the whole is judged again."""
    system = await open_draft(session, system_id)
    found = await _standard(session, system_id, standard_id)
    check_edited(version, found.version)
    shown = await queries.get_standard(session, system_id=system_id, standard_id=standard_id, caller=caller)
    changes = given(request)
    if request.rule is not None:
        changes["rule"] = rule_document(request.rule)
    if changes.get("code", found.code) != found.code:
        await check_code(session, Standard, system_id, changes["code"])
    site_types = changes.pop("site_type_codes", None)
    duties = changes.pop("duties", None)
    fields = {name: getattr(found, name) for name in ("max_score", "methods", "rule")} | changes
    await _check_standard(session, system, fields, site_types or (), duties or ())
    for name in changes:
        setattr(found, name, fields[name])
    if "rule" not in changes and fields["rule"] != found.rule:
        found.rule = fields["rule"]
    found.updated_at = clock.now()
    if site_types is not None:
        await session.execute(delete(StandardSiteType).where(StandardSiteType.standard_id == found.id))
        await _set_site_types(session, found.id, site_types)
    if duties is not None:
        await session.execute(delete(StandardDuty).where(StandardDuty.standard_id == found.id))
        await _set_duties(session, found.id, duties)
    before = shown.model_dump(exclude=_UNAUDITED)
    return await _standard_changed(session, system, found.id, caller=caller, action="standards.update", before=before)


async def move_standard(
    session: WriteSession, *, system_id: UUID, standard_id: UUID, request: StandardMove, caller: Principal
) -> StandardOut:
    """Put a standard under another indicator of the last level, or elsewhere among its siblings."""
    system = await open_draft(session, system_id)
    found = await _standard(session, system_id, standard_id)
    check_judged(request.version, found.version)
    shown = await queries.get_standard(session, system_id=system_id, standard_id=standard_id, caller=caller)
    await _last_level(session, system, request.indicator_id)
    found.indicator_id = request.indicator_id
    found.updated_at = clock.now()
    await session.flush()  # its new siblings are numbered below
    await place(session, Standard, Standard.indicator_id == request.indicator_id, found.id, request.position)
    before = shown.model_dump(exclude=_UNAUDITED)
    return await _standard_changed(session, system, found.id, caller=caller, action="standards.move", before=before)


async def delete_standard(
    session: WriteSession, *, system_id: UUID, standard_id: UUID, version: int, caller: Principal
) -> None:
    """Delete a standard with its site types and duties."""
    system = await open_draft(session, system_id)
    found = await _standard(session, system_id, standard_id)
    check_edited(version, found.version)
    shown = await queries.get_standard(session, system_id=system_id, standard_id=standard_id, caller=caller)
    await session.delete(found)
    touch(system)
    await audit.record(
        session,
        caller=caller,
        action="standards.delete",
        target=("standard", found.id),
        before=shown.model_dump(exclude=_UNAUDITED),
        context=("indicator_system", system_id),
    )


def touch(system: IndicatorSystem) -> None:
    """Raise the version of a system in which something changed."""
    system.updated_at = clock.now()


def given(request: BaseModel) -> dict[str, Any]:
    """The fields that a PATCH names; null is no value for any of them."""
    changes = request.model_dump(exclude_unset=True)
    if empty := [FieldError(f"/{name}", "不能为空") for name, value in changes.items() if value is None]:
        raise InvalidInput(errors=empty)
    return changes


def invalid(pointer: str, message: str) -> InvalidInput:
    """A problem with one field."""
    return InvalidInput(errors=[FieldError(pointer, message)])


async def _last_level(session: WriteSession, system: IndicatorSystem, indicator_id: UUID) -> None:
    level = await session.scalar(
        select(Indicator.level).where(Indicator.id == indicator_id, Indicator.system_id == system.id)
    )
    if level is None:
        raise invalid("/indicator_id", "指标不存在，或不属于该体系")
    if level != len(system.level_names):
        raise invalid("/indicator_id", f"标准须放在最末一级（{system.level_names[-1]}）之下")


async def _standard(session: WriteSession, system_id: UUID, standard_id: UUID) -> Standard:
    found = await session.scalar(select(Standard).where(Standard.id == standard_id, Standard.system_id == system_id))
    if found is None:
        raise StandardNotFound
    return found


async def check_code(
    session: WriteSession, model: type[Indicator] | type[Standard], system_id: UUID, code: str
) -> None:
    """Raises :class:`CodeTaken` when another indicator or standard of the system has the code."""
    if await session.scalar(select(model.id).where(model.system_id == system_id, model.code == code)):
        raise CodeTaken(f"编号“{code}”在该体系中已被使用，请换一个。")


async def _check_standard(
    session: WriteSession,
    system: IndicatorSystem,
    fields: dict[str, Any],
    site_types: Iterable[str],
    duties: Iterable[UUID],
) -> None:
    """Judge a standard as a whole; puts the rule into its canonical form. Raises :class:`InvalidInput`."""
    errors: list[FieldError] = []
    known = {method["code"] for method in system.methods}
    if unknown := [code for code in fields["methods"] if code not in known]:
        errors.append(FieldError("/methods", f"体系中没有测评方法：{'、'.join(unknown)}"))
    errors += _repeated("/methods", fields["methods"])
    try:
        rule = rule_from_json(fields["rule"])
    except InvalidRule as wrong:
        errors += [FieldError(f"/rule{error.pointer}", error.message) for error in wrong.errors]
    else:
        errors += check_rule(rule, fields["max_score"])
        fields["rule"] = rule_to_json(rule)
    if site_types := list(site_types):
        errors += _repeated("/site_type_codes", site_types)
        types = await session.scalars(select(SiteType.code).where(SiteType.code.in_(site_types), SiteType.active))
        existing = set(types)
        errors += [
            FieldError(f"/site_type_codes/{place}", "点位类型不存在或已停用")
            for place, code in enumerate(site_types)
            if code not in existing
        ]
    if duties := list(duties):
        errors += _repeated("/duties", duties)
        units = set(await session.scalars(select(Unit.id).where(Unit.id.in_(duties), Unit.active)))
        errors += [
            FieldError(f"/duties/{place}", "责任单位不存在或已停用")
            for place, unit in enumerate(duties)
            if unit not in units
        ]
    if errors:
        raise InvalidInput(errors=errors)


def _repeated(pointer: str, items: list[Any]) -> list[FieldError]:
    return [FieldError(pointer, "有重复项")] if len(set(items)) != len(items) else []


async def _set_site_types(session: WriteSession, standard_id: UUID, codes: Iterable[str]) -> None:
    if rows := [{"standard_id": standard_id, "site_type_code": code} for code in codes]:
        await session.execute(insert(StandardSiteType), rows)


async def _set_duties(session: WriteSession, standard_id: UUID, units: Iterable[UUID]) -> None:
    rows = [
        {
            "standard_id": standard_id,
            "unit_id": unit,
            "role": DutyRole.CO if position else DutyRole.LEAD,
            "position": position,
        }
        for position, unit in enumerate(units)
    ]
    if rows:
        await session.execute(insert(StandardDuty), rows)


async def place(
    session: WriteSession,
    model: type[Indicator] | type[Standard],
    siblings: ColumnElement[bool],
    moved: UUID,
    position: int | None,
) -> None:
    """Number the siblings from 0, the moved one at its place; only rows that change are written."""
    found = await session.execute(select(model.id, model.position).where(siblings).order_by(model.position, model.id))
    now = {row.id: row.position for row in found}
    order = [each for each in now if each != moved]
    order.insert(len(order) if position is None else position, moved)
    wrong = [(each, at) for at, each in enumerate(order) if now[each] != at]
    if wrong:
        to = values(column("id", Uuid), column("position", SqlInteger), name="placed").data(wrong)
        await session.execute(
            update(model).where(model.id == to.c.id).values(position=to.c.position),
            execution_options={"synchronize_session": False},
        )


async def _standard_changed(
    session: WriteSession,
    system: IndicatorSystem,
    standard_id: UUID,
    *,
    caller: Principal,
    action: str,
    before: Mapping[str, Any] | None,
) -> StandardOut:
    touch(system)
    await session.flush()  # the answer names the new version
    shown = await queries.get_standard(session, system_id=system.id, standard_id=standard_id, caller=caller)
    await audit.record(
        session,
        caller=caller,
        action=action,
        target=("standard", standard_id),
        before=before,
        after=shown.model_dump(exclude=_UNAUDITED),
        context=("indicator_system", system.id),
    )
    return shown
