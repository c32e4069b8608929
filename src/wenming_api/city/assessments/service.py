"""Changes of assessments (C3.1, S1.2): their scheme, their state, and the locks by which entry freezes with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import column, delete, func, insert, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.events import ResultPublished
from wenming_api.city.assessments import queries
from wenming_api.city.assessments.models import (
    Assessment,
    AssessmentAssessor,
    AssessmentMethod,
    AssessmentQuota,
    AssessmentRegion,
    AssessmentStandard,
    RankingGroup,
    RankingGroupMember,
)
from wenming_api.city.assessments.rules import (
    ENTRY_OPEN,
    RESULT_OPEN,
    REVIEW_OPEN,
    TOLD,
    TRANSITIONS,
    AssessmentAction,
    AssessmentState,
    Guard,
    frozen_fields,
    guards_met,
    refusal_of,
)
from wenming_api.city.assessments.schemas import (
    AssessmentClone,
    AssessmentCreate,
    AssessmentPatch,
)
from wenming_api.city.notices.rules import About
from wenming_api.city.notices.service import tell_moved
from wenming_api.city.schemes.queries import gather_facts
from wenming_api.city.schemes.rules import Gap, Settings, publish_gaps, scheme_gaps
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.events import publish
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_edited,
    check_judged,
)
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region


class EntryFrozen(Conflict):
    """The assessment takes no entries now."""

    code = "entry_frozen"
    title = "测评数据录入已冻结"


class SchemeFrozen(Conflict):
    """These parts of the scheme can no longer be changed."""

    code = "scheme_frozen"
    title = "测评方案已固定"


class SchemeIncomplete(InvalidInput):
    """The scheme cannot be published; `errors` lists every gap at once, by pointers into the scheme."""

    code = "scheme_incomplete"
    title = "测评方案不完整"


@dataclass(frozen=True, slots=True)
class Held:
    """An assessment whose state cannot change before this transaction ends."""

    id: UUID
    state: AssessmentState
    region_path: str
    settings: Settings
    effective_draw_id: UUID | None
    """Entries belong to this draw's sheets only."""
    result_id: UUID | None


async def lock_for_entry(session: WriteSession, assessment_id: UUID) -> Held:
    """Hold the state while something is entered: whoever pauses, stops or closes waits until this transaction ends,
    and nothing is entered after they have. Any number of entries hold it side by side.

    Raises:
        EntryFrozen: the assessment is not in progress.
        NotFound: there is none.
    """
    return await _held(session, assessment_id, ENTRY_OPEN)


async def lock_for_review(session: WriteSession, assessment_id: UUID) -> Held:
    """The same for reviewers, who also work while entry rests and after the field work.

    Raises:
        EntryFrozen: the assessment is neither in progress nor paused nor being reviewed.
        NotFound: there is none.
    """
    return await _held(session, assessment_id, REVIEW_OPEN)


_HELD = ("id", "state", "region_path", "settings", "effective_draw_id", "result_id")


async def _held(session: WriteSession, assessment_id: UUID, open_in: frozenset[AssessmentState]) -> Held:
    # An advisory lock, not FOR SHARE on the row: sharers of a row lock overtake whoever waits to change the row, and a
    # pause would wait for ever under a steady stream of entries. This queue is fair, and nothing is written.
    held = func.hold_assessment(assessment_id).table_valued(
        *(column(name, getattr(Assessment, name).type) for name in _HELD)
    )
    row = (await session.execute(select(*held.c))).one_or_none()
    if row is None:
        raise NotFound("测评不存在。")
    if row.state not in open_in:
        raise EntryFrozen(f"测评当前为“{row.state.label}”，不能录入或审核数据。", state=row.state.value)
    return Held(
        row.id, row.state, row.region_path, Settings.from_json(row.settings), row.effective_draw_id, row.result_id
    )


async def lock_for_change(session: WriteSession, assessment_id: UUID, *, caller: Principal | None) -> Assessment:
    """The assessment, alone in this transaction's hands: waits for every entry under way, and entries that come later
    wait for it. Take it first; never after `lock_for_entry`. None as the caller: the system's own work.

    Raises:
        NotFound: there is none, or the caller does not see it.
        Forbidden: the caller sees it only because his region takes part in it.
    """
    await session.execute(select(func.take_assessment(assessment_id)))
    return await _find(session, assessment_id, caller, lock=True)


async def _find(session: WriteSession, assessment_id: UUID, caller: Principal | None, *, lock: bool) -> Assessment:
    statement = select(Assessment).where(Assessment.id == assessment_id)
    if caller is not None:
        statement = statement.where(queries.visible(caller.scope))
    if lock:
        statement = statement.with_for_update(of=Assessment, key_share=True)
    found = await session.scalars(statement.execution_options(populate_existing=True))
    row = found.one_or_none()
    if row is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    if caller is not None and not caller.scope.holds_region(row.region_path):
        raise Forbidden("测评由上级组织，您只能查看。")
    return row


