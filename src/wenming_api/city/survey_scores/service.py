"""Computing questionnaire scores and handing the totals to the roll-up (C3.7)."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.models import AssessmentMethod
from wenming_api.city.assessments.rules import REVIEW_OPEN
from wenming_api.city.assessments.service import EntryFrozen, lock_for_change
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.survey_scores.models import SurveyScore
from wenming_api.city.survey_scores.queries import count_respondents, gather_tallies, ranked_regions
from wenming_api.city.survey_scores.rules import rates
from wenming_api.city.survey_scores.schemas import ComputedMethod, ComputeOut
from wenming_api.city.surveys.service import write_computed
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.exact import ratio_text, stored
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import FieldError, InvalidInput
from wenming_api.system.audit.service import record


async def compute_scores(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, method_code: str | None
) -> ComputeOut:
    """Compute the methods that questionnaires feed, from the answers that are in: those under way are waited for.

    The totals become the regions' method scores; a region without a scored answer has none. Computing twice changes
    nothing.

    Raises:
        EntryFrozen: the assessment is not in progress, paused or in review: it keeps the figures it has.
    """
    assessment = await lock_for_change(session, assessment_id, caller=caller)
    if assessment.state not in REVIEW_OPEN:
        raise EntryFrozen(f"测评当前为“{assessment.state.label}”，问卷得分不再变动。", state=assessment.state.value)
    fed = await session.scalars(
        select(AssessmentMethod.code)
        .where(AssessmentMethod.assessment_id == assessment_id, AssessmentMethod.source == MethodSource.QUESTIONNAIRE)
        .order_by(AssessmentMethod.position)
    )
    codes = list(fed)
    if method_code is not None:
        if method_code not in codes:
            raise InvalidInput(errors=[FieldError("/method_code", "本次测评没有此方法，或其得分不来自问卷")])
        codes = [method_code]
    return ComputeOut(methods=[await _compute(session, caller, assessment_id, code) for code in codes])


async def _compute(session: WriteSession, caller: Principal, assessment_id: UUID, code: str) -> ComputedMethod:
    regions = await ranked_regions(session, assessment_id=assessment_id, method_code=code)
    tallies = await gather_tallies(session, assessment_id=assessment_id, method_code=code)
    people = await count_respondents(session, assessment_id=assessment_id, method_code=code)
    computed = rates(tallies, list(regions))
    at = clock.now()
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "assessment_id": assessment_id,
            "method_code": code,
            "region_id": regions[path],
            "region_path": path,
            "standard_id": UUID(standard),
            "score": stored(rate),
            "exact": ratio_text(rate),
            "respondents": sum(n for (at_, of), n in people.items() if of == standard and at_.startswith(path)),
            "created_at": at,
            "updated_at": at,
        }
        for (path, standard), rate in sorted(computed.items(), key=lambda each: (each[0][0], each[0][1] or ""))
        if standard is not None
    ]
    await session.execute(
        delete(SurveyScore).where(SurveyScore.assessment_id == assessment_id, SurveyScore.method_code == code)
    )
    if rows:
        await session.execute(insert(SurveyScore), rows)
    totals = {(regions[path], path): rate for (path, standard), rate in computed.items() if standard is None}
    written = await write_computed(session, caller=caller, assessment_id=assessment_id, method_code=code, totals=totals)
    done = ComputedMethod(method_code=code, regions=len(totals), **written)
    await record(
        session,
        caller=caller,
        action="survey_scores.compute",
        target=("assessment", assessment_id),
        after=done.model_dump(),
        context=("assessment", assessment_id),
    )
    return done
