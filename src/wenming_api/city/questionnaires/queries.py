"""Reads of questionnaires: lists, details, and the rules' form of their questions."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, any_, exists, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment, AssessmentAssessor
from wenming_api.city.assessments.queries import visible
from wenming_api.city.assessments.rules import RUNNING, AssessmentState
from wenming_api.city.questionnaires.models import Questionnaire, QuestionRow, SurveyStratum
from wenming_api.city.questionnaires.rules import Condition, Option, Question, QuestionnaireState
from wenming_api.city.questionnaires.schemas import (
    QuestionnaireOut,
    QuestionnaireRow,
    QuestionnaireSort,
    QuestionOut,
)
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region

EDITABLE = frozenset({AssessmentState.DRAFT}) | RUNNING
"""States of an assessment in which its questionnaires may be drafted."""

_TAKEN = {
    name: select(func.coalesce(func.sum(column), 0))
    .where(SurveyStratum.questionnaire_id == Questionnaire.id)
    .correlate(Questionnaire)
    .scalar_subquery()
    .label(name)
    for name, column in (("quota", SurveyStratum.quota), ("taken", SurveyStratum.taken))
}
_ROW: list[Any] = [_TAKEN.get(name, getattr(Questionnaire, name, None)) for name in QuestionnaireRow.model_fields]
_SORTS = {"created_at": Questionnaire.created_at, "code": Questionnaire.code}
_DETAIL = ("introduction", "per_device", "per_address", "revises_id", "published_at", "closed_at", "updated_at")


class QuestionnaireNotFound(NotFound):
    """There is none, or the caller does not see it."""

    def __init__(self) -> None:
        super().__init__("问卷不存在，或不在您的数据范围内。")


def seen(scope: Scope) -> ColumnElement[bool]:
    """Which questionnaires a caller sees, once their assessments are joined: drafts only of his own regions."""
    return visible(scope) & or_(scope.where(Questionnaire), Questionnaire.state != QuestionnaireState.DRAFT)


def strata_of(scope: Scope) -> ColumnElement[bool]:
    """Which strata a caller sees: those of his regions, and those that he assesses."""
    if scope.user_id is None:
        return scope.where(SurveyStratum)
    given = aliased(Region)
    named = exists().where(
        AssessmentAssessor.assessment_id == SurveyStratum.assessment_id,
        AssessmentAssessor.user_id == scope.user_id,
        or_(
            func.cardinality(AssessmentAssessor.region_ids) == 0,
            exists()
            .where(given.id == any_(AssessmentAssessor.region_ids), SurveyStratum.region_path.startswith(given.path))
            .correlate(AssessmentAssessor, SurveyStratum),
        ),
    )
    return scope.where(SurveyStratum, also=[named])


def _rows(scope: Scope, assessment_id: UUID) -> Select[Any]:
    return (
        select(*_ROW)
        .join(Assessment, Assessment.id == Questionnaire.assessment_id)
        .where(Questionnaire.assessment_id == assessment_id, seen(scope))
    )


async def list_questionnaires(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    sort: QuestionnaireSort = QuestionnaireSort.NEWEST,
    states: Collection[QuestionnaireState] = (),
) -> Page[QuestionnaireRow]:
    """The versions of an assessment's questionnaires. Two statements."""
    statement = _rows(scope, assessment_id)
    if states:
        statement = statement.where(Questionnaire.state.in_(states))
    return await page(
        session, statement, params, sort=sort, columns=_SORTS, key=Questionnaire.id, into=QuestionnaireRow
    )


async def read_questionnaire(
    session: AnySession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID
) -> QuestionnaireOut:
    """One version with its questions and what the caller may do. Two statements; `QuestionnaireNotFound`."""
    more = [getattr(Questionnaire, name) for name in _DETAIL]
    found = await session.execute(
        _rows(caller.scope, assessment_id)
        .add_columns(*more, Questionnaire.region_path, Assessment.state.label("assessment_state"))
        .where(Questionnaire.id == questionnaire_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise QuestionnaireNotFound
    questions = await session.scalars(
        select(QuestionRow).where(QuestionRow.questionnaire_id == questionnaire_id).order_by(QuestionRow.position)
    )
    return QuestionnaireOut(
        **{name: row[name] for name in (*QuestionnaireRow.model_fields, *_DETAIL)},
        questions=[QuestionOut.model_validate(each) for each in questions],
        allowed_actions=_actions(caller, row),
    )


def _actions(caller: Principal, row: Any) -> list[AllowedAction]:
    state, of = row["state"], row["assessment_state"]
    inside = (caller.scope.holds_region(row["region_path"]), "问卷由上级组织，您只能查看")
    manages = (caller.may(Permission.QUESTIONNAIRES_MANAGE), "需要“编制问卷”权限")
    publishes = (caller.may(Permission.QUESTIONNAIRES_PUBLISH), "需要“发布问卷”权限")
    draft = (state is QuestionnaireState.DRAFT, f"问卷{state.label}，内容不能再修改；请修订为新的版本")
    open_ = (state is QuestionnaireState.PUBLISHED, f"问卷为“{state.label}”")
    editable = (of in EDITABLE, f"测评当前为“{of.label}”")
    running = (of in RUNNING, f"测评当前为“{of.label}”")
    return [
        action("update", "修改", manages, inside, draft, editable),
        action("delete", "删除", manages, inside, draft, editable),
        action("publish", "发布", publishes, inside, draft, running),
        action("close", "结束", publishes, inside, open_, running),
        action("reschedule", "变更时间", publishes, inside, open_, running),
        action(
            "revise",
            "修订为新版本",
            manages,
            inside,
            (state is not QuestionnaireState.DRAFT, "草稿可直接修改"),
            editable,
        ),
    ]


def as_question(row: QuestionRow) -> Question:
    """The rules' form of a stored question."""
    return Question(
        code=row.code,
        kind=row.kind,
        text=row.text,
        required=row.required,
        screening=row.screening,
        standard=None if row.standard_id is None else str(row.standard_id),
        max_score=row.max_score,
        options=tuple(map(Option.from_json, row.options)),
        max_choices=row.max_choices,
        low=row.low,
        high=row.high,
        show_if=Condition(row.show_if["question"], tuple(row.show_if["choices"])) if row.show_if else None,
    )


async def load_questions(session: AnySession, *, questionnaire_id: UUID) -> dict[UUID, Question]:
    """The questions of a version in order, by id."""
    found = await session.scalars(
        select(QuestionRow).where(QuestionRow.questionnaire_id == questionnaire_id).order_by(QuestionRow.position)
    )
    return {row.id: as_question(row) for row in found}
