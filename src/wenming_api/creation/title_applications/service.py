"""Changes of applications for titles (L5). Who may is said once, by `queries.allowed_actions`."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.creation.title_applications.models import TitleApplication
from wenming_api.creation.title_applications.queries import allowed_actions, judge, missing_files, submission_gaps
from wenming_api.creation.title_applications.rules import (
    ApplicationAction,
    ApplicationState,
    allowed_from,
    next_state,
    refusal_of,
)
from wenming_api.creation.title_applications.schemas import (
    ApplicationCreate,
    ApplicationUpdate,
    Evaluation,
    Naming,
    Recommendation,
    Revocation,
    Submission,
    TitleAssessment,
)
from wenming_api.creation.title_families.models import TitleFamily
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.rules import Judgement, TitleKind, TitleLevel
from wenming_api.creation.title_terms.models import TitleTerm
from wenming_api.creation.title_terms.queries import find_term, today
from wenming_api.creation.title_terms.rules import window_problem
from wenming_api.creation.titles.queries import events_of
from wenming_api.creation.titles.rules import TitleCause
from wenming_api.creation.titles.service import Change, append_event
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
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
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import record
from wenming_api.system.files.service import hold
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approvals import service as approvals
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import ApprovalState, Decision, Standing, Subject


class AlreadyApplied(Conflict):
    """The holder has an application in this term."""

    code = "title_already_applied"
    title = "本届已申报"


class NotSubmittable(Conflict):
    """The application has gaps, or the window is closed; `gaps` names them."""

    code = "title_not_submittable"
    title = "申报尚不能提交"


class _Held:
    """An application locked for a change, with what it stands on."""

    def __init__(self, one: TitleApplication, term: TitleTerm, rule: TitleRule, standing: Standing | None) -> None:
        self.one, self.term, self.rule, self.standing = one, term, rule, standing
        self.before = one.state


async def create_application(session: WriteSession, *, caller: Principal, new: ApplicationCreate) -> TitleApplication:
    """Begin an application of the caller's unit, or of a family that it looks after.

    Raises:
        AlreadyApplied: the holder has one in this term that was not withdrawn.
        InvalidInput: a term that the caller does not see or of another region, a family where there is none to be.
    """
    unit = await session.get(Unit, caller.unit_id)
    term = await find_term(session, caller=caller, term_id=new.term_id)
    if unit is None or term is None or not unit.region_path.startswith(term.region_path):
        raise InvalidInput(errors=[FieldError("/term_id", "届别不存在，或不面向本单位所在区域")])
    if window := window_problem(term.state, term.opens_on, term.closes_on, today()):
        raise NotSubmittable(f"{window}。", gaps=[window])
    await _check_family(session, caller=caller, family_id=new.family_id, kind=term.kind)
    holder_id = new.family_id or unit.id
    there = await session.scalar(
        select(TitleApplication.number).where(
            TitleApplication.term_id == term.id,
            TitleApplication.holder_id == holder_id,
            TitleApplication.state != ApplicationState.WITHDRAWN,
        )
    )
    if there is not None:
        raise AlreadyApplied(f"本届已有申报（编号 {there}），不能重复申报。")
    now = clock.now()
    one = TitleApplication(
        term_id=term.id,
        kind=term.kind,
        level=term.level,
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        owner_id=caller.user_id,
        family_id=new.family_id,
        holder_id=holder_id,
        statement=new.statement,
        state=ApplicationState.DRAFT,
        state_since=now,
        self_assessment={},
    )
    await _assess_self(session, caller=caller, one=one, term=term, given=new.self_assessment)
    session.add(one)
    await session.flush()  # one made at the same moment must answer before the audit entry is written
    await record(
        session,
        caller=caller,
        action="title_applications.create",
        target=("title_application", one.id),
        after=new.model_dump(mode="json"),
    )
    return one


async def _check_family(session: WriteSession, *, caller: Principal, family_id: UUID | None, kind: TitleKind) -> None:
    if kind is not TitleKind.FAMILY:
        if family_id is not None:
            raise InvalidInput(errors=[FieldError("/family_id", f"“{kind.label}”由单位申报，不填家庭")])
        return
    family = await session.get(TitleFamily, family_id) if family_id else None
    if family is None or not family.active or family.unit_id != caller.unit_id:
        raise InvalidInput(errors=[FieldError("/family_id", "请选择本单位登记的家庭")])


async def _assess_self(
    session: WriteSession, *, caller: Principal, one: TitleApplication, term: TitleTerm, given: TitleAssessment
) -> None:
    rule = await session.get_one(TitleRule, term.rule_id)
    judged = judge(rule, given)
    _refuse_wrong(judged, "/self_assessment")
    before = {file for answer in (one.self_assessment or {}).get("answers", []) for file in answer["file_ids"]}
    files = {file for answer in given.answers for file in answer.file_ids}
    missing = await missing_files(session, caller=caller, file_ids=(file for file in files if str(file) not in before))
    if missing:
        named = "、".join(sorted(str(each) for each in missing))
        raise InvalidInput(errors=[FieldError("/self_assessment/answers", f"证明材料不存在或尚不可用：{named}")])
    await hold(session, files)
    one.self_assessment = given.model_dump(mode="json")
    one.self_score = judged.total if given.answers else None


def _refuse_wrong(judged: Judgement, pointer: str) -> None:
    faults = [(f"{pointer}/answers", "得分超出分值", judged.over), (pointer, "标准中没有这些编号", judged.unknown)]
    errors = [FieldError(where, f"{what}：{'、'.join(codes)}") for where, what, codes in faults if codes]
    if errors:
        raise InvalidInput(errors=errors)


async def _hold(session: WriteSession, *, caller: Principal, application_id: UUID) -> _Held:
    found = await session.execute(
        select(TitleApplication, TitleTerm, TitleRule)
        .join(TitleTerm, TitleTerm.id == TitleApplication.term_id)
        .join(TitleRule, TitleRule.id == TitleTerm.rule_id)
        .where(TitleApplication.id == application_id, caller.scope.where(TitleApplication))
        .where((TitleApplication.state != ApplicationState.DRAFT) | (TitleApplication.unit_id == caller.unit_id))
        .with_for_update(of=TitleApplication)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    one: TitleApplication = row[0]
    standing = None
    if one.approval_id is not None and one.state is ApplicationState.RECOMMENDING:
        standing = (await standings(session, caller=caller, approval_ids=[one.approval_id])).get(one.approval_id)
    return _Held(one, row[1], row[2], standing)


async def _check_step(
    session: WriteSession, held: _Held, *, caller: Principal, action: ApplicationAction, version: int
) -> None:
    """The version judged, the state, and everything that the detail's allowed actions ask for."""
    check_judged(version, held.one.version)
    refusal = refusal_of(action, held.one.state)
    if refusal is not None:
        raise IllegalTransition(f"{refusal}。", allowed=allowed_from(held.one.state))
    gaps: list[str] = []
    if action is ApplicationAction.SUBMIT:
        events = await events_of(session, holder_id=held.one.holder_id, kind=held.one.kind)
        current = events[-1].level if events else TitleLevel.NONE
        gaps = submission_gaps(held.rule, judge(held.rule, held.one.self_assessment), current)
        window = window_problem(held.term.state, held.term.opens_on, held.term.closes_on, today())
        if window or gaps:
            raise NotSubmittable("；".join([*([window] if window else []), *gaps]) + "。", gaps=gaps)
    listed = allowed_actions(held.one, held.term, caller=caller, standing=held.standing, gaps=gaps)
    one = next(each for each in listed if each.action == action.value)
    if not one.allowed:
        raise Forbidden(f"{one.why_not}。")


