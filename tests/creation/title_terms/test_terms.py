"""届别 over HTTP: windows, states, who sees what."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.places import make_county, make_unit
from tests.factories.titles import make_rule, make_term

from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_terms.queries import today
from wenming_api.creation.title_terms.rules import TERM_STEPS, TermState, allowed_from, window_problem
from wenming_api.system.roles.rules import DataScope

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(state=st.sampled_from(TermState), opens=DAYS, length=st.integers(0, 90), day=DAYS)
def test_the_window_takes_its_first_and_last_day(state, opens, length, day):
    closes = opens + timedelta(days=length)
    inside = state is TermState.PUBLISHED and opens <= day <= closes
    assert (window_problem(state, opens, closes, day) is None) == inside


def test_every_state_but_none_leads_somewhere():
    assert {state: allowed_from(state) for state in TermState} == {
        TermState.DRAFT: ["publish"],
        TermState.PUBLISHED: ["close"],
        TermState.CLOSED: ["reopen"],
    }
    assert len(TERM_STEPS) == 3


@pytest.fixture
async def ground(database):
    async with database.transaction() as session:
        county, aside = await make_county(session, 3), await make_county(session, 4)
        rule = await make_rule(session)
        school = await make_unit(session, region=county)
        term = await make_term(session, region=county, rule=rule)
    return county, aside, rule, school, term


def body(county, rule, **changes):
    return {
        "name": "第九届区级文明校园",
        "kind": "campus",
        "level": "county",
        "no": 900,
        "region_id": str(county.id),
        "rule_id": str(rule.id),
        "opens_on": "2026-01-01",
        "closes_on": "2026-12-31",
    } | changes


async def test_a_term_goes_through_its_states(admin, ground):
    county, _, rule, _, _ = ground
    made = await admin.post("/title-terms", json=body(county, rule))
    assert made.status_code == 201, made.text
    term = made.json()
    assert (term["state"], term["region_name"], term["rule_name"]) == ("draft", county.full_name, rule.name)
    assert (await admin.post("/title-terms", json=body(county, rule))).json()["code"] == "title_term_exists"
    path = f"/title-terms/{term['id']}"
    assert (await admin.post(f"{path}/close", json={"version": 1, "reason": "结束"})).status_code == 409
    assert (await admin.post(f"{path}/publish", json={"version": 1, "reason": "发布"})).json()["state"] == "published"
    fixed = await admin.patch(path, json={"name": "改名"}, headers={"If-Match": '"2"'})
    assert [error["pointer"] for error in fixed.json()["errors"]] == ["/name"]
    longer = await admin.patch(path, json={"closes_on": "2027-01-31"}, headers={"If-Match": '"2"'})
    assert longer.json()["closes_on"] == "2027-01-31"
    stale = await admin.post(f"{path}/close", json={"version": 2, "reason": "结束"})
    assert stale.json()["code"] == "version_moved"
    assert (await admin.post(f"{path}/close", json={"version": 3, "reason": "结束"})).json()["state"] == "closed"
    assert (await admin.patch(path, json={"note": "x"}, headers={"If-Match": '"4"'})).status_code == 409
    assert (await admin.post(f"{path}/reopen", json={"version": 4, "reason": "延期"})).json()["state"] == "published"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"level": "none"}, "/level"),
        ({"opens_on": "2027-01-01"}, "/closes_on"),
        ({"kind": "unit"}, "/rule_id"),
        ({"region_id": "019385f6-6c00-7a4b-8f21-0123456789ab"}, "/region_id"),
        ({"no": 0}, "/no"),
    ],
)
async def test_wrong_input_names_the_field(admin, ground, change, pointer):
    county, _, rule, _, _ = ground
    answer = await admin.post("/title-terms", json=body(county, rule, **change))
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], answer.text


async def test_a_term_is_seen_by_those_it_is_open_to(as_user, ground, database, statements):
    county, aside, rule, school, term = ground
    async with database.transaction() as session:
        far = await make_unit(session, region=aside)
        draft = await make_term(session, region=county, rule=rule, state=TermState.DRAFT)
    insider = await as_user([Permission.TITLES_READ], scope=DataScope.UNIT, unit=school)
    outsider = await as_user([Permission.TITLES_READ], scope=DataScope.REGION, unit=far)
    office = await as_user([Permission.TITLES_READ], scope=DataScope.REGION, unit=school)
    assert (await insider.get("/me")).status_code == 200  # the caller is known from here on
    with statements() as sent:
        seen = (await insider.get("/title-terms")).json()["items"]
    assert sent.count == 2
    assert [each["id"] for each in seen] == [str(term.id)]
    assert (await outsider.get("/title-terms")).json()["total"] == 0
    assert (await outsider.get(f"/title-terms/{term.id}")).status_code == 404
    assert (await office.get("/title-terms")).json()["total"] == 2
    assert (await insider.get(f"/title-terms/{draft.id}")).status_code == 404
    with statements() as sent:
        detail = (await insider.get(f"/title-terms/{term.id}")).json()
    assert sent.count == 1
    assert (detail["closed_because"], detail["applications"], detail["named"]) == (None, 0, 0)
    open_today = await insider.get("/title-terms", params={"open_on": today().isoformat()})
    assert open_today.json()["total"] == 1


async def test_a_term_is_managed_inside_the_scope(as_user, ground, database):
    county, aside, rule, _, term = ground
    async with database.transaction() as session:
        far = await make_unit(session, region=aside)
        near = await make_unit(session, region=county)
    manages = [Permission.TITLES_READ, Permission.TITLE_RULES_MANAGE]
    outsider = await as_user(manages, scope=DataScope.REGION, unit=far)
    insider = await as_user(manages, scope=DataScope.REGION, unit=near)
    step = {"version": 1, "reason": "结束受理"}
    assert (await outsider.post(f"/title-terms/{term.id}/close", json=step)).status_code == 404
    refused = await outsider.post("/title-terms", json=body(county, rule))
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/region_id"]
    assert (await insider.post(f"/title-terms/{term.id}/close", json=step)).status_code == 200
