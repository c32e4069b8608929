"""Receiving offline batches: every item for itself, exactly once; what comes too late goes into the tray (C3.3)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.offline.schemas import (
    BatchOut,
    ItemOutcome,
    ItemProblem,
    ItemResult,
    OfflineSubmission,
    Unreadable,
)
from wenming_api.city.scoring.models import LateSubmission
from wenming_api.city.scoring.rules import LateState
from wenming_api.city.submissions.rules import (
    Author,
    Frozen,
    Given,
    Outcome,
    PredecessorMissing,
    Recorded,
    SubmissionIdReused,
)
from wenming_api.city.submissions.service import receipt, record_submissions
from wenming_api.kit import clock
from wenming_api.kit.bare import InSession
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, Problem
from wenming_api.kit.validation import invalid
from wenming_api.system.audit.service import entry, record_many

TRAY_OPEN = frozenset({AssessmentState.PAUSED, AssessmentState.REVIEWING, AssessmentState.CLOSED})
"""States in which entry is frozen and late submissions are still kept."""

_RETRY = (PredecessorMissing,)


class LateRejected(Conflict):
    """The submission came late and was decided against; the detail holds the reason."""

    code = "late_rejected"
    title = "迟到数据未被收入"


async def receive_batch(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    items: Sequence[OfflineSubmission | Unreadable],
) -> BatchOut:
    """Record what can be recorded, put what is late into the tray, and say of each item what became of it."""
    at = clock.now()
    given: dict[int, Given] = {}
    results: dict[int, Outcome | LateState] = {}
    for place, item in enumerate(items):
        if isinstance(item, Unreadable):
            results[place] = invalid(item.errors.errors(include_url=False))
        else:
            given[place] = Given(item.sheet_id, item.model_dump(exclude_none=True, exclude={"sheet_id"}), at)
    results |= await _decided_before(session, caller, given)
    open_places = [place for place in given if place not in results]
    outcomes = await record_submissions(
        InSession(session),
        caller=caller,
        author=Author(caller.user_id, caller.unit_path),
        assessment_id=assessment_id,
        given=[given[place] for place in open_places],
    )
    results |= dict(zip(open_places, outcomes, strict=True))
    results |= await _put_into_tray(session, caller, assessment_id, results)
    answered = [_result(place, items[place], results[place]) for place in range(len(items))]
    count = {outcome: sum(each.outcome is outcome for each in answered) for outcome in ItemOutcome}
    return BatchOut(**{outcome.value: number for outcome, number in count.items()}, items=answered)


async def _decided_before(
    session: WriteSession, caller: Principal, given: dict[int, Given]
) -> dict[int, Outcome | LateState]:
    """Items that are in the tray already: they wait there, or were decided against, even when entry is open again."""
    found = await session.execute(
        select(LateSubmission.id, LateSubmission.fingerprint, LateSubmission.state, LateSubmission.reason).where(
            LateSubmission.id.in_({each.id for each in given.values()})
        )
    )
    tray = {row.id: row for row in found}
    known: dict[int, Outcome | LateState] = {}
    for place, each in given.items():
        row = tray.get(each.id)
        if row is None or row.state is LateState.ADMITTED:
            continue
        if row.fingerprint != each.fingerprint():
            known[place] = SubmissionIdReused("该提交编号已用于另一份内容；请为新的提交生成新的编号。")
        elif row.state is LateState.REJECTED:
            known[place] = LateRejected(f"该提交迟到，经处理不予收入：{row.reason}")
        else:
            known[place] = LateState.WAITING
    return known


async def _put_into_tray(
    session: WriteSession, caller: Principal, assessment_id: UUID, results: dict[int, Outcome | LateState]
) -> dict[int, Outcome | LateState]:
    frozen = {place: outcome for place, outcome in results.items() if isinstance(outcome, Frozen)}
    if not frozen:
        return {}
    state = (await session.execute(select(Assessment.state).where(Assessment.id == assessment_id))).scalar_one()
    if state not in TRAY_OPEN:
        refused = EntryFrozen(f"测评当前为“{state.label}”，不能录入数据。", state=state.value)
        return dict.fromkeys(frozen, refused)
    rows = [
        {
            "id": each.given.id,
            "assessment_id": assessment_id,
            "sheet_id": each.given.sheet_id,
            "region_path": each.region_path,
            "owner_id": caller.user_id,
            "state": LateState.WAITING,
            "fingerprint": each.fingerprint,
            "body": OfflineSubmission.model_validate(
                {**each.given.submission, "sheet_id": each.given.sheet_id}
            ).model_dump(mode="json", exclude_none=True, exclude={"sheet_id"}),
            "captured_at": each.given.submission["captured_at"],
            "received_at": each.given.received_at,
            "created_at": each.given.received_at,
            "updated_at": each.given.received_at,
            "version": 1,
        }
        for each in {one.given.id: one for one in frozen.values()}.values()
    ]
    new = await session.scalars(
        insert(LateSubmission).values(rows).on_conflict_do_nothing().returning(LateSubmission.id)
    )
    put = set(new)
    await record_many(
        session,
        [
            entry(
                caller=caller,
                action="late_submissions.receive",
                target=("late_submission", row["id"]),
                after={"state": LateState.WAITING, "sheet_id": row["sheet_id"], "fingerprint": row["fingerprint"]},
                context=("assessment", assessment_id),
            )
            for row in rows
            if row["id"] in put
        ],
    )
    return dict.fromkeys(frozen, LateState.WAITING)


def _result(place: int, item: OfflineSubmission | Unreadable, outcome: Outcome | LateState) -> ItemResult:
    problem: ItemProblem | None = None
    if isinstance(outcome, Problem):
        errors = outcome.extensions.get("errors", [])
        problem = ItemProblem(code=outcome.code, title=outcome.title, detail=outcome.detail, errors=errors)
        kind = ItemOutcome.REFUSED
    elif isinstance(outcome, Recorded):
        kind = ItemOutcome.REPEATED if outcome.repeated else ItemOutcome.RECORDED
    else:
        kind = ItemOutcome.LATE
    return ItemResult(
        index=place,
        id=item.id,
        sheet_id=item.sheet_id,
        outcome=kind,
        retry=isinstance(outcome, _RETRY),
        receipt=receipt(outcome) if isinstance(outcome, Recorded) else None,
        problem=problem,
    )
