"""Kept statements: the same rows bare and in a session, shapes that hold no values, connections that break."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import Integer, Text, Uuid, any_, bindparam, cast, func, literal, select, values
from sqlalchemy import column as column_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from wenming_api.kit.answers import document
from wenming_api.kit.bare import Reader
from wenming_api.kit.db import Database
from wenming_api.kit.kept import Kept, KeptPage, Shapes, under
from wenming_api.kit.pages import PageParams
from wenming_api.kit.problems import InvalidInput
from wenming_api.settings import Resources

NUMBERS = values(column_("n", Integer), column_("path", Text), name="numbers").data(
    [(1, "1/"), (2, "1/2/"), (3, "1/3/"), (4, "10/"), (5, "2/")]
)


@pytest.fixture
def reader(resources: Resources) -> Reader:
    return resources.reader


class Colour(StrEnum):
    RED = "red"


async def test_bare_and_in_a_session_give_the_same(reader: Reader, database: Database) -> None:
    id_ = UUID("019385f6-6c00-7a4b-8f21-0123456789ab")
    kept = Kept(
        select(
            bindparam("id", type_=Uuid).label("id"),
            literal(Decimal("1.50")).label("score"),
            cast({"a": [1, "二"]}, JSONB).label("json"),
            bindparam("colour", type_=Text).label("colour"),
            literal(7).in_([5, 6, 7]).label("among"),
            (literal(3) == any_(bindparam("some", type_=ARRAY(Integer)))).label("some"),
        )
    )
    wanted = {"id": id_, "colour": Colour.RED, "some": [1, 3]}
    bare = await kept.row(reader, **wanted)
    async with database.read() as session:
        seen = await kept.row(session, **wanted)
    assert bare is not None
    assert dict(bare) == dict(seen or {})
    assert document(bare["score"]) == b'"1.5"'
    assert bare["json"] == {"a": [1, "二"]}
    assert bare["among"]


async def test_a_value_that_was_bound_before_is_not_kept(reader: Reader) -> None:
    kept = Kept(select(NUMBERS.c.n).where(NUMBERS.c.n == bindparam("n", type_=Integer)))
    assert [[row["n"] for row in await kept.rows(reader, n=n)] for n in (2, 4, 9)] == [[2], [4], []]
    with pytest.raises(KeyError):
        await kept.rows(reader)


async def test_what_lies_under_a_path(reader: Reader) -> None:
    kept = Kept(select(NUMBERS.c.n).where(under(NUMBERS.c.path, bindparam("path", type_=Text))).order_by(NUMBERS.c.n))
    assert [row["n"] for row in await kept.rows(reader, path="1/")] == [1, 2, 3]
    assert [row["n"] for row in await kept.rows(reader, path="1/2/")] == [2]
    assert await kept.rows(reader, path=None) == []


class Sort(StrEnum):
    UP = "n"
    DOWN = "-n"


async def test_a_page(reader: Reader, database: Database) -> None:
    every = select(NUMBERS.c.n, NUMBERS.c.path)
    kept = KeptPage(every, NUMBERS.c.n > 0, sort=Sort.DOWN, columns={"n": NUMBERS.c.n}, key=NUMBERS.c.path)
    async with database.read() as session:
        for source in (reader, session):
            found = await kept.read(source, PageParams(2, 2))
            assert ([row["n"] for row in found.items], found.total) == ([3, 2], 5)
            assert (await kept.read(source, PageParams(9, 2))).items == ()
    with pytest.raises(InvalidInput):
        await kept.read(reader, PageParams(1_000, 100))


async def test_nothing_can_be_written(reader: Reader) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await reader.fetch("CREATE TABLE scratch (n int)", [])


async def test_a_broken_connection_is_replaced(reader: Reader, database: Database) -> None:
    whoami = Kept(select(func.pg_backend_pid().label("pid")))
    before = {row["pid"] for rows in await asyncio.gather(*(whoami.rows(reader) for _ in range(5))) for row in rows}
    async with database.transaction() as session:
        for pid in before:
            await session.execute(select(func.pg_terminate_backend(pid)))
    after = [(await whoami.row(reader) or {})["pid"] for _ in range(2 * len(before))]
    assert not before & set(after)


def test_shapes_are_made_once_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wenming_api.kit.kept.SHAPES", 2)
    made: list[str] = []
    shapes = Shapes[str]()

    def maker(name: str) -> Callable[[], str]:
        def make() -> str:
            made.append(name)
            return name

        return make

    for name in "abacab":
        assert shapes.of(name, maker(name)) == name
    assert made == ["a", "b", "c", "b"]


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_only_plain_values_are_answered(value: Any) -> None:
    with pytest.raises(TypeError):
        document({"value": value})
