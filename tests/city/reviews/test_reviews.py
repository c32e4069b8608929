"""Reviews: by somebody else, once, with a reason when returned; and where assessors disagree."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from tests.factories.callers import Callers
from tests.factories.sheets import FieldWork, make_field_work, make_sheets

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.scoring.models import Sheet
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def work(database: Database) -> FieldWork:
    async with database.transaction() as session:
        return await make_field_work(session)


@pytest.fixture
async def sheet(database: Database, work: FieldWork) -> Sheet:
    async with database.transaction() as session:
        return (await make_sheets(session, work))[0]


@pytest.fixture
async def assessor(callers: Callers, work: FieldWork, sheet: Sheet) -> httpx.AsyncClient:
    return await callers.sign_in(work.assessors[0])


@pytest.fixture
async def reviewer(callers: Callers) -> httpx.AsyncClient:
    return await callers.client([Permission.SHEETS_REVIEW, Permission.SHEETS_READ])


@pytest.fixture
async def submitted(assessor: httpx.AsyncClient, work: FieldWork, sheet: Sheet) -> int:
    """The row version of a submitted sheet."""
    version: int = (await assessor.post(f"{work.path}/sheets/{sheet.id}/submit", json=work.submission())).json()[
        "version"
    ]
    return version


def url(work: FieldWork, sheet: Sheet, verb: str) -> str:
    return f"{work.path}/sheets/{sheet.id}/{verb}"


async def test_accepted_then_corrected_then_accepted_again(
    assessor: httpx.AsyncClient, reviewer: httpx.AsyncClient, work: FieldWork, sheet: Sheet, submitted: int
) -> None:
    accepted = await reviewer.post(url(work, sheet, "accept"), json={"version": submitted})
    assert accepted.status_code == 200
    detail = accepted.json()
    first = detail["current"]["id"]
    assert (detail["state"], detail["accepted_version_id"], detail["current"]["verdict"]) == (
        "accepted",
        first,
        "accepted",
    )
    assert accepted.headers["etag"] == f'"{detail["version"]}"'
    body = work.submission(replaces=first, reason="现场复核后更正")
    corrected = (await assessor.post(url(work, sheet, "correct"), json=body)).json()
    assert corrected["state"] == "submitted"
    detail = (await reviewer.get(f"{work.path}/sheets/{sheet.id}")).json()
    assert (detail["accepted_version_id"], detail["current"]["id"]) == (first, body["id"])
    again = await reviewer.post(url(work, sheet, "accept"), json={"version": corrected["version"]})
    assert again.json()["accepted_version_id"] == body["id"]


async def test_returned_with_a_reason_and_submitted_again(
    assessor: httpx.AsyncClient,
    reviewer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    work: FieldWork,
    sheet: Sheet,
    submitted: int,
) -> None:
    bare = await reviewer.post(url(work, sheet, "return"), json={"version": submitted})
    assert bare.status_code == 422
    returned = await reviewer.post(url(work, sheet, "return"), json={"version": submitted, "reason": "照片不清楚"})
    detail = returned.json()
    assert (detail["state"], detail["current"]["verdict_reason"]) == ("returned", "照片不清楚")
    body = work.submission(replaces=detail["current"]["id"])
    again = (await assessor.post(url(work, sheet, "submit"), json=body)).json()
    assert (again["state"], again["no"], again["kind"]) == ("submitted", 2, "resubmitted")
    log = (await admin.get(f"{work.path}/log")).json()["items"]
    assert [row["action"] for row in log] == ["sheets.submit", "sheets.return", "sheets.submit"]
    assert log[1]["reason"] == "照片不清楚"


async def test_of_two_reviewers_at_once_one_decides(
    callers: Callers, database: Database, work: FieldWork, sheet: Sheet, submitted: int
) -> None:
    reviewers = [await callers.client([Permission.SHEETS_REVIEW]) for _ in range(2)]
    accept, return_ = await asyncio.gather(
        reviewers[0].post(url(work, sheet, "accept"), json={"version": submitted}),
        reviewers[1].post(url(work, sheet, "return"), json={"version": submitted, "reason": "照片不清楚"}),
    )
    assert sorted([accept.status_code, return_.status_code]) == [200, 409]
    lost = accept if accept.status_code == 409 else return_
    assert (lost.json()["code"], lost.json()["current_version"]) == ("version_moved", submitted + 1)


async def test_nobody_reviews_his_own(callers: Callers, database: Database, work: FieldWork) -> None:
    both = await callers.client([Permission.SHEETS_REVIEW, Permission.SHEETS_SUBMIT])
    async with database.transaction() as session:
        sheet = (await make_sheets(session, work, assessor=callers.user_of(both)))[0]
    version = (await both.post(url(work, sheet, "submit"), json=work.submission())).json()["version"]
    answer = await both.post(url(work, sheet, "accept"), json={"version": version})
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert "自己" in answer.json()["detail"]


async def test_a_review_of_nothing_of_elsewhere_or_without_right(
    callers: Callers, reviewer: httpx.AsyncClient, assessor: httpx.AsyncClient, work: FieldWork, sheet: Sheet
) -> None:
    nothing = await reviewer.post(url(work, sheet, "accept"), json={"version": 1})
    assert (nothing.status_code, nothing.json()["allowed"]) == (409, ["save_draft", "submit", "unassign"])
    assert (await assessor.post(url(work, sheet, "accept"), json={"version": 1})).status_code == 403
    elsewhere = await callers.client(
        [Permission.SHEETS_REVIEW], scope=DataScope.CUSTOM, regions=[work.sites[-1].region_id]
    )
    assert (await elsewhere.post(url(work, sheet, "accept"), json={"version": 1})).status_code == 404


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (AssessmentState.PAUSED, 200),
        (AssessmentState.REVIEWING, 200),
        (AssessmentState.CLOSED, 409),
        (AssessmentState.STOPPED, 409),
    ],
)
async def test_reviewers_work_while_entry_rests(
    reviewer: httpx.AsyncClient,
    database: Database,
    work: FieldWork,
    sheet: Sheet,
    submitted: int,
    state: AssessmentState,
    status: int,
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Assessment, work.assessment.id)).state = state
    answer = await reviewer.post(url(work, sheet, "accept"), json={"version": submitted})
    assert answer.status_code == status


async def test_where_two_assessors_disagree(
    callers: Callers, reviewer: httpx.AsyncClient, database: Database, work: FieldWork, sheet: Sheet
) -> None:
    """The threshold is a fifth of the maximum: 10 against 8 is within it, 4 against 0 and 10 against 4 are not."""
    async with database.transaction() as session:
        others = await make_sheets(session, work, assessor=work.assessors[1], count=1)
    first, second = [await callers.sign_in(user) for user in work.assessors]
    await first.post(url(work, sheet, "submit"), json=work.submission())
    lines = work.lines(pass_fail={"passed": False}, count={"count": "4"})
    await second.post(url(work, others[0], "submit"), json=work.submission(lines=lines))
    found = (await reviewer.get(f"{work.path}/disagreements")).json()
    assert found["total"] == 1
    (item,) = found["items"]
    assert (item["standard_code"], item["mean"], item["spread"], item["max_score"]) == ("①-0", "2", "4", "4")
    assert {each["achieved"] for each in item["opinions"]} == {"4", "0"}
    assert {each["assessor_id"] for each in item["opinions"]} == {str(user.id) for user in work.assessors}
    elsewhere = await callers.client(
        [Permission.SHEETS_REVIEW], scope=DataScope.CUSTOM, regions=[work.sites[-1].region_id]
    )
    assert (await elsewhere.get(f"{work.path}/disagreements")).json()["total"] == 0
