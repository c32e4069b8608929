"""From every figure down to lines, deductions and photos."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.factories.callers import make_user
from tests.factories.results import Example, make_example, make_sheet

from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7

Client = httpx.AsyncClient
PHOTO = uuid7()


@pytest.fixture
async def example(admin: Client, database: Database) -> Example:
    """The example with one sheet more, which has a photo; and its computed result."""
    async with database.transaction() as session:
        made = await make_example(session)
        second = await make_user(session, unit=made.units["u1"])
        entries = {"s1": {"passed": True}, "s2": {"deductions": [{"reason": "litter", "points": "2"}]}}
        await make_sheet(session, made, "a2", entries, assessor=second, photo=PHOTO)
    return made


@pytest.fixture
async def path(admin: Client, example: Example) -> str:
    """Where the lines of its result are."""
    return f"{example.path}/{(await admin.post(example.path)).json()['id']}/lines"


async def lines(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, params={"size": 100, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_a_line_shows_its_deductions_and_photos(admin: Client, example: Example, path: str) -> None:
    found = await lines(admin, path, site_id=str(example.sites["a2"].id), sort="-lost")
    assert [line["lost"] for line in found] == ["4", "2", "0", "0"]
    assert [line["standard_code"] for line in found[:2]] == ["①-s1", "①-s2"]
    line = found[1]
    assert line["deductions"] == [{"no": 1, "points": "2", "reason_code": "litter", "note": "路边有垃圾"}]
    assert [photo["file_id"] for photo in line["photos"]] == [str(PHOTO)]
    assert line["photos"][0]["deduction_no"] == 1
    assert found[0]["deductions"] == []


async def test_every_filter_narrows(admin: Client, example: Example, path: str) -> None:
    every = await lines(admin, path)
    assert len(every) == 10

    def ids(*names: str) -> set[UUID]:
        return {example.standards[name].id for name in names}

    county = example.counties[1]
    expected: list[tuple[dict[str, Any], Any]] = [
        ({"under": county.path}, lambda line: line["region_path"].startswith(county.path)),
        ({"region_code": county.code}, lambda line: line["region_path"].startswith(county.path)),
        ({"site_type_code": "Y"}, lambda line: line["site_type_code"] == "Y"),
        ({"industry_code": "other"}, lambda line: line["site_type_code"] == "Y"),
        ({"unit_id": str(example.units["u4"].id)}, lambda line: line["site_name"] == "点位b1"),
        ({"department_id": str(example.units["u2"].id)}, lambda line: line["standard_code"] == "①-s2"),
        ({"standard_id": str(example.standards["s1"].id)}, lambda line: line["standard_code"] == "①-s1"),
        (
            {"indicator_id": str(example.indicators["order"].id)},
            lambda line: UUID(line["standard_id"]) in ids("s1", "s2"),
        ),
        ({"indicator_id": str(example.indicators["root"].id)}, lambda line: True),
        ({"method": "field"}, lambda line: True),
        ({"method": "survey"}, lambda line: False),
        ({"conforming": True}, lambda line: line["lost"] == "0"),
        ({"conforming": False}, lambda line: line["lost"] not in (None, "0")),
        ({"outcome": "not_applicable"}, lambda line: line["achieved"] is None),
    ]
    for query, holds in expected:
        found = await lines(admin, path, **query)
        assert {line["id"] for line in found} == {line["id"] for line in every if holds(line)}, query


async def test_the_lines_of_a_figure_add_up_to_it(admin: Client, example: Example, path: str) -> None:
    figures = (await admin.get(path.replace("/lines", "/figures"), params={"cut": "indicator", "level": "2"})).json()
    for figure in figures["items"]:
        found = await lines(admin, path, indicator_id=figure["key"])
        by_site: dict[tuple[str, str], list[float]] = {}
        for line in found:
            if line["achieved"] is not None:
                by_site.setdefault((line["site_id"], line["standard_id"]), []).append(float(line["achieved"]))
        assert sum(sum(each) / len(each) for each in by_site.values()) == float(figure["achieved"])
        assert len(by_site) == figure["applicable"]


@pytest.mark.parametrize(
    "query", [{"under": "'; DROP TABLE"}, {"site_id": "x"}, {"sort": "name"}, {"outcome": "x"}, {"page": "0"}]
)
async def test_bad_filters(admin: Client, example: Example, path: str, query: dict[str, str]) -> None:
    answer = await admin.get(path, params=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
