"""Answers that assessors bring: exactly once, in any order, up to the quota; who sees them."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from tests.factories.callers import Callers
from tests.factories.places import make_county, make_unit
from tests.factories.questionnaires import Survey, answer, draft, items, make_survey, opened

from wenming_api.catalog.permissions import Permission
from wenming_api.city.answers.models import Answer, AnswerLine
from wenming_api.city.assessments.models import Assessment, AssessmentAssessor
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.questionnaires.models import SurveyStratum
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def survey(admin: httpx.AsyncClient, database: Database) -> Survey:
    return await opened(admin, database, quota=20)


async def _send(client: httpx.AsyncClient, survey: Survey, answers: list[dict[str, Any]]) -> dict[str, Any]:
    sent = await client.post(f"{survey.path}/answers", json={"items": answers})
    assert sent.status_code == 200, sent.text
    return sent.json()


async def _taken(database: Database, survey: Survey) -> dict[str, tuple[int, int]]:
    """By stratum: what the counter says, and how many counted answers there are."""
    async with database.read() as session:
        counted = (
            select(func.count())
            .where(Answer.stratum_id == SurveyStratum.id, Answer.outcome == "counted")
            .correlate(SurveyStratum)
            .scalar_subquery()
        )
        found = await session.execute(select(SurveyStratum.code, SurveyStratum.taken, counted.label("there")))
        return {row.code: (row.taken, row.there) for row in found}


async def test_each_answer_for_itself(admin: httpx.AsyncClient, survey: Survey, database: Database) -> None:
    good, out = answer(survey), answer(survey, items(age="out"), stratum="S1")
    late = answer(survey) | {"captured_at": (clock.now() - timedelta(days=3)).isoformat()}
    ahead = answer(survey) | {"captured_at": (clock.now() + timedelta(hours=3)).isoformat()}
    sent = await _send(
        admin,
        survey,
        [
            good,
            out,
            answer(survey, items()[:2]),
            answer(survey) | {"stratum_id": str(uuid7())},
            {"id": "nonsense"},
            late,
            ahead,
            good,
            answer(survey, items("b")) | {"id": good["id"]},
        ],
    )
    assert [each["fate"] for each in sent["items"]] == [
        "recorded", "recorded", "refused", "refused", "refused", "refused", "refused", "repeated", "refused",
    ]  # fmt: skip
    assert (sent["recorded"], sent["repeated"], sent["refused"]) == (2, 1, 6)
    assert sent["items"][1]["receipt"]["outcome"] == "screened_out"
    problems = [each["problem"] and each["problem"]["code"] for each in sent["items"]]
    assert problems[2:] == [
        "invalid_input", "invalid_input", "invalid_input", "questionnaire_not_open", "invalid_input", None,
        "answer_id_reused",
    ]  # fmt: skip
    assert sent["items"][2]["problem"]["errors"][0]["message"] == "必答题未作答：kind"
    assert await _taken(database, survey) == {"S0": (1, 1), "S1": (0, 0)}
    detail = (await admin.get(f"{survey.path}/answers/{good['id']}")).json()
    assert [(each["question"], each["labels"], each["number"]) for each in detail["lines"]] == [
        ("age", ["18–65 岁"], None), ("clean", ["满意"], None), ("kind", [], 4),
    ]  # fmt: skip
    log = (await admin.get("/audit-entries", params={"context_id": str(survey.assessment_id)})).json()["items"]
    assert [each["action"] for each in log].count("survey_answers.record") == 2


async def test_batches_in_any_order_and_at_once_end_the_same(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    chance = random.Random(7)
    answers = [answer(survey, items(chance.choice("abc")), stratum=chance.choice(("S0", "S1"))) for _ in range(24)]
    batches = []
    for _ in range(6):
        shuffled = chance.sample(answers, len(answers))
        batches += [shuffled[:9], shuffled[5:17], shuffled[12:]]
    sent = await asyncio.gather(*(_send(admin, survey, batch) for batch in batches))
    assert sum(each["recorded"] for each in sent) == 24
    assert sum(each["refused"] for each in sent) == 0
    taken = await _taken(database, survey)
    assert sum(count for count, _ in taken.values()) == 24
    assert all(count == there for count, there in taken.values())


async def test_a_full_quota_takes_no_more_however_many_come_at_once(
    admin: httpx.AsyncClient, database: Database
) -> None:
    survey = await opened(admin, database, quota=10)
    sent = await asyncio.gather(*(_send(admin, survey, [answer(survey)]) for _ in range(50)))
    fates = [each["items"][0] for each in sent]
    assert sum(each["fate"] == "recorded" for each in fates) == 10
    assert {each["problem"]["code"] for each in fates if each["problem"]} == {"quota_full"}
    assert await _taken(database, survey) == {"S0": (10, 10), "S1": (0, 0)}
    out = await _send(admin, survey, [answer(survey, items(age="out"))])
    assert out["items"][0]["receipt"]["outcome"] == "screened_out"
    strata = (await admin.get(f"{survey.path}/strata", params={"open_only": True})).json()["items"]
    assert [(each["code"], each["taken"], each["left"]) for each in strata] == [("S1", 0, 10)]


async def test_entry_freezes_and_thaws_with_the_assessment(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    given = answer(survey)
    for state, status in (("paused", 409), ("in_progress", 200), ("reviewing", 409)):
        async with database.transaction() as session:
            await session.execute(update(Assessment).values(state=AssessmentState(state)))
        sent = await admin.post(f"{survey.path}/answers", json={"items": [given]})
        assert sent.status_code == status
        assert status == 200 or sent.json()["code"] == "entry_frozen"


async def test_a_draft_takes_nothing(admin: httpx.AsyncClient, database: Database) -> None:
    survey = await make_survey(database)
    await draft(admin, survey)
    sent = await _send(admin, survey, [answer(survey)])
    assert sent["items"][0]["problem"]["detail"] == "问卷尚未发布。"


async def test_an_assessor_fills_his_own_regions_and_sees_his_own_answers(
    admin: httpx.AsyncClient, survey: Survey, callers: Callers, database: Database
) -> None:
    rights = [Permission.QUESTIONNAIRES_ANSWER]
    stranger = await callers.client(rights, scope=DataScope.OWN)
    assert (await stranger.post(f"{survey.path}/answers", json={"items": [answer(survey)]})).status_code == 404
    reader = await callers.client([Permission.QUESTIONNAIRES_READ])
    assert (await reader.post(f"{survey.path}/answers", json={"items": [answer(survey)]})).status_code == 403
    async with database.transaction() as session:
        unit = await make_unit(session)
    one = await callers.client(rights, scope=DataScope.OWN, unit=unit)
    two = await callers.client(rights, scope=DataScope.OWN, unit=unit)
    async with database.transaction() as session:
        for client, regions in ((one, []), (two, [survey.ground.counties[0].id])):
            session.add(
                AssessmentAssessor(
                    assessment_id=survey.assessment_id,
                    user_id=callers.user_of(client).id,
                    region_ids=regions,
                    site_type_codes=[],
                )
            )
    assert [each["code"] for each in (await two.get(f"{survey.path}/strata")).json()["items"]] == ["S0"]
    near, far = answer(survey), answer(survey, stratum="S1")
    sent = await _send(two, survey, [near, far])
    assert [each["fate"] for each in sent["items"]] == ["recorded", "refused"]
    assert (await _send(one, survey, [far]))["recorded"] == 1
    assert (await two.get(f"{survey.path}/answers")).json()["total"] == 1
    assert (await two.get(f"{survey.path}/answers/{near['id']}")).status_code == 200
    assert (await two.get(f"{survey.path}/answers/{far['id']}")).status_code == 404
    assert (await reader.get(f"{survey.path}/answers")).json()["total"] == 2
    assert (await reader.get(f"{survey.path}/answers/{near['id']}")).status_code == 403
    async with database.transaction() as session:
        county = await make_unit(session, region=survey.ground.counties[1])
        away = await make_unit(session, region=await make_county(session, 79))
    for home, total in ((county, 1), (away, 0)):
        office = await callers.client([Permission.QUESTIONNAIRES_READ], scope=DataScope.REGION, unit=home)
        assert (await office.get(f"{survey.path}/answers")).json()["total"] == total


async def test_answers_are_never_changed(admin: httpx.AsyncClient, survey: Survey, database: Database) -> None:
    await _send(admin, survey, [answer(survey)])
    for table in (Answer, AnswerLine):
        with pytest.raises(DBAPIError):
            async with database.transaction() as session:
                await session.execute(update(table).values(number=None))


async def test_statements(admin: httpx.AsyncClient, survey: Survey, statements: Any) -> None:
    many = [answer(survey) for _ in range(3)]
    await _send(admin, survey, many[:1])
    for batch in (many[:1], many):
        with statements() as sent:
            await _send(admin, survey, batch)
        assert sent.count <= 10, sent.sent
    for path in (f"{survey.path}/answers", f"{survey.path}/answers/{many[0]['id']}"):
        with statements() as sent:
            assert (await admin.get(path)).status_code == 200
        assert sent.count <= 2, sent.sent
