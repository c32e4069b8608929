"""Pivots in one statement (S1.3): over the cells of each assessment's current result, which sum up its score lines."""

from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, ColumnElement, Numeric, Select, Text, and_, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.scope import Scope
from wenming_api.analytics.statistics.rules import Dimension
from wenming_api.analytics.statistics.schemas import PivotKey, PivotOut, PivotRow, PivotWish
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.results.models import Result, ResultCell, ResultKind, ResultPlace
from wenming_api.city.results.queries import visible
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.standards.models import Indicator
from wenming_api.kit.db import AnySession
from wenming_api.kit.exact import PLACES
from wenming_api.system.dictionaries.models import Dictionary, DictionaryItem
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.units.models import Unit

MAX_ROWS = 5_000
_NOTHING = "（未填写）"

_LEVELS: dict[RegionLevel, Any] = {
    RegionLevel.CITY: ResultPlace.city_code,
    RegionLevel.COUNTY: ResultPlace.county_code,
    RegionLevel.STREET: ResultPlace.street_code,
    RegionLevel.COMMUNITY: ResultPlace.community_code,
}


async def read_pivot(session: AnySession, *, scope: Scope, wish: PivotWish) -> PivotOut:
    """Sums of points and conforming lines by up to three dimensions, over the results and sites the scope shows."""
    sums = _sums(scope, wish).subquery()
    statement: Select[Any] = select(sums).select_from(sums)
    for place, dimension in enumerate(wish.dimensions):
        statement = _labelled(statement, dimension, sums.c[f"key{place}"], place)
    keys = [sums.c[f"key{place}"] for place in range(len(wish.dimensions))]
    found = (await session.execute(statement.order_by(*keys).limit(MAX_ROWS + 1))).mappings().all()
    return PivotOut(
        dimensions=list(wish.dimensions),
        rows=[_row(dict(row), wish.dimensions) for row in found[:MAX_ROWS]],
        complete=len(found) <= MAX_ROWS,
    )


def _row(row: dict[str, Any], dimensions: tuple[Dimension, ...]) -> PivotRow:
    keys = [
        PivotKey(
            dimension=dimension,
            key=None if (key := row[f"key{place}"]) is None else str(key),
            label=row.get(f"label{place}") or (_NOTHING if key is None else str(key)),
        )
        for place, dimension in enumerate(dimensions)
    ]
    return PivotRow.model_validate({**row, "keys": keys})


def _sums(scope: Scope, wish: PivotWish) -> Select[Any]:
    """The sums by key; joins only what the keys, the conditions and the scope need."""
    achieved, most = _points(ResultCell.achieved), _points(ResultCell.max_score)
    applicable, conforming = func.sum(ResultCell.applicable), func.sum(ResultCell.conforming)
    places, duties = _places(scope, wish), _duties(scope)
    # The method's rows multiply a cell that has several; they are grouped by it, so nothing is counted twice.
    judged = func.unnest(ResultKind.methods).table_valued("method").render_derived(name="judged")
    of_kind = {
        Dimension.INDICATOR: ResultKind.indicator_path[wish.indicator_level],
        Dimension.DEPARTMENT: ResultKind.department_id,
        Dimension.METHOD: judged.c.method,
    }
    chosen: list[Any] = [
        of_kind[dimension] if dimension in of_kind else places.c[dimension.value] for dimension in wish.dimensions
    ]
    statement: Select[Any] = (
        select(
            *(key.label(f"key{place}") for place, key in enumerate(chosen)),
            achieved.label("achieved"),
            most.label("max_score"),
            func.round(100 * achieved / func.nullif(most, 0), 2).label("score"),
            applicable.label("applicable"),
            conforming.label("conforming"),
            func.round(100 * conforming / func.nullif(applicable, 0), 2).label("conformance"),
        )
        .select_from(ResultCell)
        .join(places, places.c.id == ResultCell.place_id)
        .where(ResultCell.depth_from <= _depth(wish), ResultCell.depth_to >= _depth(wish))
        .group_by(*chosen)
    )
    conditions = _kind_conditions(wish)
    if duties is not None:
        conditions.append(or_(places.c.inside, duties))
    if conditions or of_kind.keys() & set(wish.dimensions):
        statement = statement.join(ResultKind, ResultKind.id == ResultCell.kind_id).where(*conditions)
    if Dimension.METHOD in wish.dimensions:
        statement = statement.join(judged, literal(True))
    return statement


