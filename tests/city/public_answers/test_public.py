"""Answering without an account: one link, one answer, nothing told to who has no link."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from tests.factories.questionnaires import Survey, items, make_links, opened

from wenming_api.city.answers.models import Answer
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.questionnaires.models import Questionnaire, SurveyPrint, SurveyStratum
from wenming_api.city.survey_links.models import Link
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7

OPEN, SEND = "/public/questionnaires/open", "/public/questionnaires/answers"


@pytest.fixture(autouse=True)
def unhurried(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests together ask more often than one address may."""
    monkeypatch.setattr(app.state.resources.settings, "public_per_minute", 1_000_000)


@pytest.fixture
async def survey(admin: httpx.AsyncClient, database: Database) -> Survey:
    return await opened(admin, database)


def _body(token: str, **changes: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "token": token, "items": items(), **changes}


async def _count(database: Database, what: Any) -> int:
    async with database.read() as session:
        return (await session.execute(select(func.count()).select_from(what))).scalar_one()


async def test_a_link_opens_the_form_and_takes_one_answer(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    token, _ = await make_links(admin, survey)
    form = await client.post(OPEN, json={"token": token})
    assert form.status_code == 200
    assert [each["code"] for each in form.json()["questions"]] == ["age", "clean", "why", "kind", "note"]
    assert not {"score", "standard_id", "qualifies", "max_score", "taken", "region"} & set(_keys(form.json()))
    body = _body(token)
    first = await client.post(SEND, json=body)
    assert (first.status_code, first.json()) == (200, {"id": body["id"], "outcome": "counted", "repeated": False})
    assert (await client.post(SEND, json=body)).json() == first.json() | {"repeated": True}
    shuffled = await client.post(SEND, json=body | {"items": items()[::-1]})
    assert shuffled.json()["repeated"] is True
    for other in (_body(token), body | {"items": items("b")}):
        refused = await client.post(SEND, json=other)
        assert (refused.status_code, refused.json()["code"]) == (404, "link_invalid")
    assert (await client.post(OPEN, json={"token": token})).status_code == 404
    assert await _count(database, Answer) == 1


def _keys(document: Any) -> list[str]:
    if isinstance(document, dict):
        return [*document, *(key for value in document.values() for key in _keys(value))]
    return [key for each in document for key in _keys(each)] if isinstance(document, list) else []


@pytest.mark.parametrize("same", [True, False], ids=["the same answer", "different answers"])
async def test_fifty_at_once_spend_a_token_exactly_once(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey, database: Database, same: bool
) -> None:
    token, _ = await make_links(admin, survey)
    body = _body(token)
    bodies = [body if same else body | {"id": str(uuid7())} for _ in range(50)]
    sent = await asyncio.gather(*(client.post(SEND, json=each) for each in bodies))
    recorded = [each for each in sent if each.status_code == 200 and not each.json()["repeated"]]
    assert len(recorded) == 1
    assert [each.status_code for each in sent].count(200) == (50 if same else 1)
    assert {each.json()["code"] for each in sent if each.status_code != 200} == (set() if same else {"link_invalid"})
    assert await _count(database, Answer) == 1
    async with database.read() as session:
        assert (await session.scalars(select(SurveyStratum.taken).order_by(SurveyStratum.position))).all() == [1, 0]
        assert (await session.scalars(select(Link.spent).order_by(Link.no))).all() == [True, False]


async def test_fifty_links_at_once_fill_a_quota_exactly(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, database: Database
) -> None:
    survey = await opened(admin, database, quota=12)
    tokens = (await make_links(admin, survey, each=50))[:50]
    sent = await asyncio.gather(*(client.post(SEND, json=_body(token)) for token in tokens))
    assert [each.status_code for each in sent].count(200) == 12
    assert {each.json()["code"] for each in sent if each.status_code != 200} == {"quota_full"}
    async with database.read() as session:
        spent = select(func.count()).where(Link.spent)
        assert (await session.execute(spent)).scalar_one() == 12, "an answer that was not taken spends no link"
    told = await client.post(OPEN, json={"token": next(t for t, s in zip(tokens, sent, strict=True) if s.is_error)})
    assert (told.status_code, told.json()["code"]) == (409, "quota_full")


async def test_nothing_is_told_of_a_token(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    spent, expired, revoked = (await make_links(admin, survey, each=2))[:3]
    await client.post(SEND, json=_body(spent))
    async with database.transaction() as session:
        await session.execute(update(Link).where(Link.no == 2).values(expires_at=clock.now()))
        await session.execute(update(Link).where(Link.no == 3).values(revoked=True))
    answers = set()
    for token in (spent, expired, revoked, "A" * 32):
        for path, body in ((OPEN, {"token": token}), (SEND, _body(token)), (SEND, _body(token, items=[]))):
            refused = await client.post(path, json=body)
            document = refused.json()
            answers.add((refused.status_code, *(document[key] for key in ("code", "title", "detail"))))
            assert set(document) == {"type", "title", "status", "code", "detail", "instance", "request_id"}
    assert answers == {(404, "link_invalid", "链接无效", "链接无效、已使用或已过期。")}


async def test_an_answer_that_is_not_taken_spends_nothing(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    token, _ = await make_links(admin, survey)
    wrong = await client.post(SEND, json=_body(token, items=items()[:1]))
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/items")
    async with database.transaction() as session:
        await session.execute(update(Assessment).values(state=AssessmentState.PAUSED))
    for path, body in ((OPEN, {"token": token}), (SEND, _body(token))):
        rests = await client.post(path, json=body)
        assert (rests.status_code, rests.json()["code"]) == (409, "questionnaire_not_open")
    async with database.transaction() as session:
        await session.execute(update(Assessment).values(state=AssessmentState.IN_PROGRESS))
        await session.execute(update(Questionnaire).values(opens_at=clock.now() + timedelta(hours=1)))
    assert (await client.post(SEND, json=_body(token))).json()["detail"] == "问卷尚未到开放时间。"
    async with database.transaction() as session:
        at = clock.now()
        await session.execute(update(Questionnaire).values(opens_at=at - timedelta(hours=2), closes_at=at))
    assert (await client.post(OPEN, json={"token": token})).json()["detail"] == "问卷已过截止时间。"
    async with database.transaction() as session:
        await session.execute(update(Questionnaire).values(closes_at=clock.now() + timedelta(hours=2)))
    assert await _count(database, SurveyPrint) == 0
    out = await client.post(SEND, json=_body(token, items=items(age="out")))
    assert out.json()["outcome"] == "screened_out"


async def test_one_answer_does_not_spend_two_links(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey
) -> None:
    first, second = (await make_links(admin, survey, each=2))[:2]
    body = _body(first)
    await client.post(SEND, json=body)
    reused = await client.post(SEND, json=body | {"token": second})
    assert (reused.status_code, reused.json()["code"]) == (409, "answer_id_reused")
    assert (await client.post(OPEN, json={"token": second})).status_code == 200


async def test_a_device_and_an_address_send_so_many(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, database: Database
) -> None:
    survey = await opened(admin, database, per_device=1, per_address=3)
    tokens = await make_links(admin, survey, each=5)
    codes = []
    for token, device in zip(tokens, ["device-1", "device-1", "device-2", None, None], strict=False):
        sent = await client.post(SEND, json=_body(token, device=device))
        codes.append((sent.status_code, sent.json().get("detail")))
    assert codes == [
        (200, None), (409, "同一设备最多提交 1 份。"), (200, None), (200, None), (409, "同一网络最多提交 3 份。"),
    ]  # fmt: skip
    async with database.read() as session:
        prints = (await session.scalars(select(SurveyPrint.print))).all()
        key = await session.scalar(select(Questionnaire.print_key))
    assert len(prints) == 3
    assert all(len(each) == 32 and b"device" not in each for each in prints)
    assert key is not None
    version = (await admin.get(survey.path)).json()["version"]
    await admin.post(f"{survey.path}/close", json={"version": version, "reason": "收齐"})
    assert await _count(database, SurveyPrint) == 0
    async with database.read() as session:
        assert await session.scalar(select(Questionnaire.print_key)) is None


async def test_closing_waits_for_answers_and_answers_after_it_are_refused(
    admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    tokens = (await make_links(admin, survey, each=20))[:20]
    version = (await admin.get(survey.path)).json()["version"]
    closing = admin.post(f"{survey.path}/close", json={"version": version, "reason": "提前结束"})
    *sent, closed = await asyncio.gather(*(client.post(SEND, json=_body(token)) for token in tokens), closing)
    assert closed.status_code == 200
    taken = [each for each in sent if each.status_code == 200]
    assert {each.json()["code"] for each in sent if each.status_code != 200} <= {"questionnaire_not_open"}
    assert await _count(database, Answer) == len(taken)
    assert (await client.post(SEND, json=_body(tokens[0]))).status_code in {404, 409}


async def test_an_address_that_asks_too_often_is_told_when_to_come_back(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state.resources.settings, "public_per_minute", 3)
    address = f"10.{uuid7().int % 250}.{uuid7().int % 249}.7"
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        # A minute may end while this asks: eight requests exceed three in one of two minutes.
        sent = [await client.post(OPEN, json={"token": "A" * 32}) for _ in range(8)]
    refused = [each for each in sent if each.status_code == 429]
    assert refused
    assert 0 < int(refused[0].headers["retry-after"]) <= 60


async def test_bodies_are_small(client: httpx.AsyncClient) -> None:
    large = await client.post(SEND, content=b" " * (300 * 1024), headers={"content-type": "application/json"})
    assert (large.status_code, large.json()["detail"]) == (413, "请求内容超过 256 KB 的限制。")


async def test_statements(admin: httpx.AsyncClient, client: httpx.AsyncClient, survey: Survey, statements: Any) -> None:
    first, second = (await make_links(admin, survey, each=2))[:2]
    await client.post(SEND, json=_body(first))
    with statements() as sent:
        assert (await client.post(OPEN, json={"token": second})).status_code == 200
    assert sent.count <= 2, sent.sent
    with statements() as sent:
        assert (await client.post(SEND, json=_body(second, device="device-9"))).status_code == 200
    assert sent.count <= 13, [each[:60] for each in sent.sent]
