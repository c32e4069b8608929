"""Reads of strata and their quotas as they are now."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.questionnaires.models import Questionnaire, SurveyStratum
from wenming_api.city.questionnaires.queries import seen, strata_of
from wenming_api.city.questionnaires.rules import QuestionnaireState
from wenming_api.city.survey_strata.schemas import StratumDetail, StratumOut, StratumSort
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region

_LEFT = SurveyStratum.quota - SurveyStratum.taken
_OTHER: dict[str, Any] = {"region_name": Region.name.label("region_name"), "left": _LEFT.label("left")}
_SORTS = {"position": SurveyStratum.position, "region_path": SurveyStratum.region_path, "left": _LEFT}


def _rows(scope: Scope, assessment_id: UUID, questionnaire_id: UUID) -> Select[Any]:
    columns: list[Any] = [
        _OTHER[name] if name in _OTHER else getattr(SurveyStratum, name) for name in StratumOut.model_fields
    ]
    return (
        select(*columns)
        .join(Questionnaire, Questionnaire.id == SurveyStratum.questionnaire_id)
        .join(Assessment, Assessment.id == Questionnaire.assessment_id)
        .join(Region, Region.id == SurveyStratum.region_id)
        .where(
            Questionnaire.id == questionnaire_id,
            Questionnaire.assessment_id == assessment_id,
            seen(scope),
            strata_of(scope),
        )
    )


async def list_strata(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    questionnaire_id: UUID,
    sort: StratumSort = StratumSort.POSITION,
    open_only: bool = False,
) -> Page[StratumOut]:
    """The strata that a caller sees, with their live counts. Two statements."""
    statement = _rows(scope, assessment_id, questionnaire_id)
    if open_only:
        statement = statement.where(SurveyStratum.taken < SurveyStratum.quota)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=SurveyStratum.id, into=StratumOut)


async def read_stratum(
    session: AnySession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, stratum_id: UUID
) -> StratumDetail:
    """One stratum with what the caller may do. One statement; `NotFound`."""
    found = await session.execute(
        _rows(caller.scope, assessment_id, questionnaire_id)
        .add_columns(SurveyStratum.updated_at, Questionnaire.state, Questionnaire.region_path.label("root"))
        .where(SurveyStratum.id == stratum_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return StratumDetail(
        **{name: row[name] for name in (*StratumOut.model_fields, "updated_at")},
        allowed_actions=[
            action(
                "requota",
                "变更配额",
                (caller.may(Permission.QUESTIONNAIRES_MANAGE), "需要“编制问卷”权限"),
                (caller.scope.holds_region(row["root"]), "问卷由上级组织，您只能查看"),
                (row["state"] is not QuestionnaireState.CLOSED, "问卷已结束"),
            )
        ],
    )
