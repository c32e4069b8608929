"""Answers become exact totals in the roll-up; a closed assessment keeps its figures."""

from fractions import Fraction
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from tests.factories.callers import Callers
from tests.factories.places import make_unit
from tests.factories.questionnaires import Survey, answer, items, opened

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.rollup.rules import roll_up
from wenming_api.city.snapshots.queries import gather_snapshot
from wenming_api.kit.db import Database
from wenming_api.kit.exact import stored
from wenming_api.system.roles.rules import DataScope

FIRST = [("a", 4), ("b", 2), ("c", 1), ("x", 3), ("a", 4), ("b", 4)]
"""Satisfied 10, 6, 0, not counted, 10, 6 of 10; the scale 1–4 gives (n − 1) / 3 of 10."""
CLEAN = Fraction(10 + 6 + 0 + 10 + 6, 50) * 100
KIND = Fraction(3 + 1 + 0 + 2 + 3 + 3, 18) * 100
TOTAL = (Fraction(32) + Fraction(120, 3)) / (50 + 60) * 100


@pytest.fixture
async def survey(admin: httpx.AsyncClient, database: Database) -> Survey:
    made = await opened(admin, database)
    await _bring(admin, made, [answer(made, items(*each)) for each in FIRST])
    await _bring(admin, made, [answer(made, items("b", 2), stratum="S1"), answer(made, items(age="out"))])
    return made


async def _bring(admin: httpx.AsyncClient, survey: Survey, answers: list[dict[str, Any]]) -> None:
    sent = await admin.post(f"{survey.path}/answers", json={"items": answers})
    assert sent.json()["recorded"] == len(answers), sent.text


async def _compute(client: httpx.AsyncClient, survey: Survey, **body: Any) -> httpx.Response:
    return await client.post(f"/assessments/{survey.assessment_id}/survey-scores/compute", json=body)


async def _totals(client: httpx.AsyncClient, survey: Survey) -> dict[str, Any]:
    listed = (await client.get(f"/assessments/{survey.assessment_id}/method-scores")).json()["items"]
    return {each["region_id"]: each for each in listed}


async def _rolled(database: Database, survey: Survey) -> dict[str, Any]:
    async with database.read() as session:
        gathered = await gather_snapshot(session, assessment_id=survey.assessment_id)
    external = {each.region: each.score / each.max_score for each in gathered.snapshot.method_scores}
    figures = {each.code: each for each in roll_up(gathered.snapshot).regions}
    return {code: (external.get(code), figures[code].methods.get("survey")) for code in figures}


async def test_totals_enter_the_roll_up_exactly(admin: httpx.AsyncClient, survey: Survey, database: Database) -> None:
    done = (await _compute(admin, survey)).json()["methods"]
    assert done == [{"method_code": "survey", "regions": 2, "created": 2, "updated": 0, "unchanged": 0, "removed": 0}]
    first, second = survey.ground.counties
    rolled = await _rolled(database, survey)
    assert rolled[first.code] == (TOTAL / 100, stored(TOTAL))
    assert rolled[second.code] == (Fraction(28, 60), stored(Fraction(2800, 60)))
    totals = await _totals(admin, survey)
    assert totals[str(first.id)]["source"] == "questionnaire"
    scores = (await admin.get(f"/assessments/{survey.assessment_id}/survey-scores")).json()["items"]
    shown = {(each["region_id"], each["standard_code"]): (each["exact"], each["respondents"]) for each in scores}
    assert shown == {
        (str(first.id), "①-0"): (str(CLEAN), 6),
        (str(first.id), "①-1"): (str(KIND), 6),
        (str(second.id), "①-0"): (None, None),
        (str(second.id), "①-1"): (None, None),
    }


async def test_computing_again_changes_what_changed(admin: httpx.AsyncClient, survey: Survey) -> None:
    await _compute(admin, survey)
    before = await _totals(admin, survey)
    again = (await _compute(admin, survey, method_code="survey")).json()["methods"][0]
    assert (again["unchanged"], again["created"], again["updated"]) == (2, 0, 0)
    assert await _totals(admin, survey) == before
    await _bring(admin, survey, [answer(survey, items("c", 1), stratum="S1")])
    third = (await _compute(admin, survey)).json()["methods"][0]
    assert (third["unchanged"], third["updated"]) == (1, 1)
    version = (await admin.get(survey.path)).json()["version"]
    await admin.post(f"{survey.path}/close", json={"version": version, "reason": "题目有误", "counted": False})
    gone = (await _compute(admin, survey)).json()["methods"][0]
    assert (gone["regions"], gone["removed"]) == (0, 2)
    assert await _totals(admin, survey) == {}


async def test_computed_totals_are_not_written_by_hand(admin: httpx.AsyncClient, survey: Survey) -> None:
    await _compute(admin, survey)
    one = next(iter((await _totals(admin, survey)).values()))
    path, at = f"/assessments/{survey.assessment_id}/method-scores/{one['id']}", {"If-Match": '"1"'}
    for refused in (
        await admin.patch(path, json={"score": "99"}, headers=at),
        await admin.delete(path, headers=at),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "score_computed")
    detail = (await admin.get(path)).json()
    assert {each["allowed"] for each in detail["allowed_actions"]} == {False}
    entered = {"method_code": "survey", "region_id": one["region_id"], "score": "99"}
    refused = await admin.post(f"/assessments/{survey.assessment_id}/method-scores", json=entered)
    assert refused.json()["errors"][0]["pointer"] == "/method_code"


async def test_a_closed_assessment_keeps_its_figures(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    await _compute(admin, survey)
    kept = await _rolled(database, survey)
    await _bring(admin, survey, [answer(survey, items("c", 1))])
    async with database.transaction() as session:
        await session.execute(update(Assessment).values(state=AssessmentState.CLOSED))
    refused = await _compute(admin, survey)
    assert (refused.status_code, refused.json()["code"]) == (409, "entry_frozen")
    assert await _rolled(database, survey) == kept


async def test_who_may(admin: httpx.AsyncClient, survey: Survey, callers: Callers, database: Database) -> None:
    await _compute(admin, survey)
    async with database.transaction() as session:
        near = await make_unit(session, region=survey.ground.counties[0])
    reader = await callers.client([Permission.QUESTIONNAIRES_READ], scope=DataScope.REGION, unit=near)
    county = await callers.client([Permission.QUESTIONNAIRES_MANAGE], scope=DataScope.REGION, unit=near)
    assert (await _compute(reader, survey)).status_code == 403
    assert (await _compute(county, survey)).status_code == 403
    listed = (await reader.get(f"/assessments/{survey.assessment_id}/survey-scores")).json()
    assert {each["region_id"] for each in listed["items"]} == {str(survey.ground.counties[0].id)}
    wrong = await _compute(admin, survey, method_code="field")
    assert wrong.json()["errors"][0]["pointer"] == "/method_code"


async def test_statements(admin: httpx.AsyncClient, survey: Survey, statements: Any) -> None:
    await _compute(admin, survey)
    with statements() as sent:
        assert (await _compute(admin, survey)).status_code == 200
    assert sent.count <= 13, sent.sent
    with statements() as sent:
        await admin.get(f"/assessments/{survey.assessment_id}/survey-scores")
    assert sent.count <= 2, sent.sent
