"""Hot reads: statements built and compiled once, run on a bare connection, answered without models.

Building a SQLAlchemy statement, running it through a session and making models of its rows costs several times what
PostgreSQL takes for a page or a record. A `Kept` statement pays for building once for each of its shapes (the domain
keeps it by scope and filters with `lru_cache`), a `Reader` sends it over asyncpg, and `kit.answers` writes the rows.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ColumnElement, Dialect, Integer, Select, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from wenming_api.kit.bare import Bare, Reader, Row
from wenming_api.kit.db import AnySession, ReadSession, WriteSession
from wenming_api.kit.pages import COUNTED_UP_TO, PageParams, ordering, refuse_too_deep

SHAPES = 512
"""How many shapes of one statement a process keeps: callers' scopes times the filters they combine."""
_DIALECT: Dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
T = TypeVar("T")


Source = Bare | AnySession
"""Where a kept statement may run: bare, or in a session whose changes it must see."""


class Kept:
    """A statement compiled once; `bindparam(name)` in it are given when it is run."""

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement
        compiled = statement.compile(dialect=_DIALECT)
        unset: dict[str, Any] = {name: None for name, bind in compiled.binds.items() if bind.required}
        spelled_out = compiled.construct_expanded_state(unset)
        self._sql = spelled_out.statement
        self._names = tuple(spelled_out.positiontup or ())
        own = {name: bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT) for name, bind in compiled.binds.items()}
        self._processors: Mapping[str, Any] = {**own, **spelled_out.processors}
        fixed = spelled_out.parameters.items()
        self._fixed = {name: self._sent(name, value) for name, value in fixed if name not in unset}

    async def rows(self, source: Source, **values: Any) -> Sequence[Row]:
        """All rows, by column name."""
        if isinstance(source, (WriteSession, ReadSession)):
            return cast("Sequence[Row]", (await source.execute(self.statement, values)).mappings().all())
        given = {name: self._sent(name, value) for name, value in values.items()}
        return await source.fetch(
            self._sql, [given[name] if name in given else self._fixed[name] for name in self._names]
        )

    async def row(self, source: Source, **values: Any) -> Row | None:
        """The only row, or none."""
        found = await self.rows(source, **values)
        return found[0] if found else None

    def _sent(self, name: str, value: Any) -> Any:
        process = self._processors.get(name)
        return value if process is None or value is None else process(value)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows as they came from the database, for `kit.answers`."""

    items: Sequence[Row]
    total: int
    params: PageParams


class KeptPage:
    """The two statements of a list in one shape: the count, up to `COUNTED_UP_TO`, and the page.

    `statement` selects rows with what they refer to, `condition` which of them. The page's keys are found first, from
    an index alone where one covers the condition, and only those rows are joined: a plan made without the values would
    join all that match, and PostgreSQL reads no table from its index alone once a join was named, needed or not.
    """

    def __init__(
        self,
        statement: Select[Any],
        condition: ColumnElement[bool],
        *,
        sort: StrEnum,
        columns: Mapping[str, Any],
        key: Any,
    ) -> None:
        order = ordering(sort, columns, key)
        matching = select(key.label("key")).where(condition)
        if len(matching.order_by(*order).get_final_froms()) > 1:  # a filter or the sort looks at a joined table
            matching = statement.with_only_columns(key.label("key")).where(condition)
        counted = matching.limit(COUNTED_UP_TO + 1).subquery()
        self._count = Kept(select(func.count().label("total")).select_from(counted))
        page = matching.order_by(*order).limit(bindparam("rows_taken", type_=Integer))
        keys = page.offset(bindparam("rows_passed", type_=Integer)).subquery()
        self._rows = Kept(statement.join(keys, keys.c.key == key).order_by(*order))

    async def read(self, source: Source, params: PageParams, **values: Any) -> Found:
        """The page, in two statements, in one when nothing matches."""
        refuse_too_deep(params)
        if isinstance(source, Reader):
            return await source.run(lambda bare: self._read(bare, params, values))
        return await self._read(source, params, values)

    async def _read(self, source: Source, params: PageParams, values: dict[str, Any]) -> Found:
        counted = await self._count.row(source, **values)
        total: int = counted["total"] if counted else 0
        rows: Sequence[Row] = ()
        if total > params.offset:
            rows = await self._rows.rows(source, **values, rows_taken=params.size, rows_passed=params.offset)
        return Found(rows, total, params)


class Shapes(Generic[T]):
    """What was made for each shape of a statement, the `SHAPES` used last."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, T] = OrderedDict()

    def of(self, shape: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives for this shape, made once. It may depend on nothing but the shape."""
        known = self._made.get(shape)
        if known is None:
            known = self._made[shape] = make()
            if len(self._made) > SHAPES:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(shape)
        return known


def equals(column: Any, name: str | None = None) -> ColumnElement[bool]:
    """Whether a column is what is bound to `name` (the column's own, unless given)."""
    return column == bindparam(name or column.key, type_=column.type)  # type: ignore[no-any-return]


def under(column: Any, path: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a path lies under another one.

    As a range (paths are compared by bytes), so that the index serves it even in a plan made without the value.
    """
    return and_(column >= path, column < path.concat("\U0010ffff"))
