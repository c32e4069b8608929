"""Changes of questionnaires (C3.7): drafted, published, closed, revised. What ends answering waits for answers."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.models import Assessment, AssessmentMethod, AssessmentStandard
from wenming_api.city.assessments.queries import visible
from wenming_api.city.assessments.rules import RUNNING
from wenming_api.city.assessments.service import EntryFrozen, lock_for_change
from wenming_api.city.questionnaires.models import Questionnaire, QuestionRow, SurveyPrint, SurveyStratum
from wenming_api.city.questionnaires.queries import EDITABLE, QuestionnaireNotFound, load_questions
from wenming_api.city.questionnaires.rules import (
    TRANSITIONS,
    QuestionnaireAction,
    QuestionnaireState,
    Readiness,
    allowed,
    publication_faults,
    question_faults,
)
from wenming_api.city.questionnaires.schemas import (
    QuestionIn,
    QuestionnaireClose,
    QuestionnaireCreate,
    QuestionnaireUpdate,
    Reschedule,
)
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
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

PRINT_KEY_BYTES = 32
_AUDITED = (
    "code", "no", "name", "introduction", "state", "method_code", "opens_at", "closes_at", "per_device", "per_address",
    "counted",
)  # fmt: skip


class QuestionnaireFixed(Conflict):
    """Published: what is asked does not change any more."""

    code = "questionnaire_fixed"
    title = "问卷内容已固定"


class QuestionnaireCodeTaken(Conflict):
    """The assessment has a questionnaire of this code, or another version of it is open."""

    code = "questionnaire_code_taken"
    title = "问卷代码已被使用"


class QuestionnaireIncomplete(InvalidInput):
    """A draft cannot be published yet; `errors` lists everything at once."""

    code = "questionnaire_incomplete"
    title = "问卷尚不能发布"


async def create_questionnaire(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, new: QuestionnaireCreate
) -> Questionnaire:
    """Make the draft of a first version."""
    region_path = await _editable(session, caller, assessment_id)
    _check_window(new.opens_at, new.closes_at)
    taken = select(Questionnaire.id).where(Questionnaire.assessment_id == assessment_id, Questionnaire.code == new.code)
    if (await session.execute(taken.limit(1))).first() is not None:
        raise QuestionnaireCodeTaken("本次测评已有此代码的问卷；需要新的版本时请修订。")
    made = Questionnaire(
        id=uuid7(),
        assessment_id=assessment_id,
        region_path=region_path,
        no=1,
        state=QuestionnaireState.DRAFT,
        counted=True,
        created_by=caller.user_id,
        **new.model_dump(),
    )
    session.add(made)
    await session.flush()  # a code taken meanwhile answers before the audit entry is written
    await _record(session, caller, made, "create", before=None)
    return made


async def update_questionnaire(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    version: int,
    changes: QuestionnaireUpdate,
) -> Questionnaire:
    """Change the head of a draft."""
    row = await open_draft(session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id)
    check_edited(version, row.version)
    given = changes.model_dump(exclude_unset=True)
    for name in ("name", "per_device", "per_address"):
        if given.get(name, 0) is None:
            raise InvalidInput(errors=[FieldError(f"/{name}", "不能为空")])
    _check_window(given.get("opens_at", row.opens_at), given.get("closes_at", row.closes_at))
    before = _snapshot(row)
    for name, value in given.items():
        setattr(row, name, value)
    await session.flush()  # the answer carries the new version
    await _record(session, caller, row, "update", before=before)
    return row


async def replace_questions(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    version: int,
    questions: Sequence[QuestionIn],
) -> Questionnaire:
    """Replace all questions of a draft. Raises `InvalidInput` with every fault at once."""
    row = await open_draft(session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id)
    check_edited(version, row.version)
    faults = question_faults([each.question() for each in questions])
    chosen = await _standards(session, assessment_id)
    faults += [
        FieldError(f"/questions/{place}/standard_id", "本次测评没有选用这条标准")
        for place, each in enumerate(questions)
        if each.standard_id is not None and str(each.standard_id) not in chosen
    ]
    if faults:
        raise InvalidInput(errors=faults)
    there = await load_questions(session, questionnaire_id=row.id)
    await session.execute(delete(QuestionRow).where(QuestionRow.questionnaire_id == row.id))
    if questions:
        await session.execute(
            insert(QuestionRow),
            [_question(row.id, place, each) for place, each in enumerate(questions)],
        )
    touch(row)
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="questionnaires.replace_questions",
        target=("questionnaire", row.id),
        before={"questions": [f"{each.code} {each.text}" for each in there.values()]},
        after={"questions": [f"{each.code} {each.text}" for each in questions]},
        context=("assessment", assessment_id),
    )
    return row


def _question(questionnaire_id: UUID, place: int, given: QuestionIn) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "questionnaire_id": questionnaire_id,
        "position": place,
        **given.model_dump(exclude={"options", "show_if"}),
        "options": [each.to_json() for each in given.question().options],
        "show_if": given.show_if and given.show_if.model_dump(),
    }


async def delete_questionnaire(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, version: int
) -> None:
    """Delete a draft with its questions and strata."""
    row = await open_draft(session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id)
    check_edited(version, row.version)
    await _record(session, caller, row, "delete", before=_snapshot(row), gone=True)
    await session.delete(row)


async def publish_questionnaire(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, step: Transition
) -> Questionnaire:
    """Open a version for answers in its window. Raises `QuestionnaireIncomplete`, `QuestionnaireCodeTaken`."""
    row = await _alone(session, caller, assessment_id, questionnaire_id, step.version)
    before = _snapshot(row)
    following = _following(row, QuestionnaireAction.PUBLISH)
    questions = list((await load_questions(session, questionnaire_id=row.id)).values())
    method = await session.scalar(
        select(AssessmentMethod.source).where(
            AssessmentMethod.assessment_id == assessment_id, AssessmentMethod.code == row.method_code
        )
    )
    strata = select(func.count()).where(SurveyStratum.questionnaire_id == row.id)
    ready = Readiness(
        strata=(await session.execute(strata)).scalar_one(),
        windowed=row.opens_at is not None and row.closes_at is not None,
        method_known=method is MethodSource.QUESTIONNAIRE,
        standards=await _standards(session, assessment_id),
    )
    if faults := publication_faults(questions, ready, method=row.method_code):
        raise QuestionnaireIncomplete("问卷尚不完整，请按提示补正后再发布。", errors=faults)
    other = select(Questionnaire.no).where(
        Questionnaire.assessment_id == assessment_id,
        Questionnaire.code == row.code,
        Questionnaire.state == QuestionnaireState.PUBLISHED,
    )
    if (open_no := await session.scalar(other)) is not None:
        raise QuestionnaireCodeTaken(f"第 {open_no} 版仍在进行，请先结束它再发布新的版本。")
    row.state = following
    row.published_at = clock.now()
    row.print_key = secrets.token_bytes(PRINT_KEY_BYTES)
    await session.flush()  # the answer carries the new version
    await _record(session, caller, row, "publish", before=before, reason=step.reason)
    return row


async def close_questionnaire(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, step: QuestionnaireClose
) -> Questionnaire:
    """Take no more answers, and forget every print of a device or address."""
    row = await _alone(session, caller, assessment_id, questionnaire_id, step.version)
    before = _snapshot(row)
    row.state = _following(row, QuestionnaireAction.CLOSE)
    row.closed_at = clock.now()
    row.counted = step.counted
    row.print_key = None
    await session.execute(delete(SurveyPrint).where(SurveyPrint.questionnaire_id == row.id))
    await session.flush()  # the answer carries the new version
    await _record(session, caller, row, "close", before=before, reason=step.reason)
    return row


async def reschedule_questionnaire(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, step: Reschedule
) -> Questionnaire:
    """Move the window of an open version."""
    row = await _alone(session, caller, assessment_id, questionnaire_id, step.version)
    if row.state is not QuestionnaireState.PUBLISHED:
        raise IllegalTransition(f"问卷为“{row.state.label}”，不能变更时间。", allowed=allowed(row.state))
    _check_window(step.opens_at, step.closes_at)
    before = _snapshot(row)
    row.opens_at, row.closes_at = step.opens_at, step.closes_at
    await session.flush()  # the answer carries the new version
    await _record(session, caller, row, "reschedule", before=before, reason=step.reason)
    return row


async def revise_questionnaire(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID
) -> Questionnaire:
    """The draft of the next version, with the questions and strata of this one."""
    await _editable(session, caller, assessment_id)
    source = await _locked(session, assessment_id, questionnaire_id)
    if source.state is QuestionnaireState.DRAFT:
        raise IllegalTransition("草稿可直接修改，不必修订。", allowed=allowed(source.state))
    last = select(func.max(Questionnaire.no)).where(
        Questionnaire.assessment_id == assessment_id, Questionnaire.code == source.code
    )
    kept = ("assessment_id", "region_path", "code", "name", "introduction", "method_code", "opens_at", "closes_at",
            "per_device", "per_address")  # fmt: skip
    made = Questionnaire(
        **{name: getattr(source, name) for name in kept},
        id=uuid7(),
        no=(await session.execute(last)).scalar_one() + 1,
        state=QuestionnaireState.DRAFT,
        counted=True,
        revises_id=source.id,
        created_by=caller.user_id,
    )
    session.add(made)
    await session.flush()  # what is copied refers to it
    at = clock.now()
    fresh = {"taken": 0, "created_at": at, "updated_at": at, "version": 1}
    for table, changed in ((QuestionRow, {}), (SurveyStratum, fresh)):
        columns = table.__table__.columns
        found = await session.execute(select(*columns).where(columns["questionnaire_id"] == source.id))
        rows = [{**row, **changed, "id": uuid7(), "questionnaire_id": made.id} for row in found.mappings()]
        if rows:
            await session.execute(insert(table), rows)
    await _record(session, caller, made, "revise", before=None)
    return made


async def open_draft(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID
) -> Questionnaire:
    """A draft that the caller may change, locked.

    Raises:
        QuestionnaireFixed: it is published.
        EntryFrozen: its assessment is over.
        Forbidden: the assessment is another office's.
        NotFound: the caller does not see it.
    """
    await _editable(session, caller, assessment_id)
    row = await _locked(session, assessment_id, questionnaire_id)
    if row.state is not QuestionnaireState.DRAFT:
        raise QuestionnaireFixed(f"问卷{row.state.label}，内容不能再修改；请修订为新的版本。")
    return row


def touch(row: Questionnaire) -> None:
    """A part of the version changed: its row version rises."""
    row.updated_at = clock.now()


async def _editable(session: WriteSession, caller: Principal, assessment_id: UUID) -> str:
    """The region path of an assessment whose questionnaires the caller may draft."""
    found = await session.execute(
        select(Assessment.state, Assessment.region_path).where(Assessment.id == assessment_id, visible(caller.scope))
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    if not caller.scope.holds_region(row.region_path):
        raise Forbidden("测评由上级组织，您只能查看。")
    if row.state not in EDITABLE:
        raise EntryFrozen(f"测评当前为“{row.state.label}”，不能编制问卷。", state=row.state.value)
    path: str = row.region_path
    return path


async def _alone(
    session: WriteSession, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, judged: int
) -> Questionnaire:
    """The version judged, once every answer under way is in; answers that come later wait."""
    assessment = await lock_for_change(session, assessment_id, caller=caller)
    if assessment.state not in RUNNING:
        raise EntryFrozen(f"测评当前为“{assessment.state.label}”，问卷不能变更。", state=assessment.state.value)
    row = await _locked(session, assessment_id, questionnaire_id)
    check_judged(judged, row.version)
    return row


async def _locked(session: WriteSession, assessment_id: UUID, questionnaire_id: UUID) -> Questionnaire:
    found = await session.scalar(
        select(Questionnaire)
        .where(Questionnaire.id == questionnaire_id, Questionnaire.assessment_id == assessment_id)
        .with_for_update()
    )
    if found is None:
        raise QuestionnaireNotFound
    return found


def _following(row: Questionnaire, action: QuestionnaireAction) -> QuestionnaireState:
    following = TRANSITIONS.get((row.state, action))
    if following is None:
        raise IllegalTransition(f"问卷为“{row.state.label}”，不能{action.label}。", allowed=allowed(row.state))
    return following


async def _standards(session: WriteSession, assessment_id: UUID) -> frozenset[str]:
    found = await session.scalars(
        select(AssessmentStandard.standard_id).where(AssessmentStandard.assessment_id == assessment_id)
    )
    return frozenset(map(str, found))


def _check_window(opens_at: Any, closes_at: Any) -> None:
    if opens_at is not None and closes_at is not None and opens_at >= closes_at:
        raise InvalidInput(errors=[FieldError("/closes_at", "截止时间须晚于开放时间")])


def _snapshot(row: Questionnaire) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _AUDITED}


async def _record(
    session: WriteSession,
    caller: Principal,
    row: Questionnaire,
    action: str,
    *,
    before: Mapping[str, Any] | None,
    reason: str | None = None,
    gone: bool = False,
) -> None:
    await record(
        session,
        caller=caller,
        action=f"questionnaires.{action}",
        target=("questionnaire", row.id),
        before=before,
        after=None if gone else _snapshot(row),
        reason=reason,
        context=("assessment", row.assessment_id),
    )
