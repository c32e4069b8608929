"""The state of an assessment over HTTP: reasons, guards, 409s, the log; and entry that freezes and thaws with it."""

import asyncio
import json
from uuid import UUID

import pytest
from sqlalchemy import select, text
from tests.factories.assessments import make_assessment, make_ground
from tests.factories.places import make_unit
from tests.waiting import eventually

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.rules import TRANSITIONS, AssessmentAction, AssessmentState, refusal_of
from wenming_api.city.assessments.service import EntryFrozen, attach_result, lock_for_entry, lock_for_review
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import NotFound
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.audit.service import record
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def ground(database):
    async with database.transaction() as session:
        return await make_ground(session)


async def in_state(database, ground, state, **values):
    async with database.transaction() as session:
        return await make_assessment(session, ground, state=state, **values)


def step(client, assessment, action, version=1, reason="按市文明办通知"):
    body = {"version": version, "reason": reason}
    return client.post(f"/assessments/{assessment.id}/{action}", json=body)


@pytest.mark.parametrize("state", AssessmentState)
async def test_from_every_state_only_the_listed_steps(admin, database, ground, state):
    """Every (state, action) pair over HTTP: 200 where the table lists it, else 409 with what it does list."""
    late = state in {AssessmentState.DRAFT, AssessmentState.PUBLISHED}
    values = {} if late else {"effective_draw_id": uuid7(), "result_id": uuid7()}
    for row in TRANSITIONS.values():
        assessment = await in_state(database, ground, state, **values)
        answer = await step(admin, assessment, row.action.value)
        if state not in row.sources:
            allowed = [each.value for each in AssessmentAction if refusal_of(each, state, frozenset(EVERY)) is None]
            assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
            assert answer.json()["allowed"] == allowed
        elif row.action is AssessmentAction.PUBLISH:
            assert answer.json()["code"] == "scheme_incomplete"
        else:
            assert (answer.status_code, answer.json()["state"]) == (200, row.target.value)
            assert answer.json()["state_reason"] == "按市文明办通知"


EVERY = [row.guard for row in TRANSITIONS.values() if row.guard]


@pytest.mark.parametrize(
    ("state", "action"),
    [("sampling", "start"), ("paused", "resume"), ("closed", "archive")],
)
async def test_a_guard_that_is_not_met_answers_409_and_says_what_is_missing(admin, database, ground, state, action):
    assessment = await in_state(database, ground, AssessmentState(state))
    answer = await step(admin, assessment, action)
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("尚")
    assert action not in answer.json()["allowed"]
    shown = (await admin.get(f"/assessments/{assessment.id}")).json()["allowed_actions"]
    assert next(each for each in shown if each["action"] == action)["why_not"].startswith("尚")


