"""Lists: pages never repeat or skip, totals are bounded, searches are literal."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from wenming_api.kit import pages
from wenming_api.kit.pages import PageParams, contains, escape_like, ordering, page
from wenming_api.kit.problems import InvalidInput
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.regions.schemas import RegionOut

COLUMNS = [getattr(Region, name) for name in RegionOut.model_fields]


class Sort(StrEnum):
    UP = "name"
    DOWN = "-name"


async def fill(database, names):
    async with database.transaction() as session:
        await session.execute(
            insert(Region),
            [
                {"code": f"{no:012}", "name": name, "full_name": name, "level": RegionLevel.CITY, "path": f"{no:012}/"}
                for no, name in enumerate(names)
            ],
        )


async def read(database, params, sort=Sort.UP, where=None):
    statement = select(*COLUMNS)
    if where is not None:
        statement = statement.where(where)
    async with database.read() as session:
        return await page(
            session, statement, params, sort=sort, columns={"name": Region.name}, key=Region.id, into=RegionOut
        )


@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_of_equal_names_neither_repeat_nor_skip(database, sort):
    await fill(database, ["同名"] * 23 + ["另名"] * 4)
    seen = []
    for number in range(1, 7):
        found = await read(database, PageParams(number, 5), sort)
        assert found.total == 27
        assert found.total_exact
        assert len(found.items) == (5 if number < 6 else 2)
        seen += [item.id for item in found.items]
    assert len(set(seen)) == 27
    assert (await read(database, PageParams(7, 5), sort)).items == []


async def test_both_directions_are_each_others_reverse(database):
    await fill(database, ["甲", "乙", "甲", "丙", "甲"])
    up = [item.id for item in (await read(database, PageParams(1, 50), Sort.UP)).items]
    assert [item.id for item in (await read(database, PageParams(1, 50), Sort.DOWN)).items] == up[::-1]


async def test_counting_stops_and_deep_pages_are_refused(database, monkeypatch):
    monkeypatch.setattr(pages, "COUNTED_UP_TO", 10)
    await fill(database, [f"名{no}" for no in range(12)])
    found = await read(database, PageParams(1, 10))
    assert (found.total, found.total_exact) == (10, False)
    with pytest.raises(InvalidInput):
        await read(database, PageParams(2, 10))


async def test_deep_pages_are_refused_over_http(admin):
    answer = await admin.get("/regions", params={"page": 10_000, "size": 100})
    assert answer.status_code == 422
    for params in ({"page": 0}, {"size": 0}, {"size": 101}, {"page": 10_001}, {"page": "x"}, {"sort": "no_such"}):
        assert (await admin.get("/regions", params=params)).status_code == 422, params


@pytest.mark.parametrize("hostile", ["%", "_", "\\", "'", "%%", "a%b", "\\%"])
async def test_searches_are_literal(database, hostile):
    await fill(database, ["普通", f"含{hostile}号", "aXb"])
    found = await read(database, PageParams(), where=contains(Region.name, hostile))
    assert [item.name for item in found.items] == [f"含{hostile}号"]


@given(st.text(alphabet="ab%_\\", max_size=8))
def test_escaping_loses_nothing(text_):
    escaped = escape_like(text_)
    plain = []
    characters = iter(escaped)
    for character in characters:
        if character == "\\":
            plain.append(next(characters))
        else:
            assert character not in "%_"
            plain.append(character)
    assert "".join(plain) == text_


def test_every_order_ends_with_the_key():
    assert [str(column) for column in ordering(Sort.DOWN, {"name": Region.name}, Region.id)] == [
        "regions.name DESC",
        "regions.id DESC",
    ]


async def test_reads_are_read_only(database):
    async with database.read() as session:
        with pytest.raises(Exception, match="read-only transaction"):
            await session.execute(text("INSERT INTO login_failures VALUES ('x', 1, now())"))