async def _advance(
    session: WriteSession,
    held: _Held,
    *,
    caller: Principal,
    action: ApplicationAction,
    reason: str | None,
    to: ApplicationState | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    one = held.one
    one.state = to or next_state(action, held.before)
    one.state_since = clock.now()
    if reason is not None:
        one.reason = reason
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action=f"title_applications.{action}",
        target=("title_application", one.id),
        before={"state": held.before},
        after={"state": one.state, **(after or {})},
        reason=reason,
    )


async def _tell(session: WriteSession, held: _Held, title: str, body: str = "") -> None:
    await notify(
        session,
        [held.one.owner_id],
        topic=Topic.TITLE,
        title=title,
        body=body,
        target=("title_application", held.one.id),
    )


async def update_application(
    session: WriteSession, *, caller: Principal, application_id: UUID, version: int, changes: ApplicationUpdate
) -> None:
    """Change a draft, or what was returned; the applying unit alone."""
    held = await _hold(session, caller=caller, application_id=application_id)
    one = held.one
    check_edited(version, one.version)
    listed = allowed_actions(one, held.term, caller=caller, standing=None, gaps=[])
    if refusal_of(ApplicationAction.SUBMIT, one.state) is not None:
        raise IllegalTransition(f"当前状态“{one.state.label}”不能修改。", allowed=allowed_from(one.state))
    if not listed[0].allowed:
        raise Forbidden(f"{listed[0].why_not}。")
    before = {"statement": one.statement, "self_assessment": one.self_assessment}
    if changes.statement is not None:
        one.statement = changes.statement
    if changes.self_assessment is not None:
        await _assess_self(session, caller=caller, one=one, term=held.term, given=changes.self_assessment)
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="title_applications.update",
        target=("title_application", one.id),
        before=before,
        after={"statement": one.statement, "self_assessment": one.self_assessment},
    )


async def submit_application(
    session: WriteSession, *, caller: Principal, application_id: UUID, judged: Submission
) -> None:
    """Send an application up for recommendation; `NotSubmittable` names what is missing."""
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=ApplicationAction.SUBMIT, version=judged.version)
    one = held.one
    standing = await approvals.start(
        session,
        caller=caller,
        subject=Subject(
            kind="title",
            id=one.id,
            version=one.version,
            title=f"{held.term.name}申报（编号 {one.number}）",
            unit_id=one.unit_id,
            author_id=caller.user_id,
        ),
    )
    one.approval_id, one.submitted_at = standing.id, clock.now()
    await _advance(session, held, caller=caller, action=ApplicationAction.SUBMIT, reason=None)


