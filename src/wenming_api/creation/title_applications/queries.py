"""Reads of applications for titles."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_applications.models import TitleApplication
from wenming_api.creation.title_applications.rules import STEPS, ApplicationAction, ApplicationState, refusal_of
from wenming_api.creation.title_applications.schemas import (
    ApplicationDetail,
    ApplicationRow,
    ApplicationSort,
    JudgementOut,
    TitleAssessment,
)
from wenming_api.creation.title_families.models import TitleFamily
from wenming_api.creation.title_families.queries import shown
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.queries import items_of, vetoes_of
from wenming_api.creation.title_rules.rules import Answer, Judgement, TitleKind, TitleLevel, assess
from wenming_api.creation.title_terms.models import TitleTerm
from wenming_api.creation.title_terms.queries import today
from wenming_api.creation.title_terms.rules import window_problem
from wenming_api.creation.titles.queries import events_of
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import visible as visible_files
from wenming_api.system.files.rules import FileState
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import Standing

_A = TitleApplication
_ROW = (
    *(getattr(_A, name) for name in ApplicationRow.model_fields if hasattr(_A, name)),
    TitleTerm.name.label("term_name"),
    Unit.name.label("unit_name"),
    TitleFamily.name,
    TitleFamily.address,
    TitleFamily.owner_id.label("family_owner_id"),
)
_SORTS = {"number": _A.number, "score": _A.score, "state_since": _A.state_since}


def judge(rule: TitleRule, assessment: Mapping[str, Any] | TitleAssessment) -> Judgement:
    """What an assessment comes to by a rule."""
    given = assessment if isinstance(assessment, TitleAssessment) else TitleAssessment.model_validate(assessment)
    return assess(
        items_of(rule),
        vetoes_of(rule),
        answers=[Answer(each.code, each.score, len(each.file_ids)) for each in given.answers],
        declared={each.code: each.hit for each in given.vetoes},
        pass_score=rule.pass_score,
    )


def _named(row: Mapping[str, Any], caller: Principal) -> dict[str, Any]:
    holder = row["unit_name"]
    if row["family_id"] is not None:
        family = {"name": row["name"], "address": row["address"], "owner_id": row["family_owner_id"]}
        holder = shown(family, caller)["name"]
    return {
        "kind_label": row["kind"].label,
        "level_label": row["level"].label,
        "state_label": row["state"].label,
        "holder_name": holder,
    }


def _seen(caller: Principal, *more: Any) -> Select[Any]:
    return (
        select(*_ROW, *more)
        .join(TitleTerm, TitleTerm.id == _A.term_id)
        .join(Unit, Unit.id == _A.unit_id)
        .outerjoin(TitleFamily, TitleFamily.id == _A.family_id)
        .where(caller.scope.where(_A))
    )


async def list_applications(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: ApplicationSort = ApplicationSort.NEWEST,
    term_id: UUID | None = None,
    kind: TitleKind | None = None,
    level: TitleLevel | None = None,
    state: ApplicationState | None = None,
    unit_id: UUID | None = None,
    under: str | None = None,
    q: str | None = None,
) -> Page[ApplicationRow]:
    """Applications that match every filter given, in two statements. Drafts are seen by the applying unit alone."""
    statement = _seen(caller).where((_A.state != ApplicationState.DRAFT) | (_A.unit_id == caller.unit_id))
    for column, value in (
        (_A.term_id, term_id),
        (_A.kind, kind),
        (_A.level, level),
        (_A.state, state),
        (_A.unit_id, unit_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if under is not None:
        statement = statement.where(_A.region_path.startswith(under, autoescape=True))
    if q is not None:
        statement = statement.where(contains(Unit.name, q))
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns=_SORTS,
        key=_A.id,
        into=ApplicationRow,
        extra=lambda row: _named(row, caller),
    )


async def read_application(session: AnySession, *, caller: Principal, application_id: UUID) -> ApplicationDetail:
    """One application with its judgements and what the caller may do with it, in at most four statements."""
    found = await session.execute(
        _seen(caller, _A, TitleTerm, TitleRule)
        .join(TitleRule, TitleRule.id == TitleTerm.rule_id)
        .where(_A.id == application_id)
        .where((_A.state != ApplicationState.DRAFT) | (_A.unit_id == caller.unit_id))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    one: TitleApplication = row["TitleApplication"]
    term: TitleTerm = row["TitleTerm"]
    rule: TitleRule = row["TitleRule"]
    events = await events_of(session, holder_id=one.holder_id, kind=one.kind)
    current = events[-1].level if events else TitleLevel.NONE
    standing: Standing | None = None
    if one.approval_id is not None and one.state is ApplicationState.RECOMMENDING:
        standing = (await standings(session, caller=caller, approval_ids=[one.approval_id])).get(one.approval_id)
    own = judge(rule, one.self_assessment)
    plain = {name: getattr(one, name) for name in ApplicationDetail.model_fields if hasattr(one, name)}
    return ApplicationDetail.model_validate(
        {
            **plain,
            **_named(row, caller),
            "term_name": row["term_name"],
            "unit_name": row["unit_name"],
            "rule_id": rule.id,
            "current_level": current,
            "self_judgement": JudgementOut.model_validate(own),
            "judgement": None if one.evaluation is None else JudgementOut.model_validate(judge(rule, one.evaluation)),
            "approval": standing,
            "allowed_actions": allowed_actions(
                one, term, caller=caller, standing=standing, gaps=submission_gaps(rule, own, current)
            ),
        }
    )


def submission_gaps(rule: TitleRule, own: Judgement, current: TitleLevel) -> list[str]:
    """What keeps an application from being submitted besides the window, in Chinese."""
    gaps = own.gaps
    if current.rank < rule.prerequisite.rank:
        gaps = [f"申报前须先获得{rule.prerequisite.label}称号，目前为{current.label}", *gaps]
    return gaps


def allowed_actions(
    one: TitleApplication, term: TitleTerm, *, caller: Principal, standing: Standing | None, gaps: list[str]
) -> list[AllowedAction]:
    """What the caller may do with an application, and why not the rest."""

    def holds(permission: Permission) -> tuple[bool, str]:
        return caller.may(permission), f"需要“{permission.label}”权限"

    def step(name: ApplicationAction) -> tuple[bool, str]:
        refusal = refusal_of(name, one.state)
        return refusal is None, refusal or ""

    window = window_problem(term.state, term.opens_on, term.closes_on, today())
    applies = holds(Permission.TITLES_APPLY)
    own_unit = (caller.unit_id == one.unit_id, "只有申报单位可以操作")
    other_unit = (caller.unit_id != one.unit_id, "不能评审本单位的申报")
    office = (caller.scope.holds_region(term.region_path), "由届别所属区域的文明办办理")
    other_person = (caller.user_id != one.evaluated_by, "命名不能由评审人本人决定，请由他人办理")
    turn = (standing is None or standing.may_decide, (standing.why_not if standing else None) or "")
    names = holds(Permission.TITLES_NAME)
    acts = ApplicationAction
    editable = (refusal_of(acts.SUBMIT, one.state) is None, f"当前状态“{one.state.label}”不能修改")
    evaluates = holds(Permission.TITLES_EVALUATE)
    judged_by_office = [evaluates, step(acts.RETURN), other_unit, office]
    judged_on_the_way = [holds(Permission.TITLES_REVIEW), step(acts.RETURN), turn]
    checks: dict[ApplicationAction, list[tuple[bool, str]]] = {
        acts.SUBMIT: [
            applies,
            own_unit,
            step(acts.SUBMIT),
            (window is None, window or ""),
            (not gaps, "；".join(gaps)),
        ],
        acts.RECOMMEND: [holds(Permission.TITLES_REVIEW), step(acts.RECOMMEND), turn],
        acts.RETURN: judged_by_office if one.state is ApplicationState.RECOMMENDED else judged_on_the_way,
        acts.WITHDRAW: [applies, own_unit, step(acts.WITHDRAW)],
        acts.EVALUATE: [evaluates, step(acts.EVALUATE), other_unit, office],
        acts.NAME: [names, step(acts.NAME), other_unit, office, other_person, (bool(one.passed), "评审未合格")],
        acts.REJECT: [names, step(acts.REJECT), other_unit, office],
        acts.REVOKE: [names, step(acts.REVOKE), office],
    }
    return [
        action("update", "修改", applies, own_unit, editable),
        *(action(name.value, STEPS[name].label, *checks[name]) for name in acts),
    ]


async def missing_files(session: AnySession, *, caller: Principal, file_ids: Iterable[UUID]) -> set[UUID]:
    """Of these files, those that the caller does not see or that are not usable. One statement."""
    wanted = set(file_ids)
    if not wanted:
        return set()
    found = await session.scalars(
        select(File.id).where(File.id.in_(wanted), File.state == FileState.READY, visible_files(caller).where(File))
    )
    return wanted - set(found)
