"""Changes of indicators in a draft (C2.1, C2.2)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from wenming_api.access.principal import Principal
from wenming_api.city.indicators import queries
from wenming_api.city.indicators.queries import IndicatorNotFound
from wenming_api.city.indicators.schemas import IndicatorCreate, IndicatorMove, IndicatorOut, IndicatorUpdate
from wenming_api.city.standards.models import Indicator, IndicatorSystem
from wenming_api.city.standards.service import check_code, given, invalid, open_draft, place, touch
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, check_edited, check_judged
from wenming_api.system.audit import service as audit

_UNAUDITED = {"allowed_actions", "created_at", "updated_at", "version", "child_count", "standard_count"}


class IndicatorInUse(Conflict):
    """There are indicators or standards below it."""

    code = "indicator_in_use"
    title = "指标之下还有内容"


async def create_indicator(
    session: WriteSession, *, system_id: UUID, request: IndicatorCreate, caller: Principal
) -> IndicatorOut:
    """Add an indicator below its parent, at the level after it."""
    system = await open_draft(session, system_id)
    level = 1 if request.parent_id is None else (await _parent(session, system, request.parent_id)).level + 1
    if level > len(system.level_names):
        raise invalid("/parent_id", f"该体系只有 {len(system.level_names)} 级指标，不能再加下级")
    await check_code(session, Indicator, system_id, request.code)
    made = Indicator(
        id=uuid7(),
        system_id=system_id,
        parent_id=request.parent_id,
        level=level,
        code=request.code,
        name=request.name,
        position=0,
    )
    session.add(made)
    await session.flush()  # its siblings are numbered below
    await place(session, Indicator, _siblings(system_id, request.parent_id), made.id, request.position)
    return await _indicator_changed(session, system, made.id, caller=caller, action="indicators.create", before=None)


async def update_indicator(
    session: WriteSession,
    *,
    system_id: UUID,
    indicator_id: UUID,
    request: IndicatorUpdate,
    version: int,
    caller: Principal,
) -> IndicatorOut:
    """Change code or name of the version edited."""
    system = await open_draft(session, system_id)
    found = await _indicator(session, system_id, indicator_id)
    check_edited(version, found.version)
    before = await _audited_indicator(session, system_id, indicator_id, caller)
    changes = given(request)
    if changes.get("code", found.code) != found.code:
        await check_code(session, Indicator, system_id, changes["code"])
    for name, value in changes.items():
        setattr(found, name, value)
    return await _indicator_changed(session, system, found.id, caller=caller, action="indicators.update", before=before)


async def move_indicator(
    session: WriteSession, *, system_id: UUID, indicator_id: UUID, request: IndicatorMove, caller: Principal
) -> IndicatorOut:
    """Put an indicator under another parent of the same level, or elsewhere among its siblings.

    Levels stay as they are, so a move can make no cycle.
    """
    system = await open_draft(session, system_id)
    found = await _indicator(session, system_id, indicator_id)
    check_judged(request.version, found.version)
    before = await _audited_indicator(session, system_id, indicator_id, caller)
    if request.parent_id is None:
        parent_level = 0
    else:
        parent_level = (await _parent(session, system, request.parent_id)).level
    if parent_level + 1 != found.level:
        wanted = "无（第一级）" if found.level == 1 else system.level_names[found.level - 2]
        raise invalid("/parent_id", f"该指标属第 {found.level} 级，上级须为{wanted}，且不能是它自己的下级")
    found.parent_id = request.parent_id
    found.updated_at = clock.now()
    await session.flush()  # its new siblings are numbered below
    await place(session, Indicator, _siblings(system_id, request.parent_id), found.id, request.position)
    return await _indicator_changed(session, system, found.id, caller=caller, action="indicators.move", before=before)


async def delete_indicator(
    session: WriteSession, *, system_id: UUID, indicator_id: UUID, version: int, caller: Principal
) -> None:
    """Delete an indicator with nothing below it."""
    system = await open_draft(session, system_id)
    found = await _indicator(session, system_id, indicator_id)
    check_edited(version, found.version)
    shown = await queries.get_indicator(session, system_id=system_id, indicator_id=indicator_id, caller=caller)
    if shown.child_count or shown.standard_count:
        raise IndicatorInUse(f"其下还有 {shown.child_count} 个指标、{shown.standard_count} 条标准，请先移走或删除。")
    await session.delete(found)
    touch(system)
    await audit.record(
        session,
        caller=caller,
        action="indicators.delete",
        target=("indicator", found.id),
        before=shown.model_dump(exclude=_UNAUDITED),
        context=("indicator_system", system_id),
    )


def _siblings(system_id: UUID, parent_id: UUID | None) -> ColumnElement[bool]:
    if parent_id is None:
        return (Indicator.system_id == system_id) & Indicator.parent_id.is_(None)
    return Indicator.parent_id == parent_id


async def _parent(session: WriteSession, system: IndicatorSystem, parent_id: UUID) -> Indicator:
    found = await session.scalar(select(Indicator).where(Indicator.id == parent_id, Indicator.system_id == system.id))
    if found is None:
        raise invalid("/parent_id", "上级指标不存在，或不属于该体系")
    return found


async def _indicator(session: WriteSession, system_id: UUID, indicator_id: UUID) -> Indicator:
    found = await session.scalar(
        select(Indicator).where(Indicator.id == indicator_id, Indicator.system_id == system_id)
    )
    if found is None:
        raise IndicatorNotFound
    return found


async def _audited_indicator(
    session: WriteSession, system_id: UUID, indicator_id: UUID, caller: Principal
) -> dict[str, Any]:
    shown = await queries.get_indicator(session, system_id=system_id, indicator_id=indicator_id, caller=caller)
    return shown.model_dump(exclude=_UNAUDITED)


async def _indicator_changed(
    session: WriteSession,
    system: IndicatorSystem,
    indicator_id: UUID,
    *,
    caller: Principal,
    action: str,
    before: Mapping[str, Any] | None,
) -> IndicatorOut:
    touch(system)
    await session.flush()  # the answer names the new version
    shown = await queries.get_indicator(session, system_id=system.id, indicator_id=indicator_id, caller=caller)
    await audit.record(
        session,
        caller=caller,
        action=action,
        target=("indicator", indicator_id),
        before=before,
        after=shown.model_dump(exclude=_UNAUDITED),
        context=("indicator_system", system.id),
    )
    return shown
