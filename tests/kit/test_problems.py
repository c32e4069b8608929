"""Problems: every failure becomes problem+json in Chinese, and what is away answers 503."""

import asyncio
import dataclasses
from datetime import timedelta
from decimal import Decimal

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.factories.places import make_city, make_region

from wenming_api.app import create_app
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.handlers import from_database, invalid
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    InvalidInput,
    NotFound,
    Problem,
    StaleVersion,
    TooManyRequests,
    Unavailable,
    VersionMoved,
    check_edited,
    check_judged,
    problems,
)
from wenming_api.system.regions.rules import RegionLevel

BROKEN = {
    "duplicate": ("INSERT INTO login_failures VALUES ('a', 1, now()), ('a', 1, now())", Conflict),
    "reference": (
        "INSERT INTO area_members VALUES (gen_random_uuid(), gen_random_uuid())",
        Conflict,
    ),
    "missing": ("INSERT INTO login_failures VALUES ('a', NULL, now())", InvalidInput),
    "check": ("UPDATE regions SET level = 'planet'", InvalidInput),
    "unreadable": ("SELECT convert_from('\\xff'::bytea, 'UTF8')", InvalidInput),
    "too large": ("SELECT 2147483647::int + 1", InvalidInput),
    "locked": ("LOCK TABLE login_failures", Unavailable),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_what_the_database_refuses_is_a_problem(database, what):
    statement, kind = BROKEN[what]
    async with database.write() as holder, database.write() as session:
        if what == "check":
            await make_city(session)
        if what == "locked":
            await holder.execute(text("LOCK TABLE login_failures"))
            await session.execute(text("SET LOCAL lock_timeout = '1ms'"))
        with pytest.raises(DBAPIError) as caught:
            await session.execute(text(statement))
        found = from_database(caught.value)
    assert isinstance(found, kind)
    assert type(found).status < 500 or kind is Unavailable


async def test_a_duplicate_is_named(database):
    async with database.transaction() as session:
        city = await make_city(session)
    async with database.write() as session:
        with pytest.raises(DBAPIError) as caught:
            await make_region(session, code=city.code, name="又一个", level=RegionLevel.CITY)
        found = from_database(caught.value)
    assert found.detail == f"编号“{city.code}”已被使用，请换一个。"


async def test_two_that_wait_for_each_other_are_told_to_try_again(database):
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO login_failures VALUES ('a', 1, now()), ('b', 1, now())"))
    met = asyncio.Barrier(2)

    async def cross(first, second):
        async with database.write() as session:
            for subject in (first, second):
                await session.execute(
                    text("UPDATE login_failures SET count = 2 WHERE subject = :subject"), {"subject": subject}
                )
                if subject == first:
                    await met.wait()
            await session.commit()

    answers = await asyncio.gather(cross("a", "b"), cross("b", "a"), return_exceptions=True)
    (failed,) = [answer for answer in answers if answer is not None]
    assert isinstance(failed, DBAPIError)
    assert isinstance(from_database(failed), Unavailable)


async def test_without_a_database_the_answer_is_503(settings, resources):
    gone = "postgresql+asyncpg://nobody@127.0.0.1:1/nowhere"
    app = create_app(settings, dataclasses.replace(resources, database=Database(gone)))
    token = app.state.issuer.issue(user_id=uuid7(), session_id=uuid7(), at=clock.now(), lives_for=timedelta(minutes=1))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        for answer in (
            await client.get("/units", headers={"Authorization": f"Bearer {token}"}),
            await client.post("/auth/login", json={"username": "wang.min", "password": "x"}),
        ):
            assert answer.status_code == 503, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["code"] == "unavailable"


def test_a_document_says_what_happened_and_where():
    document = NotFound().document(instance="/api/v1/units/1", request_id="abc")
    assert document == {
        "type": "urn:wenming:problem:not_found",
        "title": "未找到",
        "status": 404,
        "code": "not_found",
        "detail": "对象不存在，或不在您的数据范围内。",
        "instance": "/api/v1/units/1",
        "request_id": "abc",
    }
    assert TooManyRequests("等等", retry_after=7).headers == {"Retry-After": "7"}


def test_versions_are_checked():
    check_edited(3, 3)
    check_judged(3, 3)
    with pytest.raises(StaleVersion) as stale:
        check_edited(2, 3)
    assert (stale.value.extensions, stale.value.headers) == ({"current_version": 3}, {"ETag": '"3"'})
    with pytest.raises(VersionMoved) as moved:
        check_judged(4, 3)
    assert moved.value.extensions == {"current_version": 3}


def test_wrong_fields_are_named_by_pointer_in_chinese():
    found = invalid(
        [
            {"type": "missing", "loc": ("body", "a/b", 0, "c~d"), "msg": "Field required"},
            {"type": "string_too_long", "loc": ("body", "name"), "msg": "…", "ctx": {"max_length": 9}},
            {"type": "value_error", "loc": ("body", "x"), "msg": "Value error, 不能换行"},
            {"type": "greater_than_equal", "loc": ("body", "points"), "msg": "…", "ctx": {"ge": Decimal("0.5")}},
            {
                "type": "enum",
                "loc": ("query", "level"),
                "msg": "…",
                "ctx": {"expected": "'city', 'county' or 'street'"},
            },
            {"type": "uuid_version", "loc": ("body", "id"), "msg": "…", "ctx": {"expected_version": 7}},
        ]
    )
    assert found.extensions["errors"] == [
        {"pointer": "/a~1b/0/c~0d", "message": "必填"},
        {"pointer": "/name", "message": "最多 9 个字符"},
        {"pointer": "/x", "message": "不能换行"},
        {"pointer": "/points", "message": "不能小于 0.5"},
        {"pointer": "/query/level", "message": "只能是 'city'、'county'、'street'"},
        {"pointer": "/id", "message": "应为 UUIDv7"},
    ]
    many = invalid([{"type": "missing", "loc": ("body", no), "msg": ""} for no in range(500)])
    assert len(many.extensions["errors"]) == 100


def test_responses_of_one_status_are_described_together():
    found = problems(Conflict, VersionMoved, NotFound)
    assert list(found) == [404, 409]
    assert "conflict" in found[409]["description"]
    assert "version_moved" in found[409]["description"]


def all_problems(kind=Problem):
    for below in kind.__subclasses__():
        yield below
        yield from all_problems(below)


def test_every_problem_has_a_chinese_title_and_a_code_of_its_own():
    codes = {}
    for kind in all_problems():
        assert any("一" <= character <= "鿿" for character in kind.title), kind
        assert codes.setdefault(kind.code, kind.status) == kind.status, kind


@pytest.mark.parametrize(
    "failed",
    [
        asyncpg.InternalClientError("cannot switch to state"),
        asyncpg.AdminShutdownError("ended"),
        asyncpg.InterfaceError("closed"),
    ],
    ids=["between two statements", "shut down", "closed"],
)
def test_a_bare_connection_that_broke_is_an_absence(failed):
    assert isinstance(from_database(failed), Unavailable)