async def test_a_step_needs_a_reason_and_the_version_it_judged(admin, database, ground):
    assessment = await in_state(database, ground, AssessmentState.IN_PROGRESS)
    for body in (
        {"version": 1},
        {"reason": "暂停"},
        {"version": 1, "reason": " "},
        {"version": 1, "reason": "暂停\ud800"},
    ):
        content = json.dumps(body).encode()
        answer = await admin.post(
            f"/assessments/{assessment.id}/pause", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, body
    moved = await step(admin, assessment, "pause", version=7)
    assert (moved.status_code, moved.json()["code"], moved.json()["current_version"]) == (409, "version_moved", 1)


async def test_two_people_pause_and_review_at_once_one_wins(admin, database, ground):
    assessment = await in_state(database, ground, AssessmentState.IN_PROGRESS)
    answers = await asyncio.gather(*(step(admin, assessment, action) for action in ["pause", "review"] * 3))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5


async def test_every_step_is_in_the_log_with_its_reason(admin, as_user, database, ground):
    body = ground.body()
    made = (await admin.post("/assessments", json=body)).json()
    where = f"/assessments/{made['id']}"
    await admin.post(f"{where}/publish", json={"version": 1, "reason": "经会议研究"})
    await admin.post(f"{where}/stop", json={"version": 2, "reason": "上级另有安排"})
    log = (await admin.get(f"{where}/log", params={"sort": "at"})).json()["items"]
    assert [(entry["action"], entry["reason"]) for entry in log] == [
        ("assessments.create", None),
        ("assessments.publish", "经会议研究"),
        ("assessments.stop", "上级另有安排"),
    ]
    assert log[1]["changes"] == {"state": ["draft", "published"]}
    only = await admin.get(f"{where}/log", params={"action": "assessments.stop"})
    assert only.json()["total"] == 1

    async with database.transaction() as session:
        unit = await make_unit(session, region=ground.counties[0])
    county = await as_user(scope=DataScope.REGION, unit=unit)
    assert (await county.get(where)).status_code == 200
    assert (await county.get(f"{where}/log")).status_code == 403
    nobody = await as_user(scope=DataScope.OWN, unit=unit)
    assert (await nobody.get(f"{where}/log")).status_code == 404


async def test_a_refused_step_leaves_no_entry_in_the_log(admin, database, ground):
    assessment = await in_state(database, ground, AssessmentState.SAMPLING)
    assert (await step(admin, assessment, "start")).status_code == 409
    assert (await admin.get(f"/assessments/{assessment.id}/log")).json()["total"] == 0


@pytest.mark.parametrize("state", AssessmentState)
async def test_what_may_be_entered_and_reviewed_in_each_state(database, ground, session, state):
    assessment = await in_state(database, ground, state)
    for lock, open_in in (
        (lock_for_entry, {"in_progress"}),
        (lock_for_review, {"in_progress", "paused", "reviewing"}),
    ):
        if state.value in open_in:
            held = await lock(session, assessment.id)
            assert (held.state, held.effective_draw_id) == (state, None)
        else:
            with pytest.raises(EntryFrozen) as refused:
                await lock(session, assessment.id)
            assert state.label in refused.value.detail
    await session.rollback()


async def test_locks_of_what_is_not_there(session):
    with pytest.raises(NotFound):
        await lock_for_entry(session, UUID(int=0))


async def test_entries_that_race_a_pause_never_land_after_it(admin, database, ground):
    """15 writers enter as fast as they can while the assessment is paused. What got in is older than the pause, and
    no entry is lost or added afterwards.
    """
    assessment = await in_state(database, ground, AssessmentState.IN_PROGRESS)
    going = asyncio.Event()

    async def enter():
        entered = 0
        while True:
            try:
                async with database.transaction() as session:
                    await lock_for_entry(session, assessment.id)
                    await record(
                        session, caller=None, action="test.enter", target=("sheet", None), context=("a", assessment.id)
                    )
                    entered += 1
            except EntryFrozen:
                return entered
            if entered == 3:
                going.set()

    writers = [asyncio.create_task(enter()) for _ in range(15)]
    await going.wait()
    paused = await step(admin, assessment, "pause")
    assert paused.status_code == 200
    async with database.read() as session:
        at_the_pause = await entries(session, assessment.id)
    entered = sum(await asyncio.gather(*writers))
    async with database.read() as session:
        assert await entries(session, assessment.id) == at_the_pause == entered > 0


async def entries(session, assessment_id):
    found = await session.scalars(
        select(AuditEntry.id).where(AuditEntry.context_id == assessment_id, AuditEntry.action == "test.enter")
    )
    return len(found.all())


async def test_a_pause_waits_for_entries_under_way_and_is_not_overtaken_by_later_ones(admin, database, ground):
    assessment = await in_state(database, ground, AssessmentState.IN_PROGRESS)

    async def enter():
        async with database.transaction() as late:
            await lock_for_entry(late, assessment.id)

    async with database.write() as first, database.write() as second:
        await lock_for_entry(first, assessment.id)
        await lock_for_entry(second, assessment.id)  # entries hold the state side by side
        await second.rollback()
        pausing = asyncio.create_task(step(admin, assessment, "pause"))
        await eventually(lambda: waiting(database, 1), seconds=30)
        # Under a steady stream of entries a pause would otherwise never get its turn.
        overtaking = asyncio.create_task(enter())
        await eventually(lambda: waiting(database, 2), seconds=30)
        assert not pausing.done()
        assert not overtaking.done()
        await first.commit()
    assert (await pausing).status_code == 200
    with pytest.raises(EntryFrozen):
        await overtaking


async def test_entry_thaws_when_the_assessment_is_resumed(admin, database, ground):
    assessment = await in_state(database, ground, AssessmentState.PAUSED, effective_draw_id=uuid7())
    assert (await step(admin, assessment, "resume")).status_code == 200
    async with database.write() as session:
        assert (await lock_for_entry(session, assessment.id)).state is AssessmentState.IN_PROGRESS
        await session.rollback()


async def waiting(database, count):
    """Whether so many sessions of this database wait for a lock: the server knows, no time needs to be guessed."""
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with database.read() as session:
        return (await session.execute(text(blocked))).scalar_one() >= count


@pytest.mark.parametrize("state", AssessmentState)
async def test_a_result_is_attached_after_the_field_work_and_before_the_archive(database, ground, callers, state):
    assessment = await in_state(database, ground, state)
    caller = await principal(callers)
    result = uuid7()
    async with database.write() as session:
        if state in {AssessmentState.REVIEWING, AssessmentState.CLOSED}:
            row = await attach_result(session, caller=caller, assessment_id=assessment.id, result_id=result)
            assert row.result_id == result
        else:
            with pytest.raises(Exception, match="发布成绩"):
                await attach_result(session, caller=caller, assessment_id=assessment.id, result_id=result)
        await session.rollback()


async def principal(callers):
    client = await callers.client()
    user = callers.user_of(client)
    return Principal(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        unit_id=user.unit_id,
        unit_path=user.unit_path,
        region_path=user.region_path,
        permissions=frozenset(permission.value for permission in Permission),
        scope=Scope.everything("a test"),
    )


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "x"])
async def test_the_log_answers_any_time_asked_for(admin, database, ground, moment):
    assessment = await in_state(database, ground, AssessmentState.SAMPLING)
    for name in ("since", "until"):
        answer = await admin.get(f"/assessments/{assessment.id}/log", params={name: moment})
        assert answer.status_code in {200, 422}, answer.text
