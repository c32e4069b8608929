"""Changes of indicator systems: made, edited, published, retired, cloned, deleted (C2.1)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, delete, insert, select

from wenming_api.access.principal import Principal
from wenming_api.city.editions.queries import read_content
from wenming_api.city.editions.rules import (
    SAMPLE,
    SAMPLE_CODE,
    TRANSITIONS,
    Content,
    SystemAction,
    allowed,
    content_hash,
    publication_faults,
    sample_edition,
)
from wenming_api.city.editions.schemas import SystemClone, SystemCreate, SystemUpdate
from wenming_api.city.site_types.service import load_base_types
from wenming_api.city.standards.models import (
    Indicator,
    IndicatorSystem,
    Standard,
    StandardDuty,
    StandardSiteType,
)
from wenming_api.city.standards.queries import SystemNotFound
from wenming_api.city.standards.rules import DutyRole, SystemState
from wenming_api.city.standards.service import given, invalid, open_draft, touch
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, IllegalTransition, InvalidInput, check_edited, check_judged
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.units.models import Unit

_AUDITED = ("code", "name", "edition", "state", "level_names", "methods", "description", "source", "content_hash")


class SystemCodeTaken(Conflict):
    """Another system has this code."""

    code = "indicator_system_code_taken"
    title = "体系编号已被使用"


class SystemIncomplete(InvalidInput):
    """A draft cannot be published yet; `errors` names indicators and standards by their codes."""

    code = "indicator_system_incomplete"
    title = "体系尚不能发布"


async def create_system(
    session: WriteSession, *, caller: Principal | None, new: SystemCreate, source_id: UUID | None = None
) -> IndicatorSystem:
    """Make an empty draft."""
    await _check_code(session, new.code)
    made = IndicatorSystem(
        id=uuid7(),
        state=SystemState.DRAFT,
        cloned_from_id=source_id,
        published_at=None,
        retired_at=None,
        content_hash=None,
        **new.model_dump(),
    )
    session.add(made)
    await session.flush()  # a code taken meanwhile must answer before the audit entry is written
    await _record(session, made, caller=caller, action="create", before=None)
    return made


async def update_system(
    session: WriteSession, *, caller: Principal, system_id: UUID, version: int, changes: SystemUpdate
) -> IndicatorSystem:
    """Change a draft's own fields. The number of levels is fixed once there are indicators; methods in use stay."""
    system = await open_draft(session, system_id)
    check_edited(version, system.version)
    before = _snapshot(system)
    fields = given(changes)
    if fields.get("code", system.code) != system.code:
        await _check_code(session, fields["code"])
    levels = len(system.level_names)
    if len(fields.get("level_names", system.level_names)) != levels and await _has_indicators(session, system_id):
        raise invalid("/level_names", f"已有指标，层级数须保持 {levels} 级")
    if "methods" in fields:
        kept = {method["code"] for method in fields["methods"]}
        used: set[str] = set()
        for methods in await session.scalars(
            select(Standard.methods).where(Standard.system_id == system_id).distinct()
        ):
            used.update(methods)
        if missing := sorted(used - kept):
            raise invalid("/methods", f"仍有标准使用测评方法：{'、'.join(missing)}")
    for name, value in fields.items():
        setattr(system, name, value)
    touch(system)
    await session.flush()  # the audit entry and the answer carry the new version
    await _record(session, system, caller=caller, action="update", before=before)
    return system


async def delete_system(session: WriteSession, *, caller: Principal, system_id: UUID, version: int) -> None:
    """Delete a draft with all that is in it."""
    system = await open_draft(session, system_id)
    check_edited(version, system.version)
    before = _snapshot(system)
    await clear_content(session, system_id)
    await session.delete(system)
    await session.flush()  # what still refers to it answers before the audit entry is written
    await record(
        session,
        caller=caller,
        action="indicator_systems.delete",
        target=("indicator_system", system_id),
        before=before,
    )


