"""Results over HTTP: computed, listed, published, frozen, verified."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from tests.factories.callers import Callers, make_user
from tests.factories.results import ENTRIES, Example, make_example, make_sheet

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.results.models import Result, ResultPlace, ResultSite
from wenming_api.city.results.rules import Cut
from wenming_api.city.sites.models import Site
from wenming_api.city.surveys.models import MethodScore
from wenming_api.kit.db import Database
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.rules import DataScope

Client = httpx.AsyncClient


async def made(database: Database, **options: Any) -> Example:
    async with database.transaction() as session:
        return await make_example(session, **options)


async def computed(client: Client, example: Example) -> dict[str, Any]:
    answer = await client.post(example.path)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def published(client: Client, example: Example) -> dict[str, Any]:
    result = await computed(client, example)
    answer = await client.post(
        f"{example.path}/{result['id']}/publish", json={"version": result["version"], "reason": "本次测评结束"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_worked_example_comes_out_of_the_database(admin: Client, database: Database) -> None:
    example = await made(database)
    result = await computed(admin, example)
    assert (result["state"], result["no"], result["sites"], result["sheets"], result["lines"]) == (
        "computed",
        1,
        4,
        4,
        8,
    )
    assert result["open_sheets"] == 0
    lists = (await admin.get(f"{example.path}/{result['id']}/lists")).json()
    first, second = lists[0]["entries"]
    assert (first["region_name"], first["rank"], first["total"]) == ("乙区", 1, "78.9813095238")
    assert first["shown"] == {
        "field": "77.38",
        "composite": "78.98",
        "bonus": "0.00",
        "negative": "0.00",
        "total": "78.98",
        "value": "78.98",
        "methods.field": "77.38",
        "methods.questionnaire": "88.05",
    }
    assert (second["region_name"], second["rank"], second["shown"]["total"]) == ("甲区", 2, "74.86")
    assert [(method["name"], method["weight"]) for method in lists[0]["methods"]] == [
        ("实地考察", "85"),
        ("问卷调查", "15"),
    ]


async def test_every_cut(admin: Client, database: Database) -> None:
    example = await made(database)
    path = f"{example.path}/{(await computed(admin, example))['id']}"

    async def figures(cut: Cut, **query: Any) -> dict[str, dict[str, Any]]:
        answer = await admin.get(f"{path}/figures", params={"cut": cut.value, **query})
        assert answer.status_code == 200, answer.text
        return {each["name"]: each for each in answer.json()["items"]}

    counties = await figures(Cut.REGION, level="county")
    assert {name: each["score_shown"] for name, each in counties.items()} == {"甲区": "74.86", "乙区": "78.98"}
    assert counties["甲区"]["types"] == {"X": "72.5000000000", "Y": "71.4285714286"}
    assert (await figures(Cut.REGION, level="city"))["淄博市"]["score_shown"] == "76.92"
    departments = await figures(Cut.DEPARTMENT)
    assert (departments["城管局"]["conformance"], departments["城管局"]["rank"]) == ("50", 1)
    assert departments["公安局"]["conformance_shown"] == "33.33"
    assert (await figures(Cut.UNIT))["甲区商务局"]["score_shown"] == "72.06"
    assert (await figures(Cut.INDUSTRY))["commerce"]["score_shown"] == "76.11"
    assert (await figures(Cut.SITE_TYPE))["公园"]["score_shown"] == "71.43"
    assert (await figures(Cut.INDICATOR, level="2"))["关爱"]["score"] == "60"
    root = str(example.indicators["root"].id)
    assert set(await figures(Cut.INDICATOR, parent_key=root)) == {"秩序", "关爱"}
    assert (await figures(Cut.STANDARD))["标准s1"]["conforming"] == 2
    assert list(await figures(Cut.DEPARTMENT, q="公安")) == ["公安局"]
    sites = (await admin.get(f"{path}/sites", params={"sort": "-score"})).json()["items"]
    assert [each["score_shown"] for each in sites] == ["85.00", "83.33", "71.43", "60.00"]


async def test_publishing_closes_the_assessment_and_is_audited(
    admin: Client, client: Client, database: Database
) -> None:
    example = await made(database)
    result = await published(admin, example)
    assert result["state"] == "published"
    assert result["published_at"] is not None
    async with database.read() as session:
        assessment = await session.get(Assessment, example.assessment.id)
        entries = await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))
        assert assessment is not None
        assert (assessment.state, str(assessment.result_id)) == (AssessmentState.CLOSED, result["id"])
        assert {"results.compute", "results.publish", "assessments.close"} <= set(entries)
    again = await admin.post(example.path)
    assert (again.status_code, again.json()["code"]) == (409, "result_final")
    twice = await admin.post(
        f"{example.path}/{result['id']}/publish", json={"version": result["version"], "reason": "再发一次"}
    )
    assert (twice.status_code, twice.json()["code"]) == (409, "result_final")


async def test_later_changes_change_nothing(admin: Client, database: Database, owner: Database) -> None:
    example = await made(database)
    result = await published(admin, example)
    path = f"{example.path}/{result['id']}"
    before = {part: (await admin.get(f"{path}/{part}")).json() for part in ("lists", "sites", "figures?cut=region")}
    async with database.transaction() as session:
        await session.execute(
            update(Site).values(name="改名", site_type_code="Y", industry_code="finance", responsible_unit_id=None)
        )
        await session.execute(update(Region).values(name=Region.name + "（撤）"))
        await session.execute(update(MethodScore).values(score=Decimal(1)))
        await session.execute(text("UPDATE units SET name = name || '（撤）'"))
        await session.execute(text("UPDATE draw_sites SET name = '改名', industry_code = NULL"))
        await session.execute(text("UPDATE assessment_quotas SET weight = 9"))
        await session.execute(text("UPDATE ranking_groups SET methods = '{\"field\": \"1\"}', name = '改'"))
    after = {part: (await admin.get(f"{path}/{part}")).json() for part in before}
    assert after == before
    verified = (await admin.get(f"{path}/verification")).json()
    assert verified["equal"]
    assert verified["rows_equal"]
    assert verified["recomputed_hash"] == result["hash"] == verified["hash"]


async def test_a_tampered_figure_is_found(admin: Client, database: Database, owner: Database) -> None:
    example = await made(database)
    result = await published(admin, example)
    async with owner.transaction() as session:
        await session.execute(text("ALTER TABLE result_sites DISABLE TRIGGER refuse_change"))
        await session.execute(update(ResultSite).where(ResultSite.score > 84).values(score=Decimal(86)))
        await session.execute(text("ALTER TABLE result_sites ENABLE TRIGGER refuse_change"))
    verified = (await admin.get(f"{example.path}/{result['id']}/verification")).json()
    assert verified["equal"]
    assert not verified["rows_equal"]
    assert verified["details"] == {f"result_sites/{example.sites['a1'].id}": "不同"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE results SET state = 'computed', published_at = NULL",
        "DELETE FROM results",
        "UPDATE result_snapshots SET document = '{}'",
        "DELETE FROM result_entries",
        "UPDATE result_figures SET score = 100",
    ],
)
async def test_the_database_refuses_to_change_what_was_published(
    admin: Client, database: Database, owner: Database, statement: str
) -> None:
    await published(admin, await made(database))
    for who in (database, owner):
        with pytest.raises(DBAPIError):
            async with who.transaction() as session:
                await session.execute(text(statement))


async def test_a_result_that_something_has_overtaken_is_not_published(admin: Client, database: Database) -> None:
    example = await made(database)
    result = await computed(admin, example)
    async with database.transaction() as session:
        await session.execute(update(MethodScore).values(score=Decimal(90)))
    wish = {"version": result["version"], "reason": "本次测评结束"}
    refused = await admin.post(f"{example.path}/{result['id']}/publish", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (409, "result_outdated")
    newer = await computed(admin, example)
    assert (newer["no"], newer["current"]) == (2, True)
    older = (await admin.get(f"{example.path}/{result['id']}")).json()
    assert not older["current"]
    publish = next(each for each in older["allowed_actions"] if each["action"] == "publish")
    assert (publish["allowed"], publish["why_not"]) == (False, "已有更新的一次计算")
    async with database.read() as session:
        assert set(await session.scalars(select(ResultPlace.result_id))) == {
            await session.scalar(select(Result.id).where(Result.current))
        }


async def test_open_sheets_must_be_meant(admin: Client, database: Database) -> None:
    example = await made(database)
    async with database.transaction() as session:
        await make_sheet(
            session, example, "b1", ENTRIES["b1"], accepted=False, assessor=await _another(session, example)
        )
    result = await computed(admin, example)
    assert result["open_sheets"] == 1
    wish = {"version": result["version"], "reason": "本次测评结束"}
    refused = await admin.post(f"{example.path}/{result['id']}/publish", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (409, "result_incomplete")
    assert refused.json()["open_sheets"] == 1
    meant = await admin.post(f"{example.path}/{result['id']}/publish", json={**wish, "accept_incomplete": True})
    assert meant.status_code == 200


async def _another(session: Any, example: Example) -> Any:
    return await make_user(session, unit=example.units["u1"])


async def test_several_assessors_and_the_flag_of_their_spread(admin: Client, database: Database) -> None:
    example = await made(database)
    async with database.transaction() as session:
        second = await _another(session, example)
        entries = {"s1": {"passed": True}, "s2": {"deductions": [{"reason": "litter", "points": "4"}]}}
        await make_sheet(session, example, "a2", entries, assessor=second)
    path = f"{example.path}/{(await computed(admin, example))['id']}"
    sites = {each["name"]: each for each in (await admin.get(f"{path}/sites")).json()["items"]}
    # s1: (0 + 4)/2, s2: (6 + 2)/2 of 10 together
    assert (sites["点位a2"]["score"], sites["点位a2"]["sheets"]) == ("60", 2)
    spreads = (await admin.get(f"{path}/spreads")).json()["items"]
    assert [(each["standard_code"], each["lowest"], each["highest"]) for each in spreads] == [
        ("①-s1", "0", "4"),
        ("①-s2", "2", "6"),
    ]
    widest = (await admin.get(f"{path}/spreads", params={"sort": "-difference", "size": 1})).json()
    assert (len(widest["items"]), widest["total"]) == (1, 2)


async def test_points_are_exact_where_stored_lines_are_rounded(admin: Client, database: Database) -> None:
    example = await made(database, required="7")
    path = f"{example.path}/{(await computed(admin, example))['id']}"
    sites = {each["name"]: each for each in (await admin.get(f"{path}/sites")).json()["items"]}
    # 100 × (4 + 10 × 3/7) / 14 = 2900/49; from the line as stored, 4.2857142857, it would end in 3.
    assert sites["点位a3"]["score"] == "59.1836734694"


@pytest.mark.parametrize("state", [AssessmentState.IN_PROGRESS, AssessmentState.PAUSED, AssessmentState.ARCHIVED])
async def test_only_after_the_field_work_is_published(
    admin: Client, database: Database, state: AssessmentState
) -> None:
    example = await made(database, state=state)
    result = await computed(admin, example)
    answer = await admin.post(
        f"{example.path}/{result['id']}/publish", json={"version": result["version"], "reason": "本次测评结束"}
    )
    assert answer.status_code == 409
    assert answer.json()["code"] == "illegal_transition"


async def test_without_an_effective_draw_there_is_nothing_to_compute(admin: Client, database: Database) -> None:
    example = await made(database)
    async with database.transaction() as session:
        await session.execute(update(Assessment).values(effective_draw_id=None))
    answer = await admin.post(example.path)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_drawn")


async def test_two_publications_at_once_one_wins(admin: Client, callers: Callers, database: Database) -> None:
    example = await made(database)
    result = await computed(admin, example)
    other = await callers.client()
    wish = {"version": result["version"], "reason": "本次测评结束"}
    answers = await asyncio.gather(
        *(who.post(f"{example.path}/{result['id']}/publish", json=wish) for who in (admin, other, admin, other))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_computations_at_once_follow_each_other(admin: Client, database: Database) -> None:
    example = await made(database)
    results = await asyncio.gather(*(computed(admin, example) for _ in range(4)))
    assert sorted(result["no"] for result in results) == [1, 2, 3, 4]
    assert len({result["hash"] for result in results}) == 1


async def test_who_sees_what(admin: Client, callers: Callers, database: Database) -> None:
    example = await made(database)
    result = await computed(admin, example)
    path = f"{example.path}/{result['id']}"
    read = [Permission.RESULTS_READ, Permission.STATISTICS_READ]
    county = await callers.client(read, scope=DataScope.REGION, unit=example.units["u3"])
    department = await callers.client(read, scope=DataScope.UNIT_AND_BELOW, unit=example.units["u2"])
    for who in (county, department):
        for part in ("", "/lists", "/sites", "/figures?cut=region", "/lines", "/spreads", "/verification", "/workbook"):
            assert (await who.get(f"{path}{part}")).status_code == 404, part
        assert (await who.get(example.path)).json()["total"] == 0
    wish = {"version": result["version"], "reason": "本次测评结束"}
    assert (await admin.post(f"{path}/publish", json=wish)).status_code == 200

    async def names(who: Client, part: str, name: str = "name") -> list[str]:
        return sorted(each[name] for each in (await who.get(f"{path}{part}")).json()["items"])

    assert await names(county, "/sites") == ["点位a1", "点位a2", "点位a3"]
    assert await names(county, "/figures?cut=region") == ["甲区"]
    assert await names(county, "/figures?cut=unit") == ["甲区商务局"]
    assert await names(county, "/figures?cut=department") == []
    assert await names(county, "/figures?cut=industry") == []
    assert await names(department, "/sites") == []
    assert await names(department, "/figures?cut=department") == ["公安局"]
    assert await names(department, "/lines", "standard_code") == ["①-s2", "①-s2", "①-s2"]
    assert set(await names(county, "/lines", "site_name")) == {"点位a1", "点位a2", "点位a3"}
    assert len((await county.get(f"{path}/lists")).json()[0]["entries"]) == 2


@pytest.mark.parametrize(
    ("method", "part"),
    [("GET", ""), ("POST", ""), ("GET", "/{id}"), ("POST", "/{id}/publish"), ("GET", "/{id}/lines")],
)
async def test_who_may(
    admin: Client, client: Client, as_user: Callable[..., Any], database: Database, method: str, part: str
) -> None:
    example = await made(database)
    id_ = (await computed(admin, example))["id"]
    path = example.path + part.replace("{id}", id_)
    body = {"version": 1, "reason": "本次测评结束"} if part.endswith("publish") else None
    assert (await client.request(method, path, json=body)).status_code == 401
    other = await as_user([Permission.SHEETS_READ])
    assert (await other.request(method, path, json=body)).status_code == 403


async def test_the_organisers_alone_compute(callers: Callers, database: Database) -> None:
    example = await made(database)
    county = await callers.client([Permission.RESULTS_COMPUTE], scope=DataScope.REGION, unit=example.units["u3"])
    assert (await county.post(example.path)).status_code == 403


async def test_statement_counts(admin: Client, database: Database, statements: Callable[[], Any]) -> None:
    example = await made(database)
    with statements() as sent:
        result = await computed(admin, example)
    assert sent.count <= 34, sent.sent  # whatever the size
    path = f"{example.path}/{result['id']}"
    for part, most in (
        ("", 1),
        ("/lists", 2),
        ("/figures?cut=region", 3),
        ("/sites", 3),
        ("/lines", 3),
        ("/spreads", 3),
    ):
        with statements() as sent:
            assert (await admin.get(path + part)).status_code == 200
        assert sent.count <= most, (part, sent.sent)
