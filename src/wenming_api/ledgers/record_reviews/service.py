"""The review of records inside their unit (L2.4): approved or returned by somebody who did not write them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, Forbidden, check_judged
from wenming_api.ledgers.contents.queries import categories_of, files_of
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.records.queries import repeats_photo, version_content
from wenming_api.ledgers.records.rules import RecordAction, RecordState
from wenming_api.ledgers.records.schemas import FieldMark
from wenming_api.ledgers.records.service import check_state, lock_own, lock_record
from wenming_api.ledgers.verdicts.queries import judge_content
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import record as audit
from wenming_api.system.files.service import hold
from wenming_api.workflow.approvals import service as approvals
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import ApprovalState, Decision, Mark, Standing, Subject

_SETTLED = {
    ApprovalState.PENDING: RecordState.IN_REVIEW,
    ApprovalState.APPROVED: RecordState.APPROVED,
    ApprovalState.RETURNED: RecordState.RETURNED,
}


class QualityRefused(Conflict):
    """The record has serious findings; `findings` lists all of them."""

    code = "quality_refused"
    title = "存在严重质控问题"


async def submit_for_review(session: WriteSession, *, caller: Principal, record_id: UUID, version: int) -> Record:
    """Ask the unit's reviewers to approve the current version; its files can no longer be deleted.

    The quality rules of today judge first: serious findings refuse, without exception, so that nothing reaches a
    reviewer that its receiver would send back; milder ones are shown.

    Raises:
        VersionMoved, IllegalTransition, QualityRefused, and what `workflow.approvals.service.start` raises.
    """
    found = await lock_own(session, caller, record_id)
    check_judged(version, found.version)
    check_state(RecordAction.SUBMIT, found)
    content = await version_content(session, record_id=record_id, no=found.current_version_no)
    made_by, made_at = (
        await session.execute(
            select(RecordVersion.made_by, RecordVersion.made_at).where(
                RecordVersion.record_id == record_id, RecordVersion.no == found.current_version_no
            )
        )
    ).one()
    verdict = await judge_content(
        session,
        content,
        unit_id=found.unit_id,
        categories=await categories_of(session, content.node_ids),
        saved_at=made_at,
        repeats_photo=await repeats_photo(
            session, unit_id=found.unit_id, record_id=record_id, file_ids=[each.file_id for each in content.photos]
        ),
    )
    if verdict.serious:
        raise QualityRefused(
            "请按质控提示修改后再提交审核：" + "；".join(each["message"] for each in verdict.serious) + "。",
            findings=verdict.findings,
        )
    standing = await approvals.start(
        session,
        caller=caller,
        subject=Subject(
            kind="record",
            id=record_id,
            version=found.current_version_no,
            title=found.title,
            unit_id=found.unit_id,
            author_id=made_by,
        ),
    )
    await hold(session, {shown.file_id for shown in files_of(content)})
    before = found.state
    found.approval_id, found.submitted_once = standing.id, True
    found.findings_worst = verdict.worst
    _settle(found, standing)
    await _audit_state(session, caller, found, "submit", before)
    return found


async def cancel_review(
    session: WriteSession, *, caller: Principal, record_id: UUID, version: int, reason: str
) -> Record:
    """Take a record back from review; it is a draft again. Raises `VersionMoved`, `IllegalTransition`."""
    found = await lock_own(session, caller, record_id)
    check_judged(version, found.version)
    before = found.state
    found.state = check_state(RecordAction.CANCEL, found)
    if found.approval_id is not None:
        await approvals.cancel(session, caller=caller, approval_id=found.approval_id, reason=reason)
    await _audit_state(session, caller, found, "cancel", before, reason)
    return found


async def decide_review(
    session: WriteSession,
    *,
    caller: Principal,
    record_id: UUID,
    version: int,
    decision: Decision,
    reason: str | None,
    marks: Sequence[FieldMark] = (),
) -> Record:
    """Approve or return at the current step; of two reviewers at once, one decides.

    Raises:
        RecordNotFound, VersionMoved, IllegalTransition, Forbidden, and what `workflow.approvals.service.decide` raises.
    """
    found = await lock_record(session, caller, record_id)
    check_judged(version, found.version)
    action = RecordAction.APPROVE if decision is Decision.APPROVE else RecordAction.RETURN
    check_state(action, found)
    if found.approval_id is None:
        raise LookupError(f"record {record_id} is in review without an approval")
    wrote = await session.scalar(
        select(RecordVersion.made_by).where(
            RecordVersion.record_id == record_id, RecordVersion.no == found.current_version_no
        )
    )
    if wrote == caller.user_id:
        raise Forbidden("不能审核本人填报的内容。")
    standing = (await standings(session, caller=caller, approval_ids=[found.approval_id]))[found.approval_id]
    after = await approvals.decide(
        session,
        caller=caller,
        approval_id=found.approval_id,
        judged=standing.version,
        decision=decision,
        reason=reason,
        marks=[Mark(mark.field, mark.note) for mark in marks],
    )
    before = found.state
    _settle(found, after)
    await _audit_state(session, caller, found, action.value, before, reason)
    if after.state is not ApprovalState.PENDING:
        done = "已通过单位审核" if after.state is ApprovalState.APPROVED else "被退回"
        await notify(
            session,
            {found.owner_id, wrote} if wrote else {found.owner_id},
            topic=Topic.RECORD,
            title=f"台账记录{done}：{found.title}",
            body=reason or "",
            target=("record", record_id),
        )
    return found


def _settle(found: Record, standing: Standing) -> None:
    """Take the state from where the approval stands; the row's version moves on, also between two steps."""
    found.state, found.updated_at = _SETTLED[standing.state], clock.now()
    if standing.state is ApprovalState.APPROVED:
        found.approved_version_no = found.current_version_no


async def _audit_state(
    session: WriteSession, caller: Principal, found: Record, verb: str, before: RecordState, reason: str | None = None
) -> None:
    await session.flush()  # the answer carries the new version
    await audit(
        session,
        caller=caller,
        action=f"records.{verb}",
        target=("record", found.id),
        before={"state": before.value},
        after={"state": found.state.value, "version_no": found.current_version_no},
        reason=reason,
    )