async def publish_system(
    session: WriteSession, *, caller: Principal | None, system_id: UUID, version: int, reason: str | None = None
) -> IndicatorSystem:
    """Freeze the version judged: nothing in it changes any more. Raises :class:`SystemIncomplete`."""
    system = await _locked(session, system_id)
    check_judged(version, system.version)
    before = _snapshot(system)
    following = _following(system, SystemAction.PUBLISH)
    content = await read_content(session, system_id=system_id)
    if faults := publication_faults(content):
        raise SystemIncomplete("体系尚不完整，请按提示补正后再发布。", errors=faults)
    system.state = following
    system.published_at = clock.now()
    system.content_hash = content_hash(content)
    await session.flush()  # the answer carries the new version
    await _record(session, system, caller=caller, action="publish", before=before, reason=reason)
    return system


async def retire_system(
    session: WriteSession, *, caller: Principal, system_id: UUID, version: int, reason: str
) -> IndicatorSystem:
    """Take a published system out of use for new assessments; those that use it are not touched."""
    system = await _locked(session, system_id)
    check_judged(version, system.version)
    before = _snapshot(system)
    system.state = _following(system, SystemAction.RETIRE)
    system.retired_at = clock.now()
    await session.flush()  # the answer carries the new version
    await _record(session, system, caller=caller, action="retire", before=before, reason=reason)
    return system


async def clone_system(
    session: WriteSession, *, caller: Principal, system_id: UUID, new: SystemClone
) -> IndicatorSystem:
    """Make a draft with the same content from a published or retired system."""
    source = await session.get(IndicatorSystem, system_id)
    if source is None:
        raise SystemNotFound
    if source.state is SystemState.DRAFT:
        raise IllegalTransition("草稿可直接修改，不必克隆。", allowed=allowed(source.state))
    content = await read_content(session, system_id=system_id)
    made = await create_system(
        session,
        caller=caller,
        new=SystemCreate.model_validate(
            {
                **new.model_dump(),
                "level_names": source.level_names,
                "methods": source.methods,
                "description": source.description,
                "source": source.source,
            }
        ),
        source_id=source.id,
    )
    await write_content(session, made.id, content)
    return made


async def load_sample_edition(session: WriteSession) -> UUID:
    """Load and publish the sample edition with its site types, unless it is there already; answers its id.

    Duties go to the city's units of the names given, where there are such units.
    """
    there = await session.scalar(select(IndicatorSystem.id).where(IndicatorSystem.code == SAMPLE_CODE))
    if there is not None:
        return there
    await load_base_types(session)
    indicators, samples = sample_edition()
    city = await session.scalar(select(Region.name).where(Region.level == RegionLevel.CITY).order_by(Region.code))
    wanted = {f"{city}{name}": name for sample in samples for name in sample.unit_names}
    found = await session.execute(select(Unit.name, Unit.id).where(Unit.name.in_(wanted), Unit.active))
    units = {wanted[row.name]: row.id for row in found}
    standards = tuple(
        replace(sample.content, duties=tuple(units[name] for name in sample.unit_names if name in units))
        for sample in samples
    )
    new = SystemCreate.model_validate(SAMPLE)
    made = await create_system(session, caller=None, new=new)
    methods = {method.code: method.name for method in new.methods}
    await write_content(session, made.id, Content(tuple(new.level_names), methods, indicators, standards))
    await publish_system(session, caller=None, system_id=made.id, version=made.version)
    return made.id


async def clear_content(session: WriteSession, system_id: UUID) -> None:
    """Delete every standard and indicator of a draft that is locked."""
    await session.execute(delete(Standard).where(Standard.system_id == system_id))
    await session.execute(delete(Indicator).where(Indicator.system_id == system_id))


