"""Bulk screenings: the same verdict as record by record, within the caller's scope, owners told once."""

import asyncio
import io
from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select
from tests.conftest import Statements
from tests.factories.callers import Callers
from tests.factories.features import make_judged_record, make_nodes
from tests.factories.places import make_county, make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.ledgers.features.rules import FEATURES, Features
from wenming_api.ledgers.quality.models import QualityRule
from wenming_api.ledgers.quality.queries import active_rules
from wenming_api.ledgers.quality.rules import Reach, RuleState, Severity, judge, worst
from wenming_api.ledgers.records.models import RecordFeatures
from wenming_api.ledgers.screenings import service
from wenming_api.ledgers.screenings.models import Screening, ScreeningHit
from wenming_api.ledgers.screenings.rules import Area, ScreeningAction, ScreeningState, area_from, why_not
from wenming_api.settings import Resources
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit
from wenming_api.worker import drain

PATH = "/ledgers/screenings"
PHOTOS: dict[str, Any] = {"at_least": {"feature": "photos", "value": 2}}
TEXT: dict[str, Any] = {"at_least": {"feature": "text_length", "value": 200}}
NUMBER: dict[str, Any] = {"when": {"category": ["v1"]}, "then": {"is_true": "has_document_number"}}


def in_force(unit: Unit, code: str, expression: dict[str, Any], severity: Severity, **given_: Any) -> QualityRule:
    values = {"no": 1, "node_ids": [], "reach": Reach.REGION, "state": RuleState.ACTIVE, "name": code} | given_
    return QualityRule(
        code=code,
        message=f"{code} 不足",
        severity=severity,
        expression=expression,
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        **values,
    )


async def screened(client: httpx.AsyncClient, resources: Resources, **wanted: Any) -> dict[str, Any]:
    asked = await client.post(PATH, json=wanted)
    assert asked.status_code == 202, asked.text
    assert asked.json()["state"] == "queued"
    await drain(resources)
    done: dict[str, Any] = (await client.get(f"{PATH}/{asked.json()['id']}")).json()
    assert done["state"] == "done", done
    return done


