"""报送 over HTTP: its life, several destinations, four levels, who sees and who may."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from tests.factories.callers import Callers
from tests.factories.submissions import add_approved_version, make_offices, make_topic
from tests.ledgers.submissions.conftest import REASON, URL, World, act, allowed, done, read

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.submissions.models import Submission, SubmissionRound
from wenming_api.system.roles.rules import DataScope


async def test_a_submission_is_received_accepted_and_archived(world: World, database: Database) -> None:
    (sent,) = await world.send()
    assert (sent["receiver_unit_name"], sent["state"], sent["round"], sent["level"]) == (
        *("社区文明站", "submitted", 1, 1),
    )
    assert sent["deadline_on"] is not None
    clerk, reviewer = world["unit"].clerk, world["community"].reviewer
    assert allowed(await read(clerk, sent)) == {"withdraw"}
    assert allowed(await read(reviewer, sent)) == {"receive"}
    early = await act(reviewer, sent, "accept")
    assert (early.status_code, early.json()["detail"]) == (409, "请先签收。")
    received = await done(reviewer, sent, "receive")
    assert (received["state"], allowed(received)) == ("received", {"accept", "return"})
    late = await act(clerk, received, "withdraw", reason=REASON)
    assert (late.status_code, late.json()["detail"]) == (409, "接收单位已签收，不能再撤回。")
    accepted = await done(reviewer, received, "accept", opinion="内容翔实")
    assert (accepted["state"], allowed(accepted)) == ("accepted", {"archive", "recommend"})
    archived = await done(reviewer, accepted, "archive")
    assert (archived["state"], allowed(archived)) == ("archived", {"recommend"})
    assert archived["submitted_at"] == sent["submitted_at"]
    inbox = (await clerk.get("/messages")).json()["items"]
    assert {each["title"] for each in inbox} == {
        *("您报送的台账已签收", "您报送的台账已审核通过", "您报送的台账已归档"),
    }
    log = (await world["city"].clerk.get("/audit-entries", params={"target_id": sent["id"]})).json()["items"]
    assert [each["action"] for each in log] == [
        *("submissions.archive", "submissions.accept", "submissions.receive", "submissions.send"),
    ]
    async with database.read() as session:
        queued = await session.scalars(text("SELECT convert_from(payload, 'UTF8') FROM pgqueuer"))
        assert {name for row in queued for name in ("accepted", "archived") if f"submissions.{name}" in row} == {
            *("accepted", "archived"),
        }


async def test_one_record_to_three_destinations_one_returned_and_fixed(world: World, database: Database) -> None:
    community, street, county = await world.send("community", "street", "county")
    community = await done(world["community"].reviewer, community, "receive")
    community = await done(world["community"].reviewer, community, "accept")
    street = await done(world["street"].reviewer, street, "receive")
    wrong = await act(
        world["street"].reviewer, street, "return", reason=REASON, marks=[{"field": "/nothing", "note": "补"}]
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/marks/0/field")
    street = await done(
        world["street"].reviewer, street, "return", reason=REASON, marks=[{"field": "/text", "note": "再写具体些"}]
    )
    assert (street["state"], street["reason"], street["marks"]) == (
        *("returned", REASON, [{"field": "/text", "note": "再写具体些"}]),
    )
    clerk = world["unit"].clerk
    returned = await read(clerk, street)
    reasons = {each["action"]: each["why_not"] for each in returned["allowed_actions"]}
    assert reasons["resubmit"] == "台账还没有修改后经单位审核通过的新版本"
    refused = await act(clerk, returned, "resubmit")
    assert refused.status_code == 409
    others = [await read(clerk, community), await read(clerk, county)]
    async with database.transaction() as session:
        record = await session.merge(world.record)
        await add_approved_version(session, record, text="更具体的正文")
    again = await done(clerk, returned, "resubmit")
    assert (again["state"], again["round"], again["version_no"], again["received_at"]) == ("submitted", 2, 2, None)
    assert [(each["no"], each["version_no"], each["outcome"]) for each in again["rounds"]] == [
        *((1, 1, "returned"), (2, 2, None)),
    ]
    changes = (await world["street"].reviewer.get(f"{URL}/{street['id']}/changes")).json()
    assert (changes["from_version_no"], changes["to_version_no"]) == (1, 2)
    assert [(each["path"], each["before"], each["after"]) for each in changes["changes"]] == [
        ("/text", "第1版", "更具体的正文")
    ]
    assert (await clerk.get(f"{URL}/{county['id']}/changes")).json()["changes"] == []
    now = [await read(clerk, community), await read(clerk, county)]
    assert [each | {"approved_version_no": 1} for each in now] == others
    again = await done(world["street"].reviewer, again, "receive")
    assert (await done(world["street"].reviewer, again, "accept"))["state"] == "accepted"


async def test_four_levels_end_to_end(world: World) -> None:
    (current,) = await world.send()
    ladder = ["community", "street", "county", "city"]
    for level, above in zip(ladder, [*ladder[1:], None], strict=True):
        desk = world[level]
        current = await done(desk.reviewer, current, "receive")
        current = await done(desk.reviewer, current, "accept")
        if above is None:
            break
        answer = await act(desk.clerk, current, "recommend", destinations=[{}], opinion="值得推广")
        assert answer.status_code == 201, answer.text
        (current,) = answer.json()["items"]
        assert current["receiver_unit_name"] == world[above].post.unit.name
        # Whoever recommended it does not judge it, nor does anybody of another level.
        assert "receive" not in allowed(await read(desk.clerk, current))
    tree = (await world["unit"].clerk.get(f"{URL}/{(await first(world))['id']}/lineage")).json()
    assert [(each["level"], each["state"]) for each in tree["items"]] == [(n, "accepted") for n in (1, 2, 3, 4)]
    assert [each["visible"] for each in tree["items"]] == [True, False, False, False]
    assert [each["parent_id"] for each in tree["items"]] == [None, *(each["id"] for each in tree["items"][:-1])]
    seen = (await world["city"].clerk.get(f"{URL}/{current['id']}/lineage")).json()
    assert all(each["visible"] for each in seen["items"])
    assert (await read(world["city"].clerk, current))["opinion"] == "值得推广"


async def first(world: World) -> dict[str, Any]:
    """What the unit sent."""
    found: dict[str, Any] = (await world["unit"].clerk.get(URL, params={"box": "sent"})).json()["items"][0]
    return found


async def test_manuscripts_and_topics(world: World, database: Database) -> None:
    async with database.transaction() as session:
        topic = await make_topic(session, post=world.offices.county)
        closed = await make_topic(session, post=world.offices.city, name="已截止", state="closed")
    offered = (await world["unit"].clerk.get("/ledgers/destinations")).json()
    assert [each["unit_name"] for each in offered["receivers"]] == ["社区文明站", "街道文明办", "区文明办", "市文明办"]
    assert [each["manages"] for each in offered["receivers"]] == [True, False, False, False]
    assert [each["topic_name"] for each in offered["topics"]] == ["学雷锋专题"]
    (special,) = await world.send(purpose="topic", topic_id=str(topic.id))
    (draft,) = await world.send("city", purpose="manuscript", media_name="淄博日报")
    assert (special["receiver_unit_name"], special["topic_name"]) == ("区文明办", "学雷锋专题")
    assert (draft["media_name"], draft["purpose"]) == ("淄博日报", "manuscript")
    refused = await world["unit"].clerk.post(
        URL,
        json={
            "record_id": str(world.record.id),
            "destinations": [
                {"purpose": "topic", "topic_id": str(closed.id)},
                {
                    "purpose": "topic",
                    "topic_id": str(topic.id),
                    "receiver_unit_id": str(world["city"].post.unit.id),
                },
            ],
        },
    )
    assert [each["pointer"] for each in refused.json()["errors"]] == [
        *("/destinations/0/topic_id", "/destinations/1/receiver_unit_id"),
    ]
    # A topic is archived when all is decided, and with it what was accepted.
    county = world["county"].clerk
    shut = await county.post(f"/ledgers/topics/{topic.id}/close", json={"version": 1, "reason": REASON})
    assert shut.status_code == 200, shut.text
    waiting = await county.post(f"/ledgers/topics/{topic.id}/archive", json={"version": 2, "reason": REASON})
    assert (waiting.status_code, waiting.json()["code"]) == (409, "topic_unsettled")
    special = await done(world["county"].reviewer, special, "receive")
    special = await done(world["county"].reviewer, special, "accept")
    archived = await county.post(f"/ledgers/topics/{topic.id}/archive", json={"version": 2, "reason": REASON})
    assert (archived.status_code, archived.json()["state"]) == (200, "archived")
    assert (await read(county, special))["state"] == "archived"


async def test_a_withdrawn_submission_may_be_sent_again_a_living_one_may_not(world: World) -> None:
    (sent,) = await world.send()
    body = {"record_id": str(world.record.id), "destinations": [{}]}
    twice = await world["unit"].clerk.post(URL, json=body)
    assert (twice.status_code, twice.json()["code"]) == (409, "already_sent")
    withdrawn = await done(world["unit"].clerk, sent, "withdraw", reason=REASON)
    assert (withdrawn["state"], allowed(withdrawn)) == ("withdrawn", set())
    (again,) = await world.send()
    assert again["id"] != sent["id"]
    assert (await read(world["community"].reviewer, again))["rounds"][0]["no"] == 1


async def test_two_send_the_same_at_once(world: World) -> None:
    body = {"record_id": str(world.record.id), "destinations": [{}]}
    answers = await asyncio.gather(*(world["unit"].clerk.post(URL, json=body) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize("verb", ["accept", "return"])
async def test_two_decide_at_once(world: World, verb: str) -> None:
    (sent,) = await world.send()
    desk = world["community"]
    received = await done(desk.reviewer, sent, "receive")
    answers = await asyncio.gather(
        act(desk.reviewer, received, "accept"),
        act(desk.clerk, received, verb, **({"reason": REASON} if verb == "return" else {})),
    )
    assert sorted(each.status_code for each in answers) == [200, 409]


async def test_withdrawal_against_receipt_at_once(world: World, database: Database) -> None:
    for _ in range(5):
        (sent,) = await world.send()
        answers = await asyncio.gather(
            act(world["unit"].clerk, sent, "withdraw", reason=REASON), act(world["community"].reviewer, sent, "receive")
        )
        assert sorted(each.status_code for each in answers) == [200, 409]
        state = (await read(world["unit"].clerk, sent))["state"]
        assert state == ("withdrawn" if answers[0].status_code == 200 else "received")
        async with database.transaction() as session:
            for kept in await session.scalars(select(Submission).where(Submission.state != "withdrawn")):
                kept.state = "withdrawn"


async def test_who_sees_and_who_may(world: World, callers: Callers, database: Database) -> None:
    (sent,) = await world.send("street")
    async with database.transaction() as session:
        elsewhere = await make_offices(session, no=7)
    strangers = [await callers.sign_in(each.clerk) for each in (elsewhere.unit, elsewhere.street, elsewhere.county)]
    insiders = [world[level].clerk for level in ("unit", "community", "street", "county", "city")]
    assert [(await each.get(f"{URL}/{sent['id']}")).status_code for each in insiders] == [200] * 5
    assert [(await each.get(f"{URL}/{sent['id']}")).status_code for each in strangers] == [404] * 3
    assert [(await each.get(URL)).json()["total"] for each in [*insiders, *strangers]] == [1] * 5 + [0] * 3
    for verb in ("receive", "accept", "archive"):
        assert [(await act(each, sent, verb)).status_code for each in strangers] == [404] * 3
    for level in ("unit", "community", "county", "city"):
        answer = await act(world[level].reviewer, sent, "receive")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_yours"), level
        assert "receive" not in allowed(await read(world[level].reviewer, sent))
    theirs = await act(world["street"].clerk, sent, "withdraw", reason=REASON)
    assert (theirs.status_code, theirs.json()["detail"]) == (403, "只有报送单位可以撤回。")
    foreign = await world["community"].clerk.post(URL, json={"record_id": str(world.record.id), "destinations": [{}]})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_yours")


async def test_permissions(world: World, as_user: Callable[..., Any]) -> None:
    (sent,) = await world.send()
    community = world["community"].post.unit
    reader = await as_user([Permission.SUBMISSIONS_READ], unit=community, scope=DataScope.UNIT)
    assert (await reader.get(URL)).json()["total"] == 1
    assert allowed(await read(reader, sent)) == set()
    for verb, body in (("receive", {}), ("withdraw", {"reason": REASON}), ("resubmit", {}), ("archive", {})):
        assert (await act(reader, sent, verb, **body)).status_code == 403, verb
    nobody = await as_user([Permission.SITES_READ], unit=community)
    assert (await nobody.get(URL)).status_code == 403
    assert (await nobody.get(f"{URL}/{sent['id']}/lineage")).status_code == 403


async def test_nobody_judges_his_own(world: World, database: Database) -> None:
    """An office sends to itself: another person of it decides."""
    async with database.transaction() as session:
        record = await session.merge(world.record)
        city = world.offices.city
        record.unit_id, record.unit_path, record.region_path = city.unit.id, city.unit.unit_path, city.unit.region_path
        record.owner_id = city.clerk.id
    (sent,) = await world.send(desk="city")
    assert sent["receiver_unit_name"] == sent["unit_name"]
    desk = world["city"]
    received = await done(desk.clerk, sent, "receive")
    own = await act(desk.clerk, received, "accept")
    assert (own.status_code, own.json()["detail"]) == (403, "不能审核自己撰写或报送的台账，请由他人审核。")
    assert (await done(desk.reviewer, received, "accept"))["state"] == "accepted"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"destinations": []}, "/destinations"),
        ({"destinations": [{}] * 21}, "/destinations"),
        ({"destinations": [{}, {}]}, "/destinations/1"),
        ({"destinations": [{"receiver_unit_id": str(uuid7())}]}, "/destinations/0/receiver_unit_id"),
        ({"destinations": [{"purpose": "topic"}]}, "/destinations/0"),
        ({"destinations": [{"purpose": "topic", "topic_id": str(uuid7())}]}, "/destinations/0/topic_id"),
        ({"destinations": [{"media_name": "日报"}]}, "/destinations/0"),
        ({"destinations": [{}], "submitted_at": "2020-01-01T00:00:00+08:00"}, "/submitted_at"),
        ({"destinations": [{}], "version_no": 0}, "/version_no"),
    ],
)
async def test_bad_input_saves_nothing(world: World, body: dict[str, Any], pointer: str) -> None:
    answer = await world["unit"].clerk.post(URL, json={"record_id": str(world.record.id)} | body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await world["unit"].clerk.get(URL)).json()["total"] == 0


async def test_only_units_above_receive(world: World, database: Database) -> None:
    async with database.transaction() as session:
        elsewhere = await make_offices(session, no=7)
    for unit in (elsewhere.street.unit, world["unit"].post.unit):
        answer = await world["unit"].clerk.post(
            URL, json={"record_id": str(world.record.id), "destinations": [{}, {"receiver_unit_id": str(unit.id)}]}
        )
        assert answer.json()["errors"][0]["pointer"] == "/destinations/1/receiver_unit_id"
    unknown = await world["unit"].clerk.post(URL, json={"record_id": str(uuid7()), "destinations": [{}]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "record_not_found")
    old = await world["unit"].clerk.post(
        URL, json={"record_id": str(world.record.id), "version_no": 7, "destinations": [{}]}
    )
    assert (old.status_code, old.json()["code"]) == (409, "record_not_approved")


async def test_bulk(world: World, database: Database) -> None:
    sent = await world.send("community", "street", "county")
    items = [{"id": each["id"], "version": each["version"]} for each in sent]
    desk = world["street"]
    outcome = (await desk.reviewer.post(f"{URL}/bulk-reviews", json={"action": "receive", "items": items})).json()
    assert (outcome["done"], outcome["failed"]) == (1, 2)
    assert [each["code"] for each in outcome["items"]] == ["not_yours", None, "not_yours"]
    moved = [{"id": sent[1]["id"], "version": 1}, {"id": str(uuid7()), "version": 1}]
    outcome = (await desk.reviewer.post(f"{URL}/bulk-reviews", json={"action": "accept", "items": moved})).json()
    assert [each["code"] for each in outcome["items"]] == ["version_moved", "submission_not_found"]
    right = [
        {
            "id": sent[1]["id"],
            "version": outcome["items"][0]["version"] or (await read(desk.reviewer, sent[1]))["version"],
        }
    ]
    outcome = (
        await desk.reviewer.post(f"{URL}/bulk-reviews", json={"action": "return", "items": right, "reason": REASON})
    ).json()
    assert [(each["done"], each["state"]) for each in outcome["items"]] == [(True, "returned")]
    bare = await desk.reviewer.post(f"{URL}/bulk-reviews", json={"action": "return", "items": right})
    assert bare.status_code == 422
    async with database.read() as session:
        rounds = await session.scalars(select(SubmissionRound.outcome).order_by(SubmissionRound.outcome))
        assert list(rounds) == ["returned", None, None]


async def test_filters_and_boxes(world: World, database: Database) -> None:
    sent = await world.send("community", "street")
    await done(world["street"].reviewer, sent[1], "receive")
    clerk, street = world["unit"].clerk, world["street"].clerk
    for client, filters, total in (
        (clerk, {"box": "sent"}, 2),
        (clerk, {"box": "received"}, 0),
        (street, {"box": "received"}, 1),
        (street, {"box": "sent"}, 0),
        (street, {}, 2),
        (clerk, {"state": "received"}, 1),
        (clerk, {"state": "received,submitted"}, 2),
        (clerk, {"purpose": "topic"}, 0),
        (clerk, {"unit_id": str(world["unit"].post.unit.id)}, 2),
        (clerk, {"receiver_unit_id": str(world["street"].post.unit.id)}, 1),
        (clerk, {"record_id": str(world.record.id)}, 2),
        (clerk, {"region_id": str(world.offices.region.id)}, 2),
        (clerk, {"node_id": str(uuid7())}, 0),
        (clerk, {"topic_id": str(uuid7())}, 0),
        (clerk, {"submitted_from": "2020-01-01", "submitted_until": "2099-12-31"}, 2),
        (clerk, {"submitted_until": "2020-01-01"}, 0),
        (clerk, {"overdue": False}, 2),
        (clerk, {"overdue": True}, 0),
        (clerk, {"q": "雷锋"}, 2),
        (clerk, {"q": "%"}, 0),
    ):
        answer = await client.get(URL, params=filters)
        assert (answer.status_code, answer.json()["total"]) == (200, total), (filters, answer.text)
    async with database.transaction() as session:
        await session.execute(text("UPDATE submissions SET deadline_on = '2020-01-01'"))
    late = (await clerk.get(URL, params={"overdue": True, "sort": "deadline_on"})).json()
    assert [each["overdue"] for each in late["items"]] == [True, True]
    wrong = await clerk.get(URL, params={"state": "lost"})
    assert wrong.status_code == 422


async def test_what_reads_cost(world: World, statements: Callable[..., Any]) -> None:
    (sent,) = await world.send()
    clerk: httpx.AsyncClient = world["unit"].clerk
    for path, most in (
        (URL, 2),
        (f"{URL}/{sent['id']}", 3),
        (f"{URL}/{sent['id']}/changes", 2),
        (f"{URL}/{sent['id']}/lineage", 2),
    ):
        await clerk.get(path)
        with statements() as counted:
            assert (await clerk.get(path)).status_code == 200
        assert counted.count <= most, (path, counted.sent)
