"""Pivots equal sums over the lines, in the caller's scope, in one statement."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.results import ENTRIES, PLACES, RULES, Example, make_example
from tests.waiting import eventually

from wenming_api.analytics.statistics.rules import Dimension
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope

Client = httpx.AsyncClient
POINTS = {("a1", "s1"): 4, ("a1", "s2"): Decimal("4.5"), ("a2", "s1"): 0, ("a2", "s2"): 6, ("a3", "s1"): 4}
POINTS |= {("a3", "s3"): 6, ("b1", "s2"): 5}


@pytest.fixture
async def example(admin: Client, database: Database) -> Example:
    async with database.transaction() as session:
        made = await make_example(session)
    assert (await admin.post(made.path)).status_code == 201
    return made


def facts(example: Example) -> list[dict[str, Any]]:
    """The applicable lines with their place on every dimension."""
    found = []
    for (site, standard), points in POINTS.items():
        assert standard in ENTRIES[site]
        kind, county = PLACES[site]
        most = RULES[standard][0]
        found.append(
            {
                "region": example.counties[county].code,
                "indicator": str(example.indicators["root"].id),
                "department": str(example.units["u2" if standard == "s2" else "u1"].id),
                "unit": str(example.units["u4" if county else "u3"].id),
                "industry": "commerce" if kind == "X" else "other",
                "site_type": kind,
                "method": "field",
                "period": "2026-11",
                "assessment": str(example.assessment.id),
                "achieved": Decimal(points),
                "max_score": Decimal(most),
                "conforming": int(points == most),
            }
        )
    return found


async def test_any_three_dimensions(admin: Client, example: Example) -> None:
    lines = facts(example)
    for chosen in itertools.combinations(Dimension, 3):
        answer = await admin.get("/statistics/pivot", params={"dimension": [each.value for each in chosen]})
        assert answer.status_code == 200, (chosen, answer.text)
        expected: dict[tuple[str, ...], list[Any]] = {}
        for line in lines:
            sums = expected.setdefault(tuple(line[each.value] for each in chosen), [Decimal(0), Decimal(0), 0, 0])
            for place, value in enumerate((line["achieved"], line["max_score"], 1, line["conforming"])):
                sums[place] += value
        found = {
            tuple(key["key"] for key in row["keys"]): [
                Decimal(row["achieved"]),
                Decimal(row["max_score"]),
                row["applicable"],
                row["conforming"],
            ]
            for row in answer.json()["rows"]
        }
        assert found == expected, chosen


async def test_labels_scores_and_levels(admin: Client, example: Example) -> None:
    async def rows(*dimensions: str, **query: Any) -> list[tuple[list[str], str, str]]:
        answer = await admin.get("/statistics/pivot", params={"dimension": list(dimensions), **query})
        return [
            ([key["label"] for key in row["keys"]], row["score"], row["conformance"]) for row in answer.json()["rows"]
        ]

    assert await rows("region", region_level="city") == [(["淄博市"], "73.75", "42.86")]
    assert sorted(await rows("indicator", indicator_level=2)) == [
        (["Ⅱ-0 秩序"], "78.33", "50"),
        (["Ⅱ-1 关爱"], "60", "0"),
    ]
    assert sorted(await rows("department", site_type_code="Y")) == [(["城管局"], "71.43", "50")]
    assert await rows("period", period="quarter") == [(["2026Q4"], "73.75", "42.86")]
    assert await rows("region", region_code=example.counties[1].code) == [(["乙区"], "83.33", "0")]
    assert await rows("region", "unit", "site_type", assessment_id=str(example.units["u1"].id)) == []


async def test_a_new_computation_replaces_the_old_one(admin: Client, example: Example) -> None:
    first = (await admin.get("/statistics/pivot", params={"dimension": "site_type"})).json()
    assert (await admin.post(example.path)).status_code == 201
    assert (await admin.get("/statistics/pivot", params={"dimension": "site_type", "period": "year"})).json() == first


async def test_scope(admin: Client, callers: Callers, example: Example) -> None:
    async def seen(client: Client, dimension: str) -> dict[str, int]:
        answer = (await client.get("/statistics/pivot", params={"dimension": dimension})).json()
        return {row["keys"][0]["label"]: row["applicable"] for row in answer["rows"]}

    may = [Permission.STATISTICS_READ]
    county = await callers.client(may, scope=DataScope.REGION, unit=example.units["u4"])
    department = await callers.client(may, scope=DataScope.UNIT, unit=example.units["u2"])
    office = await callers.client(may, scope=DataScope.REGION, unit=example.units["u1"])
    assert await seen(office, "region") == {"甲区": 6, "乙区": 1}
    # What is not published is its organisers' alone.
    assert await seen(county, "region") == await seen(department, "region") == {}
    result = (await admin.get(example.path)).json()["items"][0]
    wish = {"version": result["version"], "reason": "本次测评结束"}
    assert (await admin.post(f"{example.path}/{result['id']}/publish", json=wish)).status_code == 200
    assert await seen(county, "site_type") == {"商场": 1}
    assert await seen(department, "department") == {"公安局": 3}
    assert await seen(county, "department") == {"公安局": 1}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"dimension": ["region", "region"]},
        {"dimension": ["region", "unit", "method", "period"]},
        {"dimension": "colour"},
        {"dimension": "region", "indicator_level": 9},
    ],
)
async def test_bad_wishes(admin: Client, query: dict[str, Any]) -> None:
    answer = await admin.get("/statistics/pivot", params=query)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"


async def test_who_may(client: Client, as_user: Callable[..., Any]) -> None:
    assert (await client.get("/statistics/pivot?dimension=region")).status_code == 401
    other = await as_user([Permission.RESULTS_READ])
    assert (await other.get("/statistics/pivot?dimension=region")).status_code == 403


async def test_one_statement_and_none_when_kept(admin: Client, example: Example, statements: Callable[[], Any]) -> None:
    query = {"dimension": ["region", "indicator", "method"]}
    with statements() as sent:
        await admin.get("/statistics/pivot", params=query)
    assert sent.count <= 2, sent.sent  # the first request also looks up whose token it is

    async def kept() -> bool:  # the news of the computation may overtake the first answers
        with statements() as sent:
            await admin.get("/statistics/pivot", params=query)
        assert sent.count <= 1, sent.sent
        return bool(sent.count == 0)

    await eventually(kept)
