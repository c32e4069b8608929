"""From a figure to the lines and photos it came from: those of the sheet versions that entered the result."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from wenming_api.access.scope import Scope
from wenming_api.city.result_lines.schemas import LineFilter, LineSort, ResultLine
from wenming_api.city.results.models import ResultSheet, ResultSite
from wenming_api.city.results.queries import require
from wenming_api.city.scoring.models import Deduction, LinePhoto, ScoreLine
from wenming_api.city.standards.models import Indicator, Standard, StandardDuty
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.system.units.models import Unit

_LOST = ScoreLine.max_score - ScoreLine.achieved


async def list_lines(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    result_id: UUID,
    wanted: LineFilter,
    sort: LineSort = LineSort.SITE,
) -> Page[ResultLine]:
    """Lines with their deductions and photos; `NotFound` when the result is not the caller's to see."""
    await require(session, scope=scope, assessment_id=assessment_id, result_id=result_id)
    statement = _lines(result_id).where(_visible(scope), *_conditions(wanted))
    sorts = {"site_code": ResultSite.code, "lost": func.coalesce(_LOST, 0), "standard_code": Standard.code}
    return await page(session, statement, params, sort=sort, columns=sorts, key=ScoreLine.id, into=ResultLine)


def _visible(scope: Scope) -> ColumnElement[bool]:
    """Lines at sites of the scope, and lines of standards for which a unit of the scope has a duty."""
    if scope.all_rows or not (scope.unit_prefixes or scope.unit_paths):
        return scope.where(ResultSite)
    has_duty = (
        select(StandardDuty.standard_id)
        .join(Unit, Unit.id == StandardDuty.unit_id)
        .where(
            or_(
                *(Unit.unit_path.startswith(prefix, autoescape=True) for prefix in scope.unit_prefixes),
                *(Unit.unit_path == path for path in scope.unit_paths),
            )
        )
    )
    return scope.where(ResultSite, also=[ScoreLine.standard_id.in_(has_duty)])


def _lines(result_id: UUID) -> Select[Any]:
    deductions = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("no", Deduction.no, "points", Deduction.points),
                        *("reason_code", Deduction.reason_code, "note", Deduction.note),
                    ),
                    Deduction.no,
                )
            )
        )
        .where(Deduction.line_id == ScoreLine.id)
        .correlate(ScoreLine)
        .scalar_subquery()
    )
    photos = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("no", LinePhoto.no, "deduction_no", LinePhoto.deduction_no),
                        *("file_id", LinePhoto.file_id, "taken_at", LinePhoto.taken_at),
                        *("longitude", LinePhoto.longitude, "latitude", LinePhoto.latitude),
                    ),
                    LinePhoto.no,
                )
            )
        )
        .where(LinePhoto.line_id == ScoreLine.id)
        .correlate(ScoreLine)
        .scalar_subquery()
    )
    columns: list[Any] = [
        ScoreLine.id,
        ScoreLine.sheet_id,
        ScoreLine.sheet_version_id,
        ResultSite.site_id,
        ResultSite.code.label("site_code"),
        ResultSite.name.label("site_name"),
        ResultSite.site_type_code,
        ResultSite.region_path,
        ScoreLine.standard_id,
        Standard.code.label("standard_code"),
        Standard.text.label("standard_text"),
        ScoreLine.outcome,
        ScoreLine.entry,
        ScoreLine.achieved,
        ScoreLine.max_score,
        _LOST.label("lost"),
        ScoreLine.note,
        func.coalesce(deductions, func.jsonb_build_array()).label("deductions"),
        func.coalesce(photos, func.jsonb_build_array()).label("photos"),
    ]
    return (
        select(*columns)
        .select_from(ResultSheet)
        .join(ScoreLine, ScoreLine.sheet_version_id == ResultSheet.sheet_version_id)
        .join(
            ResultSite, and_(ResultSite.result_id == ResultSheet.result_id, ResultSite.site_id == ResultSheet.site_id)
        )
        .join(Standard, Standard.id == ScoreLine.standard_id)
        .where(ResultSheet.result_id == result_id)
    )


def _conditions(wanted: LineFilter) -> list[ColumnElement[bool]]:
    equal: tuple[tuple[Any, object], ...] = (
        (ResultSite.site_id, wanted.site_id),
        (ResultSite.site_type_code, wanted.site_type_code),
        (ResultSite.industry_code, wanted.industry_code),
        (ResultSite.responsible_unit_id, wanted.unit_id),
        (ScoreLine.standard_id, wanted.standard_id),
        (ScoreLine.outcome, wanted.outcome),
    )
    found = [column == value for column, value in equal if value is not None]
    if wanted.under is not None:
        found.append(ResultSite.region_path.startswith(wanted.under, autoescape=True))
    if wanted.region_code is not None:
        levels = (ResultSite.city_code, ResultSite.county_code, ResultSite.street_code, ResultSite.community_code)
        found.append(or_(*(level == wanted.region_code for level in levels)))
    if wanted.department_id is not None:
        named = select(StandardDuty.standard_id).where(StandardDuty.unit_id == wanted.department_id)
        found.append(ScoreLine.standard_id.in_(named))
    if wanted.indicator_id is not None:
        found.append(Standard.indicator_id.in_(_subtree(wanted.indicator_id)))
    if wanted.method is not None:
        found.append(Standard.methods.contains([wanted.method]))
    if wanted.conforming is not None:
        conforms = ScoreLine.achieved == ScoreLine.max_score
        found += [ScoreLine.achieved.is_not(None), conforms if wanted.conforming else ~conforms]
    return found


def _subtree(indicator_id: UUID) -> Select[Any]:
    tree = select(Indicator.id).where(Indicator.id == indicator_id).cte("tree", recursive=True)
    tree = tree.union_all(select(Indicator.id).join(tree, Indicator.parent_id == tree.c.id))
    return select(tree.c.id)
