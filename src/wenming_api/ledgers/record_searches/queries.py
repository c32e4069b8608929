"""The list of records.

A word is looked for by every two neighbouring characters (an index of them), and, when it is longer, in the text itself
afterwards. How common the words are decides the way: hits of rare ones are taken from that index and sorted; for common
ones the newest records are looked at one after the other until the page is full.
"""

from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import aliased
from sqlalchemy.sql.visitors import replacement_traverse

from wenming_api.access.scope import Scope
from wenming_api.kit.bare import Reader
from wenming_api.kit.kept import Found, Kept, KeptPage, Shapes, Source, equals, under
from wenming_api.kit.pages import COUNTED_UP_TO, PageParams, escape_like, ordering, refuse_too_deep
from wenming_api.kit.problems import FieldError, InvalidInput
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.contents.rules import SearchTooShort, Wanted, wanted
from wenming_api.ledgers.record_searches.rules import is_common
from wenming_api.ledgers.record_searches.schemas import RecordFilter, RecordSort
from wenming_api.ledgers.records.models import Record, RecordCategory
from wenming_api.ledgers.records.queries import selected, visible
from wenming_api.ledgers.records.schemas import RecordRow
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

_SORTS = {"updated_at": Record.updated_at, "happened_on": Record.happened_on, "number": Record.number}
_Small = aliased(CatalogueNode)


def _in_category() -> ColumnElement[bool]:
    """Filed under a node or anything below it."""
    return Record.id.in_(
        select(RecordCategory.record_id)
        .join(_Small, _Small.id == RecordCategory.node_id)
        .join(
            CatalogueNode,
            and_(
                CatalogueNode.catalogue_id == _Small.catalogue_id,
                func.starts_with(_Small.path, CatalogueNode.path),
            ),
        )
        .where(CatalogueNode.id == bindparam("node_id", type_=Uuid))
    )


_MATCHES: dict[str, ColumnElement[bool]] = {
    "state": equals(Record.state),
    "unit_id": equals(Record.unit_id),
    "under_unit_id": under(
        Record.unit_path,
        select(Unit.unit_path).where(Unit.id == bindparam("under_unit_id", type_=Uuid)).scalar_subquery(),
    ),
    "region_id": under(
        Record.region_path,
        select(Region.path).where(Region.id == bindparam("region_id", type_=Uuid)).scalar_subquery(),
    ),
    "node_id": _in_category(),
    "work_area": equals(Record.work_area_code, "work_area"),
    "owner_id": equals(Record.owner_id),
    "severity": equals(Record.findings_worst, "severity"),
    "happened_from": Record.happened_on >= bindparam("happened_from", type_=Date),
    "happened_to": Record.happened_on <= bindparam("happened_to", type_=Date),
    "period_from": Record.period_end >= bindparam("period_from", type_=Date),
    "period_to": Record.period_start <= bindparam("period_to", type_=Date),
}


class _SearchPage:
    """A searched list in one shape: the count, and the page in the two ways.

    The words are written into the statements: a plan that is kept without them would treat every word as a rare one.
    """

    def __init__(self, condition: ColumnElement[bool], looked_for: Wanted, *, sort: RecordSort) -> None:
        query = cast(literal(looked_for.query, Text).render_literal_execute(), TSQUERY)
        found = Record.search.op("@@", is_comparison=True)(query)
        unindexed = func.coalesce(found, False)  # the same condition in a form that no index serves
        # Two neighbours are found exactly; more of them have to stand together.
        patterns = [literal(f"%{escape_like(word)}%", Text).render_literal_execute() for word in looked_for.words]
        condition = and_(condition, *(Record.searched.like(pattern) for pattern in patterns))
        order = ordering(sort, _SORTS, Record.id)
        counted = select(Record.id).where(found, condition).limit(COUNTED_UP_TO + 1).subquery()
        self._count = Kept(select(func.count().label("total")).select_from(counted))
        sorted_by = _SORTS[sort.value.removeprefix("-")].label("place")
        hits = (
            select(Record.id.label("key"), sorted_by)
            .where(found, condition)
            .cte("hits")
            .prefix_with("MATERIALIZED", dialect="postgresql")
        )
        by_place = (
            [hits.c.place.desc(), hits.c.key.desc()] if sort.value.startswith("-") else [hits.c.place, hits.c.key]
        )
        self._rare = self._page(select(hits.c.key).order_by(*by_place), order)
        self._common = self._page(select(Record.id.label("key")).where(unindexed, condition).order_by(*order), order)

    @staticmethod
    def _page(found: Select[Any], order: list[ColumnElement[Any]]) -> Kept:
        taken = found.limit(bindparam("rows_taken", type_=Integer)).offset(bindparam("rows_passed", type_=Integer))
        keys = taken.subquery()
        return Kept(selected(RecordRow.model_fields).join(keys, keys.c.key == Record.id).order_by(*order))

    async def read(self, source: Source, params: PageParams, values: dict[str, Any]) -> Found:
        """The page, in two statements, in one when nothing matches."""
        refuse_too_deep(params)
        counted = await self._count.row(source, **values)
        total: int = counted["total"] if counted else 0
        rows: Any = ()
        if total > params.offset:
            way = self._common if is_common(total) else self._rare
            rows = await way.rows(source, **values, rows_taken=params.size, rows_passed=params.offset)
        return Found(rows, total, params)


def _in_scope(scope: Scope) -> ColumnElement[bool]:
    """The rows of a scope, its paths written into the statement: a plan made without them could take no index of
    paths, and would look through all records that hold a common word. Statements are kept by scope anyway."""

    def inline(element: Any, **_: Any) -> Any:
        return element.render_literal_execute() if isinstance(element, BindParameter) else None

    spelled_out: ColumnElement[bool] = replacement_traverse(visible(scope), {}, inline)
    return spelled_out


_lists = Shapes[KeptPage]()
_searches = Shapes[_SearchPage]()


async def list_records(
    source: Source,
    *,
    scope: Scope,
    wanted_: RecordFilter,
    params: PageParams,
    sort: RecordSort = RecordSort.UPDATED_DOWN,
) -> Found:
    """A page of records (rows as `RecordRow`). Two statements.

    Raises:
        InvalidInput: a word of one character.
    """
    values = wanted_.given()
    text = values.pop("q", None)
    condition = and_(_in_scope(scope), *(_MATCHES[name] for name in values))
    if text is None:

        def make() -> KeptPage:
            return KeptPage(selected(RecordRow.model_fields), condition, sort=sort, columns=_SORTS, key=Record.id)

        return await _lists.of((scope, sort, *values), make).read(source, params, **values)
    looked_for = words_of(text)
    shape = (scope, sort, looked_for, *values)
    search = _searches.of(shape, lambda: _SearchPage(condition, looked_for, sort=sort))
    if isinstance(source, Reader):
        return await source.run(lambda bare: search.read(bare, params, values))
    return await search.read(source, params, values)


def words_of(text: str) -> Wanted:
    """What a user's words are looked for by; `InvalidInput` for a word of one character."""
    try:
        return wanted(text)
    except SearchTooShort as error:
        raise InvalidInput(errors=[FieldError("/query/q", str(error))]) from None