async def flagged(client: httpx.AsyncClient, screening: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{PATH}/{screening['id']}/records", params={"size": 100} | wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    assert answer.json()["total"] == len(found)
    return found


class Place:
    """Two schools in two counties with records of every kind, and three rules."""

    def __init__(self, first: Unit, second: Unit, nodes: Any) -> None:
        self.first, self.second = first, second
        self.big, self.small = nodes


@pytest.fixture
async def place(admin: httpx.AsyncClient, callers: Callers, database: Database) -> Place:
    user = callers.user_of(admin)
    async with database.transaction() as session:
        first = await make_unit(session, name="第一小学", region=await make_county(session, 1))
        second = await make_unit(session, name="第二小学", region=await make_county(session, 2))
        nodes = await make_nodes(session, first)
        home = await session.get_one(Unit, user.unit_id)
        session.add_all(
            [
                in_force(home, "a-photos", PHOTOS, Severity.MINOR),
                in_force(home, "b-text", TEXT, Severity.NOTICE),
                in_force(home, "c-number", NUMBER, Severity.SERIOUS),
                in_force(home, "d-later", TEXT, Severity.SERIOUS, effective_from=date(2100, 1, 1)),
                in_force(home, "e-draft", TEXT, Severity.SERIOUS, state=RuleState.DRAFT),
            ]
        )
        for no in range(12):
            await make_judged_record(
                session,
                unit=(first, second)[no % 2],
                owner=user,
                nodes=(nodes if no % 3 == 0 else nodes[:1] if no % 3 == 1 else ()),
                features=Features(
                    saved_on=date(2026, 3, 5),
                    photos=no % 4,
                    text_length=100 * (no % 5),
                    has_document_number=no % 2 == 1,
                    happened_on=date(2026, 3, 1 + no) if no % 5 else None,
                ),
            )
    return Place(first, second, nodes)


async def test_a_screening_finds_what_judging_each_record_finds(
    admin: httpx.AsyncClient, resources: Resources, database: Database, place: Place
) -> None:
    screening = await screened(admin, resources)
    async with database.transaction() as session:
        rules = await active_rules(session, on=date(2026, 3, 5))
        stored = (await session.scalars(select(RecordFeatures))).all()
    assert [rule.code for rule in rules.rules] == ["a-photos", "b-text", "c-number"]
    assert screening["ruleset_hash"] == rules.hash
    expected = {}
    for row in stored:
        given_ = {name: getattr(row, name) for name in (*FEATURES, "unit_path", "region_path")}
        sets = {name: frozenset(getattr(row, name)) for name in ("category_codes", "category_ids")}
        findings = judge(rules, Features(**given_, **sets), server=True)
        if findings:
            expected[str(row.record_id)] = (worst(findings), [each.document() for each in findings])
    found = await flagged(admin, screening)
    assert {each["record_id"]: (each["severity"], each["findings"]) for each in found} == expected
    assert len({each["severity"] for each in found}) == 3, "every severity is there"
    assert 0 < len(expected) < len(stored)
    assert screening["records"] == len(stored)
    assert screening["flagged"] == len(expected)
    assert screening["findings"] == sum(len(findings) for _, findings in expected.values())
    summary = (await admin.get(f"{PATH}/{screening['id']}/summary")).json()
    assert summary["flagged"] == len(expected)
    assert summary["by_severity"] == {
        each.value: sum(severity is each for severity, _ in expected.values()) for each in Severity
    }
    by_rule = Counter(each["code"] for _, findings in expected.values() for each in findings)
    assert {each["code"]: each["records"] for each in summary["by_rule"]} == by_rule
    by_unit = Counter(each["unit_name"] for each in found)
    assert {each["name"]: each["records"] for each in summary["by_unit"]} == by_unit
    categories: Counter[str] = Counter()
    for row in stored:
        if str(row.record_id) in expected:
            categories.update(str(each) for each in row.category_ids)
    assert {each["id"]: each["records"] for each in summary["by_category"]} == categories


async def test_filters_and_chosen_rules_narrow_a_screening(
    admin: httpx.AsyncClient, resources: Resources, place: Place
) -> None:
    whole = await screened(admin, resources)
    assert whole["records"] == 12
    of_unit = await screened(admin, resources, unit_id=str(place.first.id))
    assert of_unit["records"] == 6
    assert {each["unit_name"] for each in await flagged(admin, of_unit)} == {"第一小学"}
    of_region = await screened(admin, resources, region_id=str(place.second.region_id))
    assert of_region["records"] == 6
    assert {each["unit_name"] for each in await flagged(admin, of_region)} == {"第二小学"}
    assert (await screened(admin, resources, node_id=str(place.small.id)))["records"] == 4
    assert (await screened(admin, resources, node_id=str(place.big.id)))["records"] == 8
    dated = await screened(admin, resources, happened_from="2026-03-03", happened_to="2026-03-05")
    assert dated["records"] == 3, "the third to the fifth of March, without those that name no day"
    assert dated["filters"]["happened_to"] == "2026-03-05"
    one = await screened(admin, resources, rule_codes=["a-photos"])
    assert [each["code"] for each in one["rules"]] == ["a-photos"]
    assert one["flagged"] == one["findings"] == 6


async def test_flagged_records_are_filtered_sorted_and_paged(
    admin: httpx.AsyncClient, resources: Resources, place: Place
) -> None:
    screening = await screened(admin, resources)
    every = await flagged(admin, screening)
    ranks = [Severity(each["severity"]).rank for each in every]
    assert ranks == sorted(ranks, reverse=True), "the worst first"
    for severity in Severity:
        chosen = await flagged(admin, screening, severity=severity.value)
        assert len(chosen) == sum(each["severity"] == severity for each in every) > 0
    of_rule = await flagged(admin, screening, rule="b-text")
    assert {each["record_id"] for each in of_rule} == {
        each["record_id"] for each in every if any(one["code"] == "b-text" for one in each["findings"])
    }
    assert await flagged(admin, screening, rule="unknown") == []
    assert {e["unit_id"] for e in await flagged(admin, screening, unit_id=str(place.first.id))} == {str(place.first.id)}
    assert 0 < len(await flagged(admin, screening, node_id=str(place.small.id))) <= 4
    numbers = [each["number"] for each in await flagged(admin, screening, sort="number")]
    assert numbers == sorted(numbers)
    pages = [
        (await admin.get(f"{PATH}/{screening['id']}/records", params={"size": 4, "page": no})).json()
        for no in (1, 2, 3)
    ]
    assert [one for page in pages for one in page["items"]] == every[:12]


async def test_the_workbook_holds_the_flagged_records(
    admin: httpx.AsyncClient, resources: Resources, place: Place
) -> None:
    screening = await screened(admin, resources)
    every = await flagged(admin, screening)
    for wanted in ({}, {"severity": "serious"}):
        answer = await admin.get(f"{PATH}/{screening['id']}/export", params=wanted)
        assert answer.status_code == 200
        rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_name("问题台账").to_python()
        assert rows[0][:3] == ["记录编号", "标题", "状态"]
        expected = [each for each in every if each["severity"] == wanted.get("severity", each["severity"])]
        assert {row[0] for row in rows[1:]} == {each["number"] for each in expected}
        labels = {each.value: each.label for each in Severity}
        assert {(row[0], row[5], row[6]) for row in rows[1:]} == {
            (each["number"], labels[each["severity"]], len(each["findings"])) for each in expected
        }
    serious = next(each for each in every if each["severity"] == "serious")
    words = next(row[7] for row in rows[1:] if row[0] == serious["number"])
    assert "严重：c-number 不足" in words


async def test_owners_are_alerted_once_in_one_message_each(
    callers: Callers, resources: Resources, database: Database, admin: httpx.AsyncClient, place: Place
) -> None:
    clerk = await callers.client([Permission.MESSAGES_READ], scope=DataScope.UNIT, unit=place.first)
    bystander = await callers.client([Permission.MESSAGES_READ], scope=DataScope.UNIT, unit=place.second)
    async with database.transaction() as session:
        for photos in (0, 1, 0, 0, 1, 1, 0):
            await make_judged_record(
                session, unit=place.first, owner=callers.user_of(clerk), photos=photos, text_length=500
            )
        await make_judged_record(
            session, unit=place.second, owner=callers.user_of(bystander), photos=2, text_length=500
        )
    queued = (await admin.post(PATH, json={})).json()
    early = await admin.post(f"{PATH}/{queued['id']}/alert", json={"version": queued["version"]})
    assert early.status_code == 409, "nothing is known yet"
    await drain(resources)
    screening = (await admin.get(f"{PATH}/{queued['id']}")).json()
    stale = await admin.post(f"{PATH}/{queued['id']}/alert", json={"version": queued["version"]})
    assert stale.json()["code"] == "version_moved"
    body = {"version": screening["version"]}
    answers = await asyncio.gather(*(admin.post(f"{PATH}/{screening['id']}/alert", json=body) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    after = (await admin.get(f"{PATH}/{screening['id']}")).json()
    assert after["alerted"] == 2, "the clerk, and the administrator who wrote the others"
    assert [each["why_not"] for each in after["allowed_actions"] if each["action"] == "alert"] == ["已经提醒过"]
    again = await admin.post(f"{PATH}/{screening['id']}/alert", json={"version": after["version"]})
    assert again.json()["code"] == "illegal_transition"
    messages = (await clerk.get("/messages")).json()["items"]
    assert [each["title"] for each in messages] == ["台账质控筛查发现问题"]
    told = (await clerk.get(f"/messages/{messages[0]['id']}")).json()
    assert "等 7 条台账记录" in told["body"]
    assert told["body"].count("《") == 5
    assert (await bystander.get("/messages")).json()["total"] == 0


async def test_a_screening_stays_within_the_scope_of_who_asks(
    callers: Callers, resources: Resources, database: Database, admin: httpx.AsyncClient, place: Place
) -> None:
    county = await callers.client([Permission.SCREENINGS_RUN], scope=DataScope.UNIT_AND_BELOW, unit=place.first)
    screening = await screened(county, resources)
    assert screening["records"] == 6
    assert {each["unit_name"] for each in await flagged(county, screening)} == {"第一小学"}
    abroad = await screened(county, resources, unit_id=str(place.second.id))
    assert (abroad["records"], abroad["flagged"]) == (0, 0)
    for path in ("", "/summary", "/records", "/export"):
        assert (await admin.get(f"{PATH}/{screening['id']}{path}")).status_code == 404, "it is another's"
    refused = await admin.post(f"{PATH}/{screening['id']}/alert", json={"version": screening["version"]})
    assert refused.status_code == 404
    refused = await admin.delete(f"{PATH}/{screening['id']}", headers={"If-Match": str(screening["version"])})
    assert refused.status_code == 404
    assert (await admin.get(PATH)).json()["total"] == 0
    assert (await county.get(PATH)).json()["total"] == 2


async def test_whoever_loses_a_unit_does_not_see_its_hits_any_longer(
    callers: Callers, resources: Resources, database: Database, place: Place
) -> None:
    county = await callers.client([Permission.SCREENINGS_RUN], scope=DataScope.ALL, unit=place.first)
    screening = await screened(county, resources)
    user = callers.user_of(county)
    async with database.transaction() as session:
        moved = await session.get_one(type(user), user.id)
        narrow = await callers.client([Permission.SCREENINGS_RUN], scope=DataScope.UNIT, unit=place.first)
        kept = await session.get_one(Screening, UUID(screening["id"]))
        kept.owner_id = callers.user_of(narrow).id
        assert moved.id == user.id
    assert {each["unit_name"] for each in await flagged(narrow, screening)} == {"第一小学"}
    summary = (await narrow.get(f"{PATH}/{screening['id']}/summary")).json()
    assert [each["name"] for each in summary["by_unit"]] == ["第一小学"]


async def test_the_permission_is_needed(
    callers: Callers, resources: Resources, admin: httpx.AsyncClient, place: Place
) -> None:
    screening = await screened(admin, resources)
    others = [each for each in Permission if each is not Permission.SCREENINGS_RUN]
    stranger = await callers.client(others)
    for method, path, body in (
        ("GET", "", None),
        ("POST", "", {}),
        ("GET", f"/{screening['id']}", None),
        ("GET", f"/{screening['id']}/summary", None),
        ("GET", f"/{screening['id']}/records", None),
        ("GET", f"/{screening['id']}/export", None),
        ("POST", f"/{screening['id']}/alert", {"version": 1}),
        ("DELETE", f"/{screening['id']}", None),
    ):
        answer = await stranger.request(method, PATH + path, json=body, headers={"If-Match": "1"})
        assert answer.status_code == 403, (method, path)


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"rule_codes": []}, "/rule_codes"),
        ({"rule_codes": ["a-photos", "e-draft"]}, "/rule_codes/1"),
        ({"rule_codes": ["d-later"]}, "/rule_codes/0"),
        ({"rule_codes": ["\x00"]}, "/rule_codes/0"),
        ({"unit_id": str(uuid4())}, "/unit_id"),
        ({"region_id": str(uuid4())}, "/region_id"),
        ({"node_id": str(uuid4())}, "/node_id"),
        ({"node_id": "x"}, "/node_id"),
        ({"happened_from": "2026-13-01"}, "/happened_from"),
        ({"unknown": 1}, "/unknown"),
    ],
)
async def test_bad_wishes_are_refused_and_nothing_is_queued(
    admin: httpx.AsyncClient, resources: Resources, place: Place, wanted: dict[str, Any], pointer: str
) -> None:
    answer = await admin.post(PATH, json=wanted)
    assert answer.status_code == 422, answer.text
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert (await admin.get(PATH)).json()["total"] == 0
    assert await drain(resources) == 0


