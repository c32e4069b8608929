"""Changes of titles: an event is appended, and the unit's civility level follows in the same transaction."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.creation.title_families.models import TitleFamily
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_terms.queries import today
from wenming_api.creation.titles.models import TitleEvent
from wenming_api.creation.titles.queries import events_of, highest_level
from wenming_api.creation.titles.rules import TitleCause, date_problem, naming_problem, revocation_problem
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput
from wenming_api.system.audit.service import record
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.units.models import Unit


class TitleImpossible(Conflict):
    """The holder's history does not allow this; `detail` says why."""

    code = "title_impossible"
    title = "不符合命名或撤销的条件"


@dataclass(frozen=True, slots=True)
class Change:
    """What is decided about a holder: a unit, or a family that the unit looks after."""

    kind: TitleKind
    unit_id: UUID
    family_id: UUID | None
    level: TitleLevel
    cause: TitleCause
    from_on: date
    prerequisite: TitleLevel
    term_id: UUID
    application_id: UUID
    document_number: str
    document_on: date
    reason: str | None


async def append_event(session: WriteSession, *, caller: Principal, change: Change) -> TitleEvent:
    """Append to the history of a holder; of two at once for the same holder, the second judges by the first.

    Raises:
        TitleImpossible: a lower level by naming, a prerequisite not held, nothing to revoke.
        InvalidInput: a day before the last change, or in the future.
    """
    await hold_tree(session)  # the unit's paths stay as they are until this is written
    unit = (
        await session.execute(
            select(Unit).where(Unit.id == change.unit_id).with_for_update().execution_options(populate_existing=True)
        )
    ).scalar_one()
    if change.family_id is not None:
        await session.execute(select(TitleFamily.id).where(TitleFamily.id == change.family_id).with_for_update())
    holder_id = change.family_id or change.unit_id
    events = await events_of(session, holder_id=holder_id, kind=change.kind)
    last = events[-1] if events else None
    wrong_day = date_problem(last.from_on if last else None, change.from_on, today())
    if wrong_day:
        raise InvalidInput(errors=[FieldError("/effective_on", wrong_day)])
    current = last.level if last else TitleLevel.NONE
    if change.cause is TitleCause.NAMED:
        why_not = naming_problem(current, change.level, change.prerequisite)
    elif last is not None and last.application_id != change.application_id:
        why_not = "其后已有新的变动，请从最近一次命名的申报撤销"
    else:
        why_not = revocation_problem(current, change.level)
    if why_not:
        raise TitleImpossible(f"{why_not}。")
    event = TitleEvent(
        kind=change.kind,
        holder_id=holder_id,
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        family_id=change.family_id,
        no=last.no + 1 if last else 1,
        level=change.level,
        cause=change.cause,
        from_on=change.from_on,
        term_id=change.term_id,
        application_id=change.application_id,
        document_number=change.document_number,
        document_on=change.document_on,
        reason=change.reason,
        recorded_by=caller.user_id,
    )
    session.add(event)
    await session.flush()  # the unit's highest level is read from the table
    if change.family_id is None:
        await _follow(session, caller=caller, unit=unit, change=change)
    return event


async def _follow(session: WriteSession, *, caller: Principal, unit: Unit, change: Change) -> None:
    """The unit's civility level is the highest that it holds."""
    before, after = unit.civility_level_code, (await highest_level(session, unit_id=unit.id)).value
    if before == after:
        return
    unit.civility_level_code = after
    await record(
        session,
        caller=caller,
        action="units.civility_level",
        target=("unit", unit.id),
        before={"civility_level_code": before},
        after={"civility_level_code": after, "document_number": change.document_number},
        reason=change.reason,
        context=("title_application", change.application_id),
    )