async def create_assessment(session: WriteSession, *, caller: Principal, new: AssessmentCreate) -> Assessment:
    """Make a draft; it may be incomplete, but nothing in it may be wrong."""
    region = await session.get(Region, new.region_id)
    if region is None or not caller.scope.holds_region(region.path):
        raise InvalidInput(errors=[FieldError("/region_id", "区域不存在，或不在您的数据范围内")])
    settings = Settings(**new.settings.model_dump())
    parts = {name: new.model_dump()[name] for name in PARTS}
    await _check_scheme(session, new.system_id, region.path, settings, parts)
    row = Assessment(
        **new.model_dump(include={"number", "name", "description", "system_id", "region_id", "starts_on", "ends_on"}),
        **_born(caller),
        region_path=region.path,
        settings=settings.to_json(),
    )
    await _add(session, row, parts)
    await _audit(session, caller, row, "create", after=new.model_dump(mode="json"))
    return row


async def clone_assessment(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, new: AssessmentClone
) -> Assessment:
    """A draft with the scheme of an earlier assessment. What has since been retired shows in the publish check."""
    source = await _find(session, assessment_id, caller, lock=False)
    _check_window(new.starts_on, new.ends_on)
    row = Assessment(
        **new.model_dump(),
        **_born(caller),
        description=source.description,
        system_id=source.system_id,
        region_id=source.region_id,
        region_path=source.region_path,
        settings=source.settings,
        cloned_from_id=source.id,
    )
    await _add(session, row, await queries.read_parts(session, source.id))
    await _audit(session, caller, row, "clone", after={**new.model_dump(mode="json"), "cloned_from_id": source.id})
    return row


def _born(caller: Principal) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "state": AssessmentState.DRAFT,
        "state_since": clock.now(),
        "created_by": caller.user_id,
    }


async def _add(session: WriteSession, row: Assessment, parts: Mapping[str, Any]) -> None:
    _check_window(row.starts_on, row.ends_on)
    session.add(row)
    await session.flush()  # the parts refer to it
    await _write_parts(session, row.id, parts)


async def update_assessment(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, version: int, changes: AssessmentPatch
) -> Assessment:
    """Replace the fields given.

    Raises:
        SchemeFrozen: some of them can no longer be changed.
        InvalidInput: the scheme would be wrong, or, once published, incomplete.
    """
    row = await lock_for_change(session, assessment_id, caller=caller)
    check_edited(version, row.version)
    given = {name: value for name, value in changes.model_dump().items() if name in changes.model_fields_set}
    given.pop("reason", None)
    frozen = frozen_fields(row.state, frozenset(given), draw_open=row.current_draw_id is not None)
    if frozen:
        raise SchemeFrozen("；".join(dict.fromkeys(frozen.values())), fields=sorted(frozen))
    if row.state is not AssessmentState.DRAFT and changes.reason is None:
        raise InvalidInput(errors=[FieldError("/reason", "测评已发布，修改须写明原因")])
    stored = await queries.read_parts(session, row.id)
    parts = stored | {name: given[name] for name in PARTS if name in given}
    settings = Settings(**given["settings"]) if "settings" in given else Settings.from_json(row.settings)
    before = {name: stored.get(name, getattr(row, name, None)) for name in given}
    _check_window(given.get("starts_on", row.starts_on), given.get("ends_on", row.ends_on))
    if given.keys() & {*PARTS, "settings", "system_id"}:
        system_id, complete = given.get("system_id", row.system_id), row.state is not AssessmentState.DRAFT
        await _check_scheme(session, system_id, row.region_path, settings, parts, complete=complete)
    for name in given.keys() - set(PARTS) - {"settings"}:
        setattr(row, name, given[name])
    row.settings = settings.to_json()
    row.updated_at = clock.now()  # the parts belong to the version of the head
    await _write_parts(session, row.id, {name: given[name] for name in PARTS if name in given}, replace=True)
    await _audit(session, caller, row, "update", before=before, after=given, reason=changes.reason)
    return row


async def delete_assessment(session: WriteSession, *, caller: Principal, assessment_id: UUID, version: int) -> None:
    """Delete a draft; anything that was published stays."""
    row = await lock_for_change(session, assessment_id, caller=caller)
    if row.state is not AssessmentState.DRAFT:
        raise IllegalTransition("仅草稿可以删除；已发布的测评可以终止。", allowed=_allowed(row))
    check_edited(version, row.version)
    await _audit(session, caller, row, "delete", before={"number": row.number, "name": row.name})
    await session.delete(row)


async def change_state(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    step: AssessmentAction,
    version: int,
    reason: str,
) -> Assessment:
    """Take one step of the table. Entry freezes and thaws with it: see `lock_for_entry`.

    Raises:
        IllegalTransition: the table does not list the step, or its guard is not met.
        SchemeIncomplete: publishing, with every gap.
        VersionMoved: somebody was faster.
    """
    row = await lock_for_change(session, assessment_id, caller=caller)
    met = guards_met(effective_draw=row.effective_draw_id is not None, result=row.result_id is not None)
    refusal = refusal_of(step, row.state, met | {Guard.NO_GAPS})
    if refusal is not None:
        raise IllegalTransition(f"{refusal}。", allowed=_allowed(row))
    check_judged(version, row.version)
    if TRANSITIONS[step].guard is Guard.NO_GAPS:
        gaps = await queries.find_publish_gaps(session, row)
        if gaps:
            raise SchemeIncomplete(f"共有 {len(gaps)} 处需要补全或修正。", errors=_errors(gaps))
    before = {"state": row.state.value}
    row.state, row.state_since, row.state_reason = TRANSITIONS[step].target, clock.now(), reason
    await _audit(session, caller, row, step.value, before=before, after={"state": row.state.value}, reason=reason)
    if step in TOLD:
        await tell_moved(
            session,
            await queries.list_assessor_ids(session, row.id),
            assessment_id=row.id,
            about=About(row.number, row.name),
            state=row.state.label,
            reason=reason,
        )
    return row


