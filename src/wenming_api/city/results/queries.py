"""Reads of results. A published result is everybody's to see (each sees the rows of his scope); a computed one is its
organisers' alone.
"""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import RESULT_OPEN
from wenming_api.city.results.models import (
    Result,
    ResultEntry,
    ResultFigure,
    ResultSite,
    ResultSnapshot,
    ResultSpread,
)
from wenming_api.city.results.rules import VETOED, Cut, ResultState, Rows
from wenming_api.city.results.schemas import (
    EntryOut,
    FigureOut,
    FigureSort,
    ListOut,
    ResultOut,
    ResultRow,
    ResultSort,
    SiteResultOut,
    SiteResultSort,
    SpreadOut,
    SpreadSort,
    Verification,
)
from wenming_api.city.rollup.rules import figures_of, result_hash
from wenming_api.city.sitescores.rules import tally
from wenming_api.city.snapshots.rules import from_json
from wenming_api.city.standards.models import Standard
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.exact import SHOWN_PLACES, shown
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.users.models import User

_Publisher = aliased(User)
_SHOWN_DIFFERENCES = 20


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which results a scope shows."""
    return or_(Result.state == ResultState.PUBLISHED, scope.where(Result))


async def list_results(
    session: AnySession, *, scope: Scope, params: PageParams, assessment_id: UUID, sort: ResultSort = ResultSort.NEWEST
) -> Page[ResultRow]:
    """The computations of an assessment."""
    columns = [getattr(Result, name) for name in ResultRow.model_fields]
    statement = select(*columns).where(Result.assessment_id == assessment_id, visible(scope))
    return await page(session, statement, params, sort=sort, columns={"no": Result.no}, key=Result.id, into=ResultRow)


async def read_result(session: AnySession, *, caller: Principal, assessment_id: UUID, result_id: UUID) -> ResultOut:
    """One result with what the caller may do with it; `NotFound`. One statement."""
    found = await session.execute(
        select(
            *Result.__table__.columns,
            User.display_name.label("computed_by_name"),
            _Publisher.display_name.label("published_by_name"),
            Assessment.state.label("assessment_state"),
        )
        .join(Assessment, Assessment.id == Result.assessment_id)
        .outerjoin(User, User.id == Result.computed_by)
        .outerjoin(_Publisher, _Publisher.id == Result.published_by)
        .where(Result.id == result_id, Result.assessment_id == assessment_id, visible(caller.scope))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return ResultOut.model_validate({**row, "allowed_actions": _allowed(caller, dict(row))})


def _allowed(caller: Principal, row: Mapping[str, Any]) -> list[AllowedAction]:
    inside = (caller.scope.holds_region(row["region_path"]), "测评由上级组织，您只能查看")
    fresh = (row["state"] is ResultState.COMPUTED, "成绩已发布")
    return [
        action(
            "publish",
            "发布",
            (caller.may(Permission.RESULTS_PUBLISH), "需要“发布成绩”权限"),
            inside,
            fresh,
            (row["current"], "已有更新的一次计算"),
            (row["assessment_state"] in RESULT_OPEN, "实地测评结束、转入复核后才能发布"),
        ),
        action("compute", "重新计算", (caller.may(Permission.RESULTS_COMPUTE), "需要“计算成绩”权限"), inside, fresh),
    ]


async def require(session: AnySession, *, scope: Scope, assessment_id: UUID, result_id: UUID) -> None:
    """Raise `NotFound` unless the scope shows this result of this assessment."""
    found = await session.scalar(
        select(Result.id).where(Result.id == result_id, Result.assessment_id == assessment_id, visible(scope))
    )
    if found is None:
        raise NotFound


async def read_lists(session: AnySession, *, scope: Scope, assessment_id: UUID, result_id: UUID) -> list[ListOut]:
    """The ranking lists. They compare regions, so whoever sees the result sees them whole."""
    heads = await session.scalar(
        select(Result.lists).where(Result.id == result_id, Result.assessment_id == assessment_id, visible(scope))
    )
    if heads is None:
        raise NotFound
    return await lists_of(session, result_id=result_id, heads=heads)


async def lists_of(session: AnySession, *, result_id: UUID, heads: Iterable[Mapping[str, Any]]) -> list[ListOut]:
    """The lists of a result that the reader may see, in the order of the groups."""
    found = await session.execute(
        select(*ResultEntry.__table__.columns)
        .where(ResultEntry.result_id == result_id)
        .order_by(ResultEntry.group_no, ResultEntry.position)
    )
    entries: dict[str, list[EntryOut]] = {}
    for row in found.mappings():
        entries.setdefault(row["group_code"], []).append(_entry(dict(row)))
    return [ListOut(**head, entries=entries.get(head["code"], [])) for head in heads]


def _entry(row: Mapping[str, Any]) -> EntryOut:
    figures = {name: row[name] for name in ("field", "composite", "bonus", "negative", "total", "value")}
    figures |= {f"methods.{code}": Decimal(text) for code, text in row["methods"].items()}
    reasons = "；".join(row["missing"]) or None
    return EntryOut.model_validate(
        {
            **row,
            "shown": {name: str(shown(value)) for name, value in figures.items() if value is not None},
            "mark": VETOED if row["vetoed"] else reasons,
        }
    )


_SHOWN_FIGURES = ("score", "field", "conformance")


async def list_figures(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    result_id: UUID,
    assessment_id: UUID,
    cut: Cut,
    sort: FigureSort = FigureSort.PRINTED,
    level: str | None = None,
    parent_key: str | None = None,
    q: str | None = None,
) -> Page[FigureOut]:
    """Figures of one cut; `level` of the region or indicator, `parent_key` the node above. `NotFound`."""
    await require(session, scope=scope, assessment_id=assessment_id, result_id=result_id)
    statement = _figures(scope, result_id).where(ResultFigure.cut == cut)
    if level is not None:
        statement = statement.where(ResultFigure.level == level)
    if parent_key is not None:
        statement = statement.where(ResultFigure.parent_key == parent_key)
    if q is not None:
        statement = statement.where(
            or_(contains(ResultFigure.name, q), ResultFigure.code.startswith(q, autoescape=True))
        )
    sorts = {"position": ResultFigure.position, "score": ResultFigure.score, "name": ResultFigure.name}
    return await page(session, statement, params, sort=sort, columns=sorts, key=ResultFigure.key, into=FigureOut)


def _figures(scope: Scope, result_id: UUID) -> Select[Any]:
    stored = [getattr(ResultFigure, name) for name in FigureOut.model_fields if not name.endswith("_shown")]
    rounded = [_shown(getattr(ResultFigure, name)).label(f"{name}_shown") for name in _SHOWN_FIGURES]
    return select(*stored, *rounded).where(ResultFigure.result_id == result_id, scope.where(ResultFigure))


def _shown(column: Any) -> ColumnElement[str]:
    # PostgreSQL rounds numerics half away from zero, as `kit.exact.shown` does.
    return cast(func.round(column, SHOWN_PLACES), Text)


async def list_sites(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    result_id: UUID,
    assessment_id: UUID,
    sort: SiteResultSort = SiteResultSort.CODE,
    under: str | None = None,
    site_type_code: str | None = None,
    industry_code: str | None = None,
    unit_id: UUID | None = None,
    scored: bool | None = None,
    q: str | None = None,
) -> Page[SiteResultOut]:
    """Sites of the result; `under` is a region path, `unit_id` the responsible unit. `NotFound`."""
    await require(session, scope=scope, assessment_id=assessment_id, result_id=result_id)
    columns = [getattr(ResultSite, name) for name in SiteResultOut.model_fields if name != "score_shown"]
    statement: Select[Any] = select(*columns, _shown(ResultSite.score).label("score_shown")).where(
        ResultSite.result_id == result_id, scope.where(ResultSite)
    )
    for column, value in (
        (ResultSite.site_type_code, site_type_code),
        (ResultSite.industry_code, industry_code),
        (ResultSite.responsible_unit_id, unit_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if under is not None:
        statement = statement.where(ResultSite.region_path.startswith(under, autoescape=True))
    if scored is not None:
        statement = statement.where(ResultSite.score.is_not(None) if scored else ResultSite.score.is_(None))
    if q is not None:
        statement = statement.where(or_(contains(ResultSite.name, q), ResultSite.code.startswith(q, autoescape=True)))
    sorts = {"code": ResultSite.code, "score": ResultSite.score}
    return await page(session, statement, params, sort=sort, columns=sorts, key=ResultSite.site_id, into=SiteResultOut)


async def list_spreads(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    result_id: UUID,
    sort: SpreadSort = SpreadSort.SITE,
) -> Page[SpreadOut]:
    """Standards at sites on which the assessors differ by more than the threshold; `NotFound`."""
    await require(session, scope=scope, assessment_id=assessment_id, result_id=result_id)
    columns: list[Any] = [
        ResultSpread.site_id,
        ResultSite.code.label("site_code"),
        ResultSite.name.label("site_name"),
        ResultSpread.standard_id,
        Standard.code.label("standard_code"),
        ResultSpread.lowest,
        ResultSpread.highest,
    ]
    statement = (
        select(*columns)
        .select_from(ResultSpread)
        .join(
            ResultSite,
            and_(ResultSite.result_id == ResultSpread.result_id, ResultSite.site_id == ResultSpread.site_id),
        )
        .join(Standard, Standard.id == ResultSpread.standard_id)
        .where(ResultSpread.result_id == result_id, scope.where(ResultSite))
    )
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"site": ResultSite.code, "difference": ResultSpread.highest - ResultSpread.lowest},
        key=ResultSpread.standard_id,
        into=SpreadOut,
    )


async def verify_result(session: AnySession, *, scope: Scope, assessment_id: UUID, result_id: UUID) -> Verification:
    """Compute the result once more from its snapshot alone, and compare hash and every stored figure; `NotFound`."""
    found = await session.execute(
        select(Result.hash, Result.form, Result.region_path, ResultSnapshot.document)
        .join(ResultSnapshot, ResultSnapshot.result_id == Result.id)
        .where(
            Result.id == result_id,
            Result.assessment_id == assessment_id,
            visible(scope),
        )
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    hash_, rows = await asyncio.to_thread(_recompute, row.document, row.region_path)
    different: dict[str, Any] = {}
    for model, key, expected in (
        (ResultFigure, ("cut", "key"), rows.figures()),
        (ResultSite, ("site_id",), rows.sites()),
        (ResultEntry, ("group_code", "region_code"), rows.entries()),
    ):
        different |= await _differences(session, model, key, result_id, expected)
    return Verification(
        hash=row.hash,
        recomputed_hash=hash_,
        equal=hash_ == row.hash,
        rows_equal=not different,
        form=row.form,
        details=dict(list(different.items())[:_SHOWN_DIFFERENCES]),
    )


def _recompute(document: dict[str, Any], region_path: str) -> tuple[str, Rows]:
    snapshot = from_json(document)
    sums = tally(snapshot)
    figures = figures_of(snapshot, sums)
    return result_hash(snapshot, figures), Rows(snapshot, sums, figures, region_path=region_path)


async def _differences(
    session: AnySession, model: Any, key: tuple[str, ...], result_id: UUID, expected: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    columns = [column for column in model.__table__.columns if column.key != "result_id"]
    found = await session.execute(select(*columns).where(model.result_id == result_id))
    stored = {tuple(str(row[name]) for name in key): dict(row) for row in found.mappings()}
    different: dict[str, Any] = {}
    for row in expected:
        name = tuple(str(row[each]) for each in key)
        if stored.pop(name, None) != row:
            different[f"{model.__tablename__}/{'/'.join(name)}"] = "不同"
    return different | {f"{model.__tablename__}/{'/'.join(name)}": "多出" for name in stored}
