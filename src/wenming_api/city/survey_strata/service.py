"""Changes of strata: set while the questionnaire is a draft; a quota may be moved until it closes (C3.7)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.service import EntryFrozen, lock_for_review
from wenming_api.city.questionnaires.models import Questionnaire, SurveyStratum
from wenming_api.city.questionnaires.rules import QuestionnaireState
from wenming_api.city.questionnaires.service import open_draft, touch
from wenming_api.city.survey_strata.schemas import QuotaChange, StrataOut, StratumIn
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput, NotFound, check_edited, check_judged
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region

__all__ = ["EntryFrozen", "QuotaBelowTaken", "change_quota", "replace_strata"]


class QuotaBelowTaken(Conflict):
    """More answers are counted already than the new quota allows."""

    code = "quota_below_taken"
    title = "配额低于已收答卷数"


async def replace_strata(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    version: int,
    strata: Sequence[StratumIn],
) -> StrataOut:
    """Replace all strata of a draft. Raises `InvalidInput` with every fault at once."""
    row = await open_draft(session, caller=caller, assessment_id=assessment_id, questionnaire_id=questionnaire_id)
    check_edited(version, row.version)
    found = await session.execute(
        select(Region.id, Region.name, Region.path).where(
            Region.id.in_({each.region_id for each in strata}), Region.path.startswith(row.region_path)
        )
    )
    regions = {region.id: region for region in found}
    faults: list[FieldError] = []
    codes: set[str] = set()
    for place, each in enumerate(strata):
        if each.region_id not in regions:
            faults.append(FieldError(f"/strata/{place}/region_id", "区域不存在，或不在本次测评范围内"))
        if each.code in codes:
            faults.append(FieldError(f"/strata/{place}/code", f"层代码重复：{each.code}"))
        codes.add(each.code)
    if faults:
        raise InvalidInput(errors=faults)
    before = select(func.count(), func.coalesce(func.sum(SurveyStratum.quota), 0)).where(
        SurveyStratum.questionnaire_id == row.id
    )
    were, quota_was = (await session.execute(before)).one()
    await session.execute(delete(SurveyStratum).where(SurveyStratum.questionnaire_id == row.id))
    at = clock.now()
    if strata:
        await session.execute(
            insert(SurveyStratum),
            [
                {
                    "id": uuid7(),
                    "questionnaire_id": row.id,
                    "assessment_id": assessment_id,
                    "region_id": each.region_id,
                    "region_path": regions[each.region_id].path,
                    "code": each.code,
                    "name": each.name or regions[each.region_id].name,
                    "quota": each.quota,
                    "taken": 0,
                    "position": place,
                    "created_at": at,
                    "updated_at": at,
                    "version": 1,
                }
                for place, each in enumerate(strata)
            ],
        )
    touch(row)
    await session.flush()  # the answer carries the new version
    total = sum(each.quota for each in strata)
    await record(
        session,
        caller=caller,
        action="survey_strata.replace",
        target=("questionnaire", row.id),
        before={"strata": were, "quota": quota_was},
        after={"strata": len(strata), "quota": total},
        context=("assessment", assessment_id),
    )
    return StrataOut(strata=len(strata), quota=total, version=row.version)


async def change_quota(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    questionnaire_id: UUID,
    stratum_id: UUID,
    change: QuotaChange,
) -> SurveyStratum:
    """Move a stratum's quota, not below what is counted; answers under way wait for it, or it for them.

    Raises:
        QuotaBelowTaken: more is counted already.
        EntryFrozen: the questionnaire is closed, or its assessment over.
    """
    held = await lock_for_review(session, assessment_id)
    if not caller.scope.holds_region(held.region_path):
        raise NotFound
    found = await session.execute(
        select(SurveyStratum, Questionnaire.state)
        .join(Questionnaire, Questionnaire.id == SurveyStratum.questionnaire_id)
        .where(
            SurveyStratum.id == stratum_id,
            SurveyStratum.questionnaire_id == questionnaire_id,
            SurveyStratum.assessment_id == assessment_id,
        )
        .with_for_update(of=SurveyStratum)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    stratum: SurveyStratum = row.SurveyStratum
    check_judged(change.version, stratum.version)
    if row.state is QuestionnaireState.CLOSED:
        raise EntryFrozen("问卷已结束，配额不能再变更。")
    if change.quota < stratum.taken:
        raise QuotaBelowTaken(f"该层已收 {stratum.taken} 份，配额不能低于此数。", taken=stratum.taken)
    before = {"quota": stratum.quota}
    stratum.quota = change.quota
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="survey_strata.requota",
        target=("survey_stratum", stratum.id),
        before=before,
        after={"quota": change.quota},
        reason=change.reason,
        context=("assessment", assessment_id),
    )
    return stratum
