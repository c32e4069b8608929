"""Answering by a one-time link (C3.7): the token is spent exactly once, and nothing of the respondent is kept."""

import hmac
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from wenming_api.city.answers.models import Answer
from wenming_api.city.answers.rules import AnswerSource, fingerprint
from wenming_api.city.answers.schemas import AnswerReceipt
from wenming_api.city.answers.service import (
    AnswerIdReused,
    Given,
    QuestionnaireNotOpen,
    QuotaFull,
    check_open,
    record_answers,
)
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import ENTRY_OPEN
from wenming_api.city.assessments.service import EntryFrozen, lock_for_entry
from wenming_api.city.public_answers.schemas import PublicAnswerIn, PublicForm, PublicQuestion
from wenming_api.city.questionnaires.models import Questionnaire, QuestionRow, SurveyPrint, SurveyStratum
from wenming_api.city.survey_links.models import Link
from wenming_api.city.survey_links.rules import print_of, receipt_of, token_hash
from wenming_api.kit import clock, context
from wenming_api.kit.db import AnySession, WriteSession
from wenming_api.kit.problems import Conflict, NotFound, Problem

_RESTS = "测评未在进行，问卷暂不接收答卷。"


class LinkInvalid(NotFound):
    """Unknown, spent, revoked or expired: one answer for all, so that nothing is told of a token."""

    code = "link_invalid"
    title = "链接无效"

    def __init__(self) -> None:
        super().__init__("链接无效、已使用或已过期。")


class AnsweredTooOften(Conflict):
    """As many answers came from this device or address as the questionnaire takes."""

    code = "answered_too_often"
    title = "同一设备或网络提交过多"


async def open_form(session: AnySession, *, token: str) -> PublicForm:
    """The questionnaire that a link opens; nothing is spent. Two statements.

    Raises:
        LinkInvalid: the token opens nothing (any more).
        QuestionnaireNotOpen: not now.
        QuotaFull: enough others have answered.
    """
    found = await session.execute(
        select(Questionnaire, Assessment.state.label("of"), (SurveyStratum.quota - SurveyStratum.taken).label("left"))
        .join(SurveyStratum, SurveyStratum.questionnaire_id == Questionnaire.id)
        .join(Link, Link.stratum_id == SurveyStratum.id)
        .join(Assessment, Assessment.id == Questionnaire.assessment_id)
        .where(Link.token_hash == token_hash(token), ~Link.spent, ~Link.revoked, Link.expires_at > clock.now())
    )
    row = found.one_or_none()
    if row is None:
        raise LinkInvalid
    survey: Questionnaire = row.Questionnaire
    if row.of not in ENTRY_OPEN:
        raise QuestionnaireNotOpen(_RESTS)
    if closed := check_open(survey.state, survey.opens_at, survey.closes_at, clock.now()):
        raise closed
    if row.left <= 0:
        raise QuotaFull("您所在地区的样本已收齐，感谢您的参与。")
    questions = await session.scalars(
        select(QuestionRow).where(QuestionRow.questionnaire_id == survey.id).order_by(QuestionRow.position)
    )
    return PublicForm(
        name=survey.name,
        introduction=survey.introduction,
        closes_at=survey.closes_at,
        questions=[PublicQuestion.model_validate(each) for each in questions],
    )


async def send_answer(session: WriteSession, *, body: PublicAnswerIn) -> AnswerReceipt:
    """Record the answer and spend the link, both or neither. The same answer sent again is answered the same.

    Raises:
        LinkInvalid: the token opens nothing, or another answer has spent it.
        QuestionnaireNotOpen: not now; the link stays good.
        QuotaFull: enough others have answered; the link stays good.
        AnsweredTooOften: the device or address has sent enough.
        InvalidInput: the answer does not fit; the link stays good.
    """
    at = clock.now()
    hashed = token_hash(body.token)
    assessment_id = await session.scalar(
        select(SurveyStratum.assessment_id)
        .join(Link, Link.stratum_id == SurveyStratum.id)
        .where(Link.token_hash == hashed, ~Link.revoked)
    )
    if assessment_id is None:
        raise LinkInvalid
    frozen = await _hold(session, assessment_id)
    found = await session.execute(
        select(Link, Questionnaire)
        .join(SurveyStratum, SurveyStratum.id == Link.stratum_id)
        .join(Questionnaire, Questionnaire.id == SurveyStratum.questionnaire_id)
        .where(Link.token_hash == hashed)
        .with_for_update(of=Link)
    )
    row = found.one_or_none()
    if row is None or row.Link.revoked:
        raise LinkInvalid
    link: Link = row.Link
    survey: Questionnaire = row.Questionnaire
    lines = tuple(each.line() for each in body.items)
    receipt = receipt_of(body.token, body.id, fingerprint(str(link.stratum_id), lines))
    if link.receipt is not None:
        return await _sent_before(session, link.receipt, receipt, body.id)
    if link.expires_at <= at:
        raise LinkInvalid
    if problem := frozen or check_open(survey.state, survey.opens_at, survey.closes_at, at):
        raise problem
    await _count_prints(session, survey, body.device)
    (result,) = await record_answers(
        session,
        caller=None,
        survey=survey,
        source=AnswerSource.LINK,
        given=[Given(body.id, link.stratum_id, lines)],
        at=at,
    )
    if isinstance(result, Problem):
        raise result
    if result.repeated:  # by another link: one answer does not spend two
        raise AnswerIdReused("该编号已用于另一份答卷；请为新的答卷生成新的编号。")
    await session.execute(
        update(Link)
        .where(Link.batch_id == link.batch_id, Link.no == link.no)
        .values(spent=True, receipt=receipt)
        .execution_options(synchronize_session=False)
    )
    return AnswerReceipt(id=body.id, outcome=result.outcome, repeated=False)


async def _hold(session: WriteSession, assessment_id: UUID) -> QuestionnaireNotOpen | None:
    """Hold the assessment's state; why nothing is entered now, to be said to whoever has a good link."""
    try:
        await lock_for_entry(session, assessment_id)
    except EntryFrozen:
        return QuestionnaireNotOpen(_RESTS)
    return None


async def _sent_before(session: WriteSession, kept: bytes, given: bytes, answer_id: UUID) -> AnswerReceipt:
    if not hmac.compare_digest(kept, given):
        raise LinkInvalid
    outcome = await session.scalar(select(Answer.outcome).where(Answer.id == answer_id))
    if outcome is None:
        raise LinkInvalid
    return AnswerReceipt(id=answer_id, outcome=outcome, repeated=True)


async def _count_prints(session: WriteSession, survey: Questionnaire, device: str | None) -> None:
    """One more answer from this address and device. Address first: all transactions lock in one order."""
    counted: list[tuple[str, str | None, int]] = [
        ("address", context.client_address.get(), survey.per_address),
        ("device", device, survey.per_device),
    ]
    for kind, value, most in counted:
        if value is None or survey.print_key is None:
            continue
        made = insert(SurveyPrint).values(
            questionnaire_id=survey.id, print=print_of(survey.print_key, kind, value), answers=1
        )
        counting: Any = made.on_conflict_do_update(
            index_elements=[SurveyPrint.questionnaire_id, SurveyPrint.print],
            set_={"answers": SurveyPrint.answers + 1},
            where=SurveyPrint.answers < most,
        ).returning(SurveyPrint.answers)
        if await session.scalar(counting) is None:
            raise AnsweredTooOften(f"同一{'网络' if kind == 'address' else '设备'}最多提交 {most} 份。")