async def test_a_period_must_not_end_before_it_begins(admin: httpx.AsyncClient, place: Place) -> None:
    answer = await admin.post(PATH, json={"happened_from": "2026-03-02", "happened_to": "2026-03-01"})
    assert answer.status_code == 422


async def test_without_rules_there_is_nothing_to_screen_by(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(PATH, json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "screening_without_rules")


async def test_a_deleted_screening_takes_its_hits_along_and_stops(
    admin: httpx.AsyncClient, resources: Resources, database: Database, place: Place
) -> None:
    screening = await screened(admin, resources)
    path = f"{PATH}/{screening['id']}"
    assert (await admin.delete(path, headers={"If-Match": "99"})).status_code == 412
    assert (await admin.delete(path)).status_code == 428
    assert (await admin.delete(path, headers={"If-Match": str(screening["version"])})).status_code == 204
    queued = (await admin.post(PATH, json={})).json()
    gone = await admin.delete(f"{PATH}/{queued['id']}", headers={"If-Match": str(queued["version"])})
    assert gone.status_code == 204
    await drain(resources)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(ScreeningHit)) == 0


async def test_a_job_that_fails_for_good_says_so_and_repeating_one_changes_nothing(
    admin: httpx.AsyncClient, resources: Resources, database: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await screened(admin, resources)
    await service.run(database, UUID(done["id"]))
    await service.fail(database, UUID(done["id"]), "x")
    assert (await admin.get(f"{PATH}/{done['id']}")).json() == done

    async def breaks(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    monkeypatch.setattr(service, "find_hits", breaks)
    queued = (await admin.post(PATH, json={})).json()
    with pytest.raises(ConnectionError):
        await service.run(database, UUID(queued["id"]))
    assert (await admin.get(f"{PATH}/{queued['id']}")).json()["state"] == "running"
    await service.fail(database, UUID(queued["id"]), "系统多次尝试仍未能完成")
    failed = (await admin.get(f"{PATH}/{queued['id']}")).json()
    assert (failed["state"], failed["problem"]) == ("failed", "系统多次尝试仍未能完成")
    assert await flagged(admin, failed) == []


async def test_statements_do_not_grow_with_the_records(
    admin: httpx.AsyncClient, resources: Resources, place: Place, statements: Any
) -> None:
    screening = await screened(admin, resources)
    for path, most in (("", 1), ("/summary", 6), ("/records", 3), ("/export", 2)):
        await admin.get(f"{PATH}/{screening['id']}{path}")
        found: Statements
        with statements() as found:
            await admin.get(f"{PATH}/{screening['id']}{path}")
        assert len(found.sent) <= most, (path, found.sent)
    with statements() as found:
        await admin.get(PATH)
    assert len(found.sent) <= 2


@given(
    state=st.sampled_from(ScreeningState),
    alerted=st.booleans(),
)
def test_only_what_is_done_and_not_yet_told_can_be_told(state: ScreeningState, alerted: bool) -> None:
    open_ = why_not(ScreeningAction.ALERT, state, alerted=alerted) is None
    assert open_ == (state is ScreeningState.DONE and not alerted)
    assert why_not(ScreeningAction.DELETE, state, alerted=alerted) is None


@given(
    st.builds(
        Area,
        all_rows=st.booleans(),
        user_id=st.none() | st.uuids(),
        region_prefixes=st.lists(st.text()).map(tuple),
        unit_paths=st.lists(st.text()).map(tuple),
        unit_path=st.none() | st.text(),
        node_id=st.none() | st.uuids(),
        happened_from=st.none() | st.dates(),
    )
)
def test_an_area_is_read_as_it_was_written(area: Area) -> None:
    assert area_from(area.document()) == area
