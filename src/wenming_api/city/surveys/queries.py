"""Reads of method totals."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment, AssessmentMethod
from wenming_api.city.assessments.rules import REVIEW_OPEN
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.surveys.models import MethodScore
from wenming_api.city.surveys.rules import COMPUTED, ScoreSource
from wenming_api.city.surveys.schemas import MethodScoreDetail, MethodScoreOut, MethodScoreSort
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

_OWN = [name for name in MethodScoreOut.model_fields if name not in {"method_name", "object_name"}]
_SORTS = {
    "region_path": MethodScore.region_path,
    "score": MethodScore.score / MethodScore.max_score,
    "created_at": MethodScore.created_at,
}


def _rows(scope: Scope, assessment_id: UUID) -> Select[Any]:
    return (
        select(
            *(getattr(MethodScore, name) for name in _OWN),
            AssessmentMethod.name.label("method_name"),
            func.coalesce(Region.full_name, Unit.name).label("object_name"),
        )
        .join(
            AssessmentMethod,
            (AssessmentMethod.assessment_id == MethodScore.assessment_id)
            & (AssessmentMethod.code == MethodScore.method_code),
        )
        .outerjoin(Region, Region.id == MethodScore.region_id)
        .outerjoin(Unit, Unit.id == MethodScore.unit_id)
        .where(MethodScore.assessment_id == assessment_id, scope.where(MethodScore))
    )


async def list_method_scores(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    sort: MethodScoreSort = MethodScoreSort.REGION,
    method_code: str | None = None,
    region_id: UUID | None = None,
    unit_id: UUID | None = None,
) -> Page[MethodScoreOut]:
    """Totals of one assessment that match every filter given."""
    statement = _rows(scope, assessment_id)
    if method_code is not None:
        statement = statement.where(MethodScore.method_code == method_code)
    if region_id is not None:
        statement = statement.where(MethodScore.region_id == region_id)
    if unit_id is not None:
        statement = statement.where(MethodScore.unit_id == unit_id)
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=MethodScore.id, into=MethodScoreOut)


async def read_method_score(
    session: AnySession, *, caller: Principal, assessment_id: UUID, score_id: UUID
) -> MethodScoreDetail:
    """One total with what the caller may do with it; `NotFound`."""
    found = await session.execute(
        _rows(caller.scope, assessment_id)
        .add_columns(MethodScore.updated_at, Assessment.state)
        .join(Assessment, Assessment.id == MethodScore.assessment_id)
        .where(MethodScore.id == score_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    checks = (
        (caller.may(Permission.METHOD_SCORES_MANAGE), "需要“录入问卷与材料得分”权限"),
        (row["state"] in REVIEW_OPEN, f"测评当前为“{row['state'].label}”，不能修改得分"),
        (row["source"] is not ScoreSource.QUESTIONNAIRE, COMPUTED),
    )
    return MethodScoreDetail(
        **{name: row[name] for name in (*MethodScoreOut.model_fields, "updated_at")},
        allowed_actions=[action("update", "修改", *checks), action("delete", "删除", *checks)],
    )


async def entered_methods(session: AnySession, *, assessment_id: UUID) -> dict[str, str]:
    """Names of the assessment's methods whose totals are entered, by code."""
    found = await session.execute(
        select(AssessmentMethod.code, AssessmentMethod.name).where(
            AssessmentMethod.assessment_id == assessment_id, AssessmentMethod.source == MethodSource.ENTERED
        )
    )
    return {row.code: row.name for row in found}