async def write_content(
    session: WriteSession,
    system_id: UUID,
    content: Content,
    *,
    known: Mapping[tuple[str, str], tuple[UUID, int]] | None = None,
) -> None:
    """Write content into an empty draft, in four statements.

    `known` gives ("indicator" or "standard", code) the id and version that it had before, so that what is
    written again stays the same thing.
    """
    known = known or {}
    at = clock.now()

    def identity(kind: str, code: str) -> dict[str, Any]:
        found, version = known.get((kind, code), (uuid7(), 0))
        return {"id": found, "version": version + 1, "created_at": at, "updated_at": at}

    places: dict[str | None, int] = {}
    ids: dict[str, UUID] = {}
    indicators = []
    for indicator in content.indicators:
        row = identity("indicator", indicator.code) | {
            "system_id": system_id,
            "parent_id": ids[indicator.parent_code] if indicator.parent_code else None,
            "level": indicator.level,
            "code": indicator.code,
            "name": indicator.name,
            "position": places.setdefault(indicator.parent_code, 0),
        }
        places[indicator.parent_code] += 1
        ids[indicator.code] = row["id"]
        indicators.append(row)
    standards, types, duties = [], [], []
    within: dict[str, int] = {}
    for standard in content.standards:
        row = identity("standard", standard.code) | {
            "system_id": system_id,
            "indicator_id": ids[standard.indicator_code],
            "code": standard.code,
            "text": standard.text,
            "list_kind": standard.list_kind,
            "max_score": standard.max_score,
            "methods": list(standard.methods),
            "rule": standard.rule,
            "requires_photo": standard.requires_photo,
            "evidence": list(standard.evidence),
            "note": standard.note,
            "source": standard.source,
            "position": within.setdefault(standard.indicator_code, 0),
        }
        within[standard.indicator_code] += 1
        standards.append(row)
        types += [{"standard_id": row["id"], "site_type_code": code} for code in standard.site_types]
        duties += [
            {
                "standard_id": row["id"],
                "unit_id": unit,
                "role": DutyRole.CO if place else DutyRole.LEAD,
                "position": place,
            }
            for place, unit in enumerate(standard.duties)
        ]
    for model, rows in (
        (Indicator, sorted(indicators, key=lambda row: row["level"])),
        (Standard, standards),
        (StandardSiteType, types),
        (StandardDuty, duties),
    ):
        if rows:
            # The table, not the entity: the latter would start every version at 1 again.
            await session.execute(insert(cast("Table", model.__table__)), rows)


async def _locked(session: WriteSession, system_id: UUID) -> IndicatorSystem:
    found = await session.scalar(select(IndicatorSystem).where(IndicatorSystem.id == system_id).with_for_update())
    if found is None:
        raise SystemNotFound
    return found


def _following(system: IndicatorSystem, action: SystemAction) -> SystemState:
    following = TRANSITIONS.get((system.state, action))
    if following is None:
        raise IllegalTransition(f"体系为{system.state.label}，不能{action.label}。", allowed=allowed(system.state))
    return following


async def code_is_taken(session: WriteSession, code: str) -> bool:
    """Whether a system has this code."""
    return await session.scalar(select(IndicatorSystem.id).where(IndicatorSystem.code == code)) is not None


async def _check_code(session: WriteSession, code: str) -> None:
    if await code_is_taken(session, code):
        raise SystemCodeTaken(f"编号“{code}”已被其他体系使用，请换一个。")


async def _has_indicators(session: WriteSession, system_id: UUID) -> bool:
    found = await session.scalar(select(Indicator.id).where(Indicator.system_id == system_id).limit(1))
    return found is not None


def _snapshot(system: IndicatorSystem) -> dict[str, Any]:
    return {name: getattr(system, name) for name in _AUDITED}


async def _record(
    session: WriteSession,
    system: IndicatorSystem,
    *,
    caller: Principal | None,
    action: str,
    before: Mapping[str, Any] | None,
    reason: str | None = None,
) -> None:
    await record(
        session,
        caller=caller,
        action=f"indicator_systems.{action}",
        target=("indicator_system", system.id),
        before=before,
        after=_snapshot(system),
        reason=reason,
        context=("indicator_system", system.id),
    )
