"""Quality rules over HTTP: from draft to retirement, who may, what is published."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import orjson
import pytest
from tests.factories.callers import Callers
from tests.factories.features import make_judged_record, make_nodes
from tests.factories.places import make_county, make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.ledgers.features.rules import FEATURES
from wenming_api.ledgers.quality.queries import active_rules
from wenming_api.system.roles.rules import DataScope

PATH = "/ledgers/quality-rules"
PHOTOS = {"at_least": {"feature": "photos", "value": 2}}


def _json(document: Any) -> bytes:
    return json.dumps(document).encode()  # escapes what orjson would refuse to write


def rule(code: str = "photos", **given: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": "照片数量",
        "message": "照片不少于 2 张",
        "severity": "minor",
        "expression": PHOTOS,
        "reach": "region",
    } | given


async def created(client: httpx.AsyncClient, **given: Any) -> dict[str, Any]:
    answer = await client.post(PATH, json=rule(**given))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def step(client: httpx.AsyncClient, one: dict[str, Any], verb: str, **more: Any) -> httpx.Response:
    return await client.post(f"{PATH}/{one['id']}/{verb}", json={"version": one["version"]} | more)


async def activated(client: httpx.AsyncClient, **given: Any) -> dict[str, Any]:
    tested = await step(client, await created(client, **given), "test")
    answer = await step(client, tested.json(), "activate")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def allowed(detail: dict[str, Any]) -> set[str]:
    return {each["action"] for each in detail["allowed_actions"] if each["allowed"]}


async def test_a_rule_is_active_only_after_a_back_test(admin: httpx.AsyncClient) -> None:
    draft = await created(admin)
    assert draft["state"] == "draft"
    assert draft["in_words"] == "照片数不少于 2"
    assert allowed(draft) == {"update", "test", "retire"}
    refused = await step(admin, draft, "activate")
    assert refused.status_code == 409
    assert refused.json()["code"] == "illegal_transition"
    assert "须先回测" in refused.json()["detail"]
    tested = (await step(admin, draft, "test")).json()
    assert tested["state"] == "tested"
    assert tested["test_report"]["records"] == 0
    assert allowed(tested) == {"update", "test", "activate", "retire"}
    changed = await admin.patch(
        f"{PATH}/{draft['id']}", json={"message": "请补照片"}, headers={"If-Match": str(tested["version"])}
    )
    assert changed.json()["state"] == "draft", "a changed rule was not tested"
    assert changed.json()["test_report"] is None
    again = (await step(admin, changed.json(), "test")).json()
    active = (await step(admin, again, "activate")).json()
    assert active["state"] == "active"
    assert allowed(active) == {"retire", "revise"}
    refused = await admin.patch(
        f"{PATH}/{draft['id']}", json={"name": "x"}, headers={"If-Match": str(active["version"])}
    )
    assert refused.status_code == 409
    retired = await step(admin, active, "retire", reason="不再需要")
    assert retired.json()["state"] == "retired"
    assert (await admin.get(f"{PATH}/ruleset")).json()["rules"] == []


async def test_the_back_test_counts_what_the_rule_would_find(
    admin: httpx.AsyncClient, callers: Callers, database: Database
) -> None:
    user = callers.user_of(admin)
    async with database.transaction() as session:
        school = await make_unit(session, name="第一小学")
        other = await make_unit(session, name="第二小学")
        big, small = await make_nodes(session, school)
        bad = [
            await make_judged_record(session, unit=school, owner=user, photos=0, nodes=[big, small]) for _ in range(3)
        ]
        bad.append(await make_judged_record(session, unit=other, owner=user, photos=1, nodes=[big]))
        await make_judged_record(session, unit=other, owner=user, photos=2, nodes=[big, small])
        await make_judged_record(session, unit=other, owner=user, photos=0)  # of no category: not concerned
    draft = await created(admin, node_ids=[str(big.id)], severity="serious")
    report = (await step(admin, draft, "test")).json()["test_report"]
    assert (report["records"], report["failing"]) == (5, 4)
    assert report["by_severity"] == {"serious": 4}
    assert [(each["name"], each["records"], each["failing"]) for each in report["by_unit"]] == [
        ("第一小学", 3, 3),
        ("第二小学", 2, 1),
    ]
    assert [(each["name"], each["records"], each["failing"]) for each in report["by_category"]] == [
        ("志愿服务", 5, 4),
        ("学雷锋", 4, 3),
    ]
    assert set(report["examples"]) == {str(each) for each in bad}
    assert report["newly_failing"] is None


async def test_a_new_edition_is_compared_and_replaces_the_former(
    admin: httpx.AsyncClient, callers: Callers, database: Database
) -> None:
    user = callers.user_of(admin)
    async with database.transaction() as session:
        school = await make_unit(session)
        for photos in (0, 1, 2, 3):
            await make_judged_record(session, unit=school, owner=user, photos=photos)
    first = await activated(admin)
    second = (await step(admin, first, "revise")).json()
    assert (second["no"], second["state"]) == (2, "draft")
    refused = await step(admin, first, "revise")
    assert refused.json()["code"] == "quality_edition_open"
    stricter = await admin.patch(
        f"{PATH}/{second['id']}",
        json={"expression": {"at_least": {"feature": "photos", "value": 3}}},
        headers={"If-Match": str(second["version"])},
    )
    tested = (await step(admin, stricter.json(), "test")).json()
    report = tested["test_report"]
    assert (report["compared_no"], report["newly_failing"], report["no_longer_failing"]) == (1, 1, 0)
    active = (await step(admin, tested, "activate")).json()
    assert [(each["no"], each["state"]) for each in active["editions"]] == [(2, "active"), (1, "retired")]
    rules = (await admin.get(f"{PATH}/ruleset")).json()["rules"]
    assert [each["no"] for each in rules] == [2]


async def test_a_test_that_compared_with_another_edition_is_outdated(admin: httpx.AsyncClient) -> None:
    first = await activated(admin)
    second = (await step(admin, (await step(admin, first, "revise")).json(), "test")).json()
    await step(admin, first, "retire", reason="暂停使用")
    refused = await step(admin, second, "activate")
    assert refused.status_code == 409
    assert refused.json()["code"] == "quality_test_outdated"
    again = (await step(admin, second, "test")).json()
    assert (await step(admin, again, "activate")).status_code == 200


async def test_an_edition_of_tomorrow_does_not_replace_todays(admin: httpx.AsyncClient) -> None:
    first = await activated(admin)
    second = (await step(admin, first, "revise")).json()
    late = await admin.patch(
        f"{PATH}/{second['id']}", json={"effective_from": "2100-01-01"}, headers={"If-Match": str(second["version"])}
    )
    tested = (await step(admin, late.json(), "test")).json()
    refused = await step(admin, tested, "activate")
    assert refused.status_code == 409
    assert "生效日期未到" in refused.json()["detail"]


async def test_of_activations_at_once_one_wins(admin: httpx.AsyncClient) -> None:
    tested = (await step(admin, await created(admin), "test")).json()
    answers = await asyncio.gather(*(step(admin, tested, "activate") for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [200] + [409] * 5
    rules = (await admin.get(f"{PATH}/ruleset")).json()["rules"]
    assert len(rules) == 1


async def test_the_published_set_is_whole_hashed_and_not_sent_twice(admin: httpx.AsyncClient) -> None:
    await activated(admin, code="b", effective_until="2026-01-01")
    await activated(admin, code="c", expression={"not": {"is_true": "duplicate_photo"}})
    await activated(admin, code="a", effective_from="2099-01-01")
    first = await admin.get(f"{PATH}/ruleset")
    body = first.json()
    assert [each["code"] for each in body["rules"]] == ["a", "c"], "what is over is left out, what comes is there"
    assert [each["server_only"] for each in body["rules"]] == [False, True]
    canonical = orjson.dumps(body["rules"], option=orjson.OPT_SORT_KEYS)
    assert body["hash"] == hashlib.sha256(canonical).hexdigest()
    again = await admin.get(f"{PATH}/ruleset", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    await activated(admin, code="d")
    assert (await admin.get(f"{PATH}/ruleset")).json()["hash"] != body["hash"]


async def test_judging(admin: httpx.AsyncClient) -> None:
    await activated(admin, severity="serious")
    few = {"saved_on": "2026-03-05", "photos": 1, "region_path": "370300000000/"}
    said = (await admin.post(f"{PATH}/judge", json={"features": few})).json()
    assert not said["holds"]
    assert said["findings"] == [
        {"code": "photos", "severity": "serious", "message": "照片不少于 2 张", "path": "/photos"}
    ]
    said = (await admin.post(f"{PATH}/judge", json={"features": few | {"photos": 2}})).json()
    assert said["holds"]
    assert said["judged"] == 1
    said = (await admin.post(f"{PATH}/judge", json={"features": few | {"region_path": ""}})).json()
    assert said["judged"] == 0, "elsewhere the rule does not reach"
    tried = {"features": few, "expression": {"at_least": {"feature": "photos", "value": 1}}}
    assert (await admin.post(f"{PATH}/judge", json=tried)).json()["holds"]


async def test_features_are_listed(admin: httpx.AsyncClient) -> None:
    assert [each["name"] for each in (await admin.get(f"{PATH}/features")).json()] == list(FEATURES)


async def test_active_rules_stay_parsed_and_follow_every_change(
    admin: httpx.AsyncClient, database: Database, statements: Any
) -> None:
    one = await activated(admin)
    async with database.read() as session:
        first = await active_rules(session, on=None)
        with statements() as sent:
            again = await active_rules(session, on=None)
        assert sent.count == 1
        assert again is first
        await step(admin, one, "retire", reason="不再需要")
        assert (await active_rules(session, on=None)).rules == ()


async def test_statements(admin: httpx.AsyncClient, statements: Any) -> None:
    one = await activated(admin)
    for path, most in ((PATH, 2), (f"{PATH}/{one['id']}", 2)):
        with statements() as sent:
            assert (await admin.get(path)).status_code == 200
        assert sent.count <= most, sent.sent
    await admin.get(f"{PATH}/ruleset")
    with statements() as sent:
        await admin.get(f"{PATH}/ruleset")
    assert sent.count == 0, "hot"


async def test_permissions(as_user: Any, client: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    one = await created(admin)
    reader = await as_user([Permission.QUALITY_RULES_READ])
    stranger = await as_user([Permission.UNITS_READ])
    assert (await reader.get(f"{PATH}/{one['id']}")).status_code == 200
    assert allowed((await reader.get(f"{PATH}/{one['id']}")).json()) == set()
    for verb in ("test", "activate", "revise"):
        assert (await step(reader, one, verb)).status_code == 403
    assert (await step(reader, one, "retire", reason="不再需要")).status_code == 403
    assert (await reader.post(PATH, json=rule(code="x"))).status_code == 403
    for path in (PATH, f"{PATH}/ruleset", f"{PATH}/features", f"{PATH}/{one['id']}"):
        assert (await stranger.get(path)).status_code == 403
        assert (await client.get(path)).status_code == 401


async def test_scope(as_user: Any, database: Database, admin: httpx.AsyncClient) -> None:
    async with database.transaction() as session:
        here = await make_unit(session, region=await make_county(session, 2), name="本区文明办")
        there = await make_unit(session, region=await make_county(session, 3), name="邻区文明办")
    office = await as_user(scope=DataScope.REGION, unit=here)
    neighbour = await as_user(scope=DataScope.REGION, unit=there)
    clerk = await as_user(scope=DataScope.UNIT, unit=here)
    city = await activated(admin)  # of a unit of the city: reaches everybody, belongs to none of them
    own = await created(office, code="own")
    assert (await neighbour.get(f"{PATH}/{own['id']}")).status_code == 404
    assert (await step(neighbour, own, "test")).status_code == 404
    assert [each["code"] for each in (await neighbour.get(PATH)).json()["items"]] == ["photos"]
    seen = (await office.get(f"{PATH}/{city['id']}")).json()
    assert allowed(seen) == set()
    assert "超出您的数据范围" in seen["allowed_actions"][0]["why_not"]
    refused = await step(office, city, "retire", reason="不适用于本区")
    assert refused.status_code == 403
    wide = await clerk.post(PATH, json=rule(code="wide"))
    assert wide.status_code == 422, "a clerk of one unit makes no rule for the region"
    assert wide.json()["errors"][0]["pointer"] == "/reach"
    assert (await clerk.post(PATH, json=rule(code="narrow", reach="units"))).status_code == 201


async def test_the_back_test_looks_at_the_callers_records_only(
    as_user: Any, callers: Callers, database: Database
) -> None:
    async with database.transaction() as session:
        here = await make_unit(session, region=await make_county(session, 2))
        there = await make_unit(session, region=await make_county(session, 3))
    office = await as_user(scope=DataScope.REGION, unit=here)
    user = callers.user_of(office)
    async with database.transaction() as session:
        await make_judged_record(session, unit=here, owner=user)
        await make_judged_record(session, unit=there, owner=(await session.merge(user)))
    report = (await step(office, await created(office), "test")).json()["test_report"]
    assert report["records"] == 1


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"expression": {"at_least": {"feature": "photo", "value": 2}}}, "/expression/at_least/feature"),
        ({"expression": {"regex": "x"}}, "/expression"),
        ({"expression": {"all": [PHOTOS] * 51}}, "/expression/all"),
        ({"expression": {"category": ["a\u0000"]}}, "/expression/category/0"),
        ({"expression": []}, "/expression"),
        ({"expression": {"at_least": {"feature": "photos", "value": 10**40}}}, "/expression/at_least/value"),
        ({"message": "a\u0000"}, "/message"),
        ({"message": " "}, "/message"),
        ({"name": "x" * 101}, "/name"),
        ({"code": "x y"}, "/code"),
        ({"severity": "fatal"}, "/severity"),
        ({"node_ids": ["018f0000-0000-7000-8000-000000000000"]}, "/node_ids/0"),
        ({"effective_from": "2026-13-01"}, "/effective_from"),
        ({"effective_from": "2026-02-01", "effective_until": "2026-01-01"}, ""),
        ({"more": 1}, "/more"),
    ],
)
async def test_wrong_rules_are_refused(admin: httpx.AsyncClient, given: dict[str, Any], pointer: str) -> None:
    answer = await admin.post(PATH, content=_json(rule() | given), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert (await admin.get(PATH)).json()["total"] == 0


@pytest.mark.parametrize(
    "expression",
    [
        "[" * 100_000,
        '{"not":' * 5_000 + "1" + "}" * 5_000,
        '{"not":' * 200 + '{"is_true":"located"}' + "}" * 200,
        '{"at_least":{"feature":"photos","value":' + "9" * 5_000 + "}}",
        '{"at_least":{"feature":"photos","value":NaN}}',
        '{"category":["\\ud800"]}',
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/judge"])
async def test_hostile_json_is_refused(admin: httpx.AsyncClient, expression: str, path: str) -> None:
    given = rule() if path == PATH else {"features": {"saved_on": "2026-03-05"}}
    body = _json(given | {"expression": "HERE"}).decode().replace('"HERE"', expression)
    answer = await admin.post(path, content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_code_is_used_once(admin: httpx.AsyncClient) -> None:
    await created(admin)
    answer = await admin.post(PATH, json=rule())
    assert answer.status_code == 409


async def test_changes_are_audited(admin: httpx.AsyncClient) -> None:
    one = await activated(admin)
    await step(admin, one, "revise")
    await step(admin, one, "retire", reason="不再需要")
    entries = (await admin.get("/audit-entries", params={"target_type": "quality_rule"})).json()["items"]
    assert {each["action"] for each in entries} == {
        f"quality_rules.{verb}" for verb in ("create", "test", "activate", "revise", "retire")
    }