async def decide_application(
    session: WriteSession,
    *,
    caller: Principal,
    application_id: UUID,
    recommend: bool,
    judged: Recommendation | Transition,
) -> None:
    """Recommend, or return with a reason: at the caller's step, or, once recommended, by the evaluating office."""
    action = ApplicationAction.RECOMMEND if recommend else ApplicationAction.RETURN
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=action, version=judged.version)
    to: ApplicationState | None = None
    if held.standing is not None:
        standing = await approvals.decide(
            session,
            caller=caller,
            approval_id=held.standing.id,
            judged=held.standing.version,
            decision=Decision.APPROVE if recommend else Decision.RETURN,
            reason=judged.reason,
        )
        to = ApplicationState.RECOMMENDING if standing.state is ApprovalState.PENDING else None
    await _advance(session, held, caller=caller, action=action, reason=judged.reason, to=to)
    if not recommend:
        await _tell(session, held, f"{held.term.name}的申报被退回", judged.reason or "")


async def withdraw_application(
    session: WriteSession, *, caller: Principal, application_id: UUID, judged: Transition
) -> None:
    """Withdraw before it is recommended; the holder may apply again in this term."""
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=ApplicationAction.WITHDRAW, version=judged.version)
    if held.standing is not None:
        await approvals.cancel(session, caller=caller, approval_id=held.standing.id, reason=judged.reason)
    await _advance(session, held, caller=caller, action=ApplicationAction.WITHDRAW, reason=judged.reason)


async def evaluate_application(
    session: WriteSession, *, caller: Principal, application_id: UUID, judged: Evaluation
) -> None:
    """Score an application by the term's rule; again until it is decided."""
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=ApplicationAction.EVALUATE, version=judged.version)
    result = judge(held.rule, judged.assessment)
    _refuse_wrong(result, "/assessment")
    faults = [("尚未评分", result.unanswered), ("尚未声明有无", result.undeclared)]
    errors = [FieldError("/assessment", f"{what}：{'、'.join(codes)}") for what, codes in faults if codes]
    if errors:
        raise InvalidInput(errors=errors)
    one = held.one
    one.evaluation = judged.assessment.model_dump(mode="json")
    one.score, one.passed = result.total, result.passed
    one.evaluated_by, one.evaluated_at = caller.user_id, clock.now()
    await _advance(
        session,
        held,
        caller=caller,
        action=ApplicationAction.EVALUATE,
        reason=judged.reason,
        after={"score": result.total, "passed": result.passed},
    )


async def name_application(session: WriteSession, *, caller: Principal, application_id: UUID, judged: Naming) -> None:
    """Name the holder by a document; its history and its civility level follow in the same transaction."""
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=ApplicationAction.NAME, version=judged.version)
    await _change(session, held, caller=caller, level=held.one.level, cause=TitleCause.NAMED, decision=judged)
    held.one.document_number, held.one.document_on = judged.document_number, judged.document_on
    await _advance(
        session,
        held,
        caller=caller,
        action=ApplicationAction.NAME,
        reason=judged.reason,
        after={"document_number": judged.document_number},
    )
    await _tell(session, held, f"{held.term.name}：申报已获命名", f"文号：{judged.document_number}")


async def reject_application(
    session: WriteSession, *, caller: Principal, application_id: UUID, judged: Transition
) -> None:
    """Decide against naming, with a reason."""
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=ApplicationAction.REJECT, version=judged.version)
    await _advance(session, held, caller=caller, action=ApplicationAction.REJECT, reason=judged.reason)
    await _tell(session, held, f"{held.term.name}：申报未获命名", judged.reason)


async def revoke_title(session: WriteSession, *, caller: Principal, application_id: UUID, judged: Revocation) -> None:
    """Revoke what was named by this application; the holder falls to a lower level, or to none."""
    held = await _hold(session, caller=caller, application_id=application_id)
    await _check_step(session, held, caller=caller, action=ApplicationAction.REVOKE, version=judged.version)
    await _change(session, held, caller=caller, level=judged.falls_to, cause=TitleCause.REVOKED, decision=judged)
    await _advance(
        session,
        held,
        caller=caller,
        action=ApplicationAction.REVOKE,
        reason=judged.reason,
        after={"document_number": judged.document_number, "falls_to": judged.falls_to},
    )
    await _tell(session, held, f"{held.term.name}：称号已撤销", judged.reason)


async def _change(
    session: WriteSession,
    held: _Held,
    *,
    caller: Principal,
    level: TitleLevel,
    cause: TitleCause,
    decision: Naming | Revocation,
) -> None:
    one = held.one
    await append_event(
        session,
        caller=caller,
        change=Change(
            kind=one.kind,
            unit_id=one.unit_id,
            family_id=one.family_id,
            level=level,
            cause=cause,
            from_on=decision.effective_on,
            prerequisite=held.rule.prerequisite,
            term_id=one.term_id,
            application_id=one.id,
            document_number=decision.document_number,
            document_on=decision.document_on,
            reason=decision.reason,
        ),
    )