def _places(scope: Scope, wish: PivotWish) -> CTE:
    """The places whose cells are summed up, with their keys. Where departments see their lines at any site, `inside`
    says which places are seen whole.

    Made before the cells are read, so that what is the same for all cells of a place is found out once.
    """
    keys: dict[Dimension, Any] = {
        Dimension.REGION: _LEVELS[wish.region_level],
        Dimension.UNIT: ResultPlace.responsible_unit_id,
        Dimension.INDUSTRY: ResultPlace.industry_code,
        Dimension.SITE_TYPE: ResultPlace.site_type_code,
        Dimension.PERIOD: func.to_char(func.coalesce(Assessment.starts_on, Assessment.created_at), wish.period.form),
        Dimension.ASSESSMENT: Result.assessment_id,
    }
    statement: Select[Any] = (
        select(ResultPlace.id, *(keys[each].label(each.value) for each in wish.dimensions if each in keys))
        .select_from(ResultPlace)
        .join(Result, and_(Result.id == ResultPlace.result_id, Result.current))
        .where(visible(scope), *_place_conditions(wish))
    )
    if Dimension.PERIOD in wish.dimensions:
        statement = statement.join(Assessment, Assessment.id == Result.assessment_id)
    inside = scope.where(ResultPlace)
    statement = statement.where(inside) if _duties(scope) is None else statement.add_columns(inside.label("inside"))
    return statement.cte("places").prefix_with("MATERIALIZED")


def _points(column: Any) -> ColumnElement[Decimal]:
    return cast(func.sum(column), Numeric) * literal(Decimal(1).scaleb(-PLACES), Numeric)


def _depth(wish: PivotWish) -> ColumnElement[int]:
    """How deep the cells' indicator paths have to be: the fewest cells that tell apart what is asked for."""
    # Spelled out in the statement: how many cells there are differs so much that each depth needs a plan of its own.
    level = wish.indicator_level if Dimension.INDICATOR in wish.dimensions else 0
    asked: ColumnElement[int] = literal(level, literal_execute=True)
    if wish.indicator_id is None:
        return asked
    named = select(Indicator.level).where(Indicator.id == wish.indicator_id).scalar_subquery()
    return func.greatest(asked, named)


def _duties(scope: Scope) -> ColumnElement[bool] | None:
    """Lines that a unit of the scope is responsible for as the leading department; None when the scope names none."""
    if scope.all_rows or not (scope.unit_prefixes or scope.unit_paths):
        return None
    own = select(Unit.id).where(
        or_(
            *(Unit.unit_path.startswith(prefix, autoescape=True) for prefix in scope.unit_prefixes),
            *(Unit.unit_path == path for path in scope.unit_paths),
        )
    )
    return ResultKind.department_id.in_(own)


def _place_conditions(wish: PivotWish) -> list[ColumnElement[bool]]:
    equal: tuple[tuple[Any, object], ...] = (
        (ResultPlace.site_type_code, wish.site_type_code),
        (ResultPlace.industry_code, wish.industry_code),
        (ResultPlace.responsible_unit_id, wish.unit_id),
    )
    found = [column == value for column, value in equal if value is not None]
    if wish.assessment_ids:
        found.append(Result.assessment_id.in_(wish.assessment_ids))
    if wish.region_code is not None:
        found.append(or_(*(level == wish.region_code for level in _LEVELS.values())))
    return found


def _kind_conditions(wish: PivotWish) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wish.department_id is not None:
        found.append(ResultKind.department_id == wish.department_id)
    if wish.indicator_id is not None:
        found.append(ResultKind.indicator_path.contains([wish.indicator_id]))
    if wish.method is not None:
        found.append(ResultKind.methods.contains([wish.method]))
    return found


def _labelled(statement: Select[Any], dimension: Dimension, key: Any, place: int) -> Select[Any]:
    """The statement with the present name of what the key means."""
    label = f"label{place}"
    match dimension:
        case Dimension.REGION:
            region = aliased(Region)
            return statement.add_columns(region.name.label(label)).outerjoin(region, region.code == key)
        case Dimension.INDICATOR:
            node = aliased(Indicator)
            name = func.concat(node.code, " ", node.name).label(label)
            return statement.add_columns(name).outerjoin(node, node.id == key)
        case Dimension.DEPARTMENT | Dimension.UNIT:
            unit = aliased(Unit)
            return statement.add_columns(unit.name.label(label)).outerjoin(unit, unit.id == key)
        case Dimension.INDUSTRY:
            item, dictionary = aliased(DictionaryItem), aliased(Dictionary)
            industry = select(dictionary.id).where(dictionary.code == "industry").scalar_subquery()
            return statement.add_columns(item.name.label(label)).outerjoin(
                item, and_(item.code == key, item.dictionary_id == industry)
            )
        case Dimension.SITE_TYPE:
            kind = aliased(SiteType)
            return statement.add_columns(kind.name.label(label)).outerjoin(kind, kind.code == key)
        case Dimension.ASSESSMENT:
            assessment = aliased(Assessment)
            return statement.add_columns(assessment.name.label(label)).outerjoin(assessment, assessment.id == key)
        case Dimension.METHOD | Dimension.PERIOD:
            return statement.add_columns(cast(key, Text).label(label))