async def attach_result(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, result_id: UUID
) -> Assessment:
    """Name the published result; the caller of this publishes it and writes the audit entry.

    Raises:
        IllegalTransition: the field work is not over yet, or the assessment is archived or stopped.
    """
    row = await lock_for_change(session, assessment_id, caller=caller)
    if row.state not in RESULT_OPEN:
        wanted = "、".join(state.label for state in AssessmentState if state in RESULT_OPEN)
        raise IllegalTransition(f"测评当前为“{row.state.label}”，仅在“{wanted}”时可以发布成绩。", allowed=_allowed(row))
    row.result_id = result_id
    await publish(session, ResultPublished(assessment_id=assessment_id))
    return row


async def _check_scheme(
    session: WriteSession,
    system_id: UUID,
    root_path: str,
    settings: Settings,
    parts: Mapping[str, Any],
    *,
    complete: bool = False,
) -> None:
    scheme = queries.scheme_of(root_path=root_path, settings=settings, parts=parts)
    facts = await gather_facts(session, scheme=scheme, system_id=system_id, with_frame=complete)
    gaps = publish_gaps(scheme, facts, windowed=True) if complete else scheme_gaps(scheme, facts)
    if gaps:
        raise InvalidInput(errors=_errors(gaps))


def _errors(gaps: list[Gap]) -> list[FieldError]:
    return [FieldError(gap.pointer, gap.message) for gap in gaps]


def _check_window(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on is not None and ends_on is not None and starts_on > ends_on:
        raise InvalidInput(errors=[FieldError("/ends_on", "结束日期不能早于开始日期")])


def _allowed(row: Assessment) -> list[str]:
    met = guards_met(effective_draw=row.effective_draw_id is not None, result=row.result_id is not None)
    steps = (each for each in AssessmentAction if refusal_of(each, row.state, met | {Guard.NO_GAPS}) is None)
    return [step.value for step in steps]


async def _audit(
    session: WriteSession,
    caller: Principal,
    row: Assessment,
    verb: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    here = ("assessment", row.id)
    await record(
        session,
        caller=caller,
        action=f"assessments.{verb}",
        target=here,
        before=before,
        after=after,
        reason=reason,
        context=here,
    )


async def _write_parts(
    session: WriteSession, assessment_id: UUID, parts: Mapping[str, Any], *, replace: bool = False
) -> None:
    """Store the parts given; `replace` empties each of them first."""
    for name, models in PARTS.items():
        if name not in parts:
            continue
        if replace:
            await session.execute(delete(models[0]).where(models[0].assessment_id == assessment_id))
        for model, rows in zip(models, _rows(name, parts[name]), strict=True):
            if rows:
                await session.execute(insert(model), [{"assessment_id": assessment_id, **row} for row in rows])


PARTS: dict[str, tuple[Any, ...]] = {
    "region_ids": (AssessmentRegion,),
    "standard_ids": (AssessmentStandard,),
    "quotas": (AssessmentQuota,),
    "methods": (AssessmentMethod,),
    "groups": (RankingGroup, RankingGroupMember),
    "assessors": (AssessmentAssessor,),
}
"""The lists of a scheme and the tables that hold each; deleting from the first empties the others."""


def _rows(name: str, given: list[Any]) -> tuple[list[dict[str, Any]], ...]:
    """The rows of one list, per table of `PARTS`."""
    if name == "region_ids":
        return ([{"region_id": region, "position": at} for at, region in enumerate(given)],)
    if name == "standard_ids":
        return ([{"standard_id": standard} for standard in given],)
    if name == "groups":
        ids = [uuid7() for _ in given]
        groups = [
            _only(group, "code", "name", "region_level", "field_only")
            | {"id": id_, "methods": {code: str(weight) for code, weight in group["methods"].items()}, "position": at}
            for at, (id_, group) in enumerate(zip(ids, given, strict=True))
        ]
        members = [
            {"group_id": id_, "region_id": region, "position": at}
            for id_, group in zip(ids, given, strict=True)
            for at, region in enumerate(group["region_ids"])
        ]
        return groups, members
    if name == "assessors":
        return ([_only(each, "user_id", "qualification", "region_ids", "site_type_codes") for each in given],)
    columns = {
        "quotas": ("site_type_code", "region_level", "count", "weight", "when_short"),
        "methods": ("code", "name", "source"),
    }[name]
    return ([_only(each, *columns) | {"position": at} for at, each in enumerate(given)],)


def _only(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
