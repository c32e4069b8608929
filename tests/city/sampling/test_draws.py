"""A draw over HTTP: promised, frozen, drawn, made effective and void by two people, secret and then public."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from tests.factories.assessments import make_ground, make_sites
from tests.factories.draws import REASON, Drawing, differences, set_state
from tests.factories.places import make_unit
from tests.waiting import eventually

from wenming_api.catalog.permissions import Permission
from wenming_api.city.sampling.models import Draw
from wenming_api.city.sampling.rules import commitment_of
from wenming_api.city.sampling.service import NoEffectiveDraw, require_effective_draw
from wenming_api.city.sites.models import Site
from wenming_api.kit import clock
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def ground(database):
    async with database.transaction() as session:
        return await make_ground(session)


@pytest.fixture
async def second(as_user, ground):
    """Another person of the office, who may do everything as well."""
    return await as_user(unit=ground.office)


@pytest.fixture
async def sampling(admin, ground):
    """An assessment that is being sampled: two sites of each type in each county."""
    made = (await admin.post("/assessments", json=ground.body())).json()
    for version, step in enumerate(("publish", "sample"), 1):
        answer = await admin.post(f"/assessments/{made['id']}/{step}", json={"version": version, "reason": REASON})
        assert answer.status_code == 200, answer.text
    return f"/assessments/{made['id']}"


async def test_a_draw_from_promise_to_public_record(admin, second, client, database, sampling, ground):
    draw = await Drawing.commit(admin, sampling)
    assert (draw.now["state"], draw.now["no"], draw.now["revealed"]) == ("committed", 1, False)
    assert [(quota["site_type_code"], quota["count"]) for quota in draw.now["quotas"]] == [("37", 2), ("38", 2)]
    assert [region["name"] for region in draw.now["regions"]] == ["第2区", "第3区"]
    promised = (await draw.record(client)).json()
    assert promised["commitment"] == draw.now["commitment"]
    assert [promised[name] for name in ("secret", "seed", "frame", "strata")] == [None] * 4

    frozen = await draw.step(admin, "freeze")
    assert (frozen["state"], frozen["frame_size"]) == ("frozen", 16)
    drawn = await draw.step(admin, "draw")
    assert (drawn["state"], drawn["drawn_count"]) == ("drawn", 8)
    await draw.step(admin, "propose-effective")
    assert draw.now["proposal"]["kind"] == "effective"
    await draw.step(second, "confirm-effective")
    assert (draw.now["state"], draw.now["proposal"]) == ("effective", None)
    assert len({person["id"] for person in draw.now["effective_by"]}) == 2
    assert draw.now["effective_reason"] == REASON

    head = (await admin.get(sampling)).json()
    assert head["effective_draw_id"] == draw.now["id"]
    started = await admin.post(f"{sampling}/start", json={"version": head["version"], "reason": REASON})
    assert started.json()["state"] == "in_progress"
    hidden = (await draw.record(client)).json()
    assert (hidden["secret"], hidden["frame"], hidden["strata"], hidden["revealed"]) == (None, None, None, False)
    assert hidden["frame_hash"] == frozen["frame_hash"]

    over = await admin.post(f"{sampling}/review", json={"version": started.json()["version"], "reason": REASON})
    assert over.status_code == 200
    record = (await draw.record(client)).json()
    assert commitment_of(record["secret"]) == promised["commitment"]
    assert differences(record) == []
    assert len(record["frame"].splitlines()) == 16
    assert {line.split(",")[2] for line in record["frame"].splitlines()} == {
        f"{county.code}|{code}" for county in ground.counties for code in ground.types
    }
    listed = await admin.get(f"{draw.url}/sites", params={"size": 100})
    rows = listed.json()["items"]
    for stratum in record["strata"]:
        mine = [row for row in rows if row["stratum"] == stratum["stratum"]]
        assert [row["site_id"] for row in mine] == stratum["drawn"] + stratum["reserve"]
        assert [row["status"] for row in mine] == ["drawn"] * 2 + ["reserve"] * 2


@pytest.mark.parametrize("forged", ["secret", "public_value", "frame", "commitment"])
async def test_the_script_notices_a_forged_record(admin, second, client, sampling, forged):
    draw = await Drawing.commit(admin, sampling)
    await draw.drawn(admin)
    await draw.void(admin, second)
    record = (await draw.record(client)).json()
    assert differences(record) == []
    record[forged] = record[forged][1:] or "1"
    assert differences(record)


async def test_nobody_confirms_his_own_proposal(admin, second, sampling):
    draw = await Drawing.commit(admin, sampling)
    await draw.drawn(admin)
    await draw.step(admin, "propose-effective")
    own = await draw.try_(admin, "confirm-effective")
    assert (own.status_code, own.json()["code"]) == (409, "illegal_transition")
    assert own.json()["detail"] == "提请人不能自己确认，须由另一人确认。"
    mine = {action["action"]: action for action in draw.now["allowed_actions"]}
    assert mine["confirm-effective"]["why_not"] == "提请人不能自己确认，须由另一人确认"
    await draw.step(second, "confirm-effective")
    await draw.step(second, "propose-void")
    assert (await draw.try_(second, "confirm-void")).status_code == 409
    await draw.step(admin, "confirm-void")
    assert draw.now["state"] == "void"


async def test_a_proposal_can_be_rejected(admin, second, sampling):
    draw = await Drawing.commit(admin, sampling)
    await draw.drawn(admin)
    await draw.step(admin, "propose-void")
    blocked = await draw.try_(admin, "propose-effective")
    assert (blocked.status_code, blocked.json()["allowed"]) == (409, ["reject"])
    await draw.step(second, "reject")
    assert (draw.now["state"], draw.now["proposal"]) == ("drawn", None)


async def test_a_void_draw_stays_visible_reveals_itself_and_gives_way_to_a_new_promise(
    admin, second, client, database, sampling
):
    draw = await Drawing.commit(admin, sampling)
    await draw.effective(admin, second)
    again = await admin.post(f"{sampling}/draws", json={})
    assert (again.status_code, again.json()["code"]) == (409, "draw_under_way")
    await draw.void(second, admin)
    assert (await admin.get(sampling)).json()["effective_draw_id"] is None
    assert differences((await draw.record(client)).json()) == []

    following = await Drawing.commit(admin, sampling)
    assert following.now["no"] == 2
    assert following.now["commitment"] != draw.now["commitment"]
    catalogue = (await client.get(f"{sampling}/draw-records")).json()
    assert [(row["no"], row["state"], row["void_reason"], row["revealed"]) for row in catalogue] == [
        (1, "void", REASON, True),
        (2, "committed", None, False),
    ]
    inside = (await admin.get(f"{sampling}/draws")).json()
    assert [row["state"] for row in inside] == ["committed", "void"]
    assert len(inside[1]["void_by"]) == 2
    for step in ("freeze", "draw", "propose-void", "reject"):
        answer = await draw.try_(admin, step)
        assert (answer.status_code, answer.json()["allowed"]) == (409, [])


async def test_a_draw_voided_in_mid_field_work_is_replaced_by_another(admin, second, database, session, sampling):
    draw = await Drawing.commit(admin, sampling)
    await draw.effective(admin, second)
    assessment_id = draw.now["assessment_id"]
    await set_state(database, sampling, "in_progress")
    held = await require_effective_draw(session, assessment_id, draw_id=None)
    assert (str(held.id), held.no) == (draw.now["id"], 1)
    await session.rollback()
    await draw.void(admin, second)
    with pytest.raises(NoEffectiveDraw):
        await require_effective_draw(session, assessment_id)
    await session.rollback()
    following = await Drawing.commit(admin, sampling)
    await following.effective(admin, second)
    assert (await require_effective_draw(session, assessment_id)).no == 2
    with pytest.raises(NoEffectiveDraw, match="不是生效的抽选"):
        await require_effective_draw(session, assessment_id, draw_id=held.id)
    await session.rollback()


@pytest.mark.parametrize("state", ["draft", "published", "reviewing", "closed", "archived", "stopped"])
async def test_no_draw_outside_sampling_and_field_work(admin, database, sampling, state):
    await set_state(database, sampling, state)
    answer = await admin.post(f"{sampling}/draws", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "draw_closed")


async def test_quotas_are_fixed_while_a_draw_has_promised_them(admin, second, sampling):
    draw = await Drawing.commit(admin, sampling)
    version = (await admin.get(sampling)).json()["version"]
    fewer = {
        "quotas": [{"site_type_code": code, "region_level": "county", "count": 1} for code in ("37", "38")],
        "reason": "点位停业",
    }
    frozen = await admin.patch(sampling, json=fewer, headers={"If-Match": f'"{version}"'})
    assert (frozen.status_code, frozen.json()["fields"]) == (409, ["quotas"])
    await draw.void(admin, second)
    version = (await admin.get(sampling)).json()["version"]
    changed = await admin.patch(sampling, json=fewer, headers={"If-Match": f'"{version}"'})
    assert changed.status_code == 200, changed.text
    following = await Drawing.commit(admin, sampling)
    assert (await following.drawn(admin))["drawn_count"] == 4


async def test_a_quota_above_the_frame_lists_every_stratum_and_saves_nothing(admin, database, sampling, ground):
    draw = await Drawing.commit(admin, sampling)
    async with database.transaction() as session:
        for region, keep in zip(ground.counties, (1, 0), strict=True):
            gone = [site.id for site in ground.sites if site.region_id == region.id and site.site_type_code == "38"]
            await session.execute(update(Site).where(Site.id.in_(gone[keep:])).values(active=False))
    answer = await draw.try_(admin, "freeze")
    assert (answer.status_code, answer.json()["code"]) == (409, "quota_above_frame")
    assert answer.json()["shortfalls"] == [
        {"stratum": "370302000000|38", "quota": 2, "available": 1},
        {"stratum": "370303000000|38", "quota": 2, "available": 0},
    ]
    assert [error["message"] for error in answer.json()["errors"]] == [
        "“第2区”的“类型38”只有 1 个，配额 2 个",
        "“第3区”的“类型38”只有 0 个，配额 2 个",
    ]
    after = (await admin.get(draw.url)).json()
    assert (after["state"], after["frame_hash"], after["version"]) == ("committed", None, draw.now["version"])


async def test_a_quota_may_take_what_there_is(admin, second, client, database, ground):
    quotas = [{"site_type_code": "37", "region_level": "county", "count": 6, "when_short": "take_all"}]
    made = (await admin.post("/assessments", json=ground.body(quotas=quotas))).json()
    where = f"/assessments/{made['id']}"
    await admin.post(f"{where}/publish", json={"version": 1, "reason": REASON})
    await admin.post(f"{where}/sample", json={"version": 2, "reason": REASON})
    draw = await Drawing.commit(admin, where)
    assert (await draw.drawn(admin))["drawn_count"] == 8
    await draw.void(admin, second)
    assert differences((await draw.record(client)).json()) == []


async def test_a_frame_once_frozen_does_not_follow_the_sites(admin, second, client, database, sampling, ground):
    draw = await Drawing.commit(admin, sampling)
    await draw.step(admin, "freeze")
    async with database.transaction() as session:
        await make_sites(session, region=ground.counties[0], site_type="37", count=5)
        await session.execute(update(Site).where(Site.id == ground.sites[0].id).values(active=False, name="改名"))
    await draw.step(admin, "draw")
    await draw.void(admin, second)
    record = (await draw.record(client)).json()
    assert len(record["frame"].splitlines()) == 16
    assert differences(record) == []


async def test_a_public_value_is_named_before_it_exists(admin, second, client, sampling, monkeypatch):
    at = clock.now() + timedelta(minutes=10)
    source = {"source": "上证综指收盘点位", "at": at.isoformat()}
    for when in ("2020-01-01T00:00:00+08:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        wrong = await admin.post(f"{sampling}/draws", json={"public_value": source | {"at": when}})
        assert wrong.status_code == 422, when
    naive = await admin.post(f"{sampling}/draws", json={"public_value": source | {"at": "2099-01-01T00:00:00"}})
    assert naive.status_code == 422
    draw = await Drawing.commit(admin, sampling, public_value=source)
    assert draw.now["public_value_source"] == "上证综指收盘点位"
    await draw.step(admin, "freeze")
    early = await draw.try_(admin, "draw", public_value="3301.27")
    assert (early.status_code, early.json()["code"]) == (409, "public_value_awaited")
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=1))
    for wrong in ({}, {"public_value": "三三零一"}, {"public_value": " 3301.27"}, {"public_value": "3301.27\n"}):
        answer = await draw.try_(admin, "draw", **wrong)
        assert answer.status_code == 422, wrong
    await draw.step(admin, "draw", public_value="3301.27")
    assert (await draw.record(client)).json()["public_value"] is None
    await draw.void(admin, second)
    record = (await draw.record(client)).json()
    assert record["public_value"] == "3301.27"
    assert differences(record) == []


async def test_a_frame_is_frozen_before_the_public_value_is_known(admin, sampling, monkeypatch):
    at = clock.now() + timedelta(minutes=10)
    draw = await Drawing.commit(admin, sampling, public_value={"source": "收盘点位", "at": at.isoformat()})
    monkeypatch.setattr(clock, "now", lambda: at)
    late = await draw.try_(admin, "freeze")
    assert (late.status_code, late.json()["code"]) == (409, "public_value_known")


async def test_a_public_value_that_nobody_promised_is_refused(admin, sampling):
    draw = await Drawing.commit(admin, sampling)
    await draw.step(admin, "freeze")
    answer = await draw.try_(admin, "draw", public_value="3301.27")
    assert answer.json()["errors"][0]["pointer"] == "/public_value"


async def test_only_those_who_run_the_field_work_see_seed_and_list_until_it_ends(
    admin, second, as_user, database, sampling, ground
):
    draw = await Drawing.commit(admin, sampling)
    await draw.effective(admin, second)
    secret = await secret_of(database, draw.now["id"])
    reader = await as_user([Permission.DRAWS_READ, Permission.DRAWS_CONFIRM], unit=ground.office)
    async with database.transaction() as session:
        unit = await make_unit(session, region=ground.counties[0])
    county = await as_user(scope=DataScope.REGION, unit=unit)

    for state, open_ in (("in_progress", False), ("paused", False), ("reviewing", True), ("archived", True)):
        await set_state(database, sampling, state)
        for who in (reader, county):
            seen = (await who.get(draw.url)).json()
            assert (seen["seed"] is not None) is open_
            sites = await who.get(f"{draw.url}/sites")
            assert sites.status_code == (200 if open_ else 403)
            if not open_:
                assert sites.json()["code"] == "draw_list_secret"
        for path in (draw.url, f"{sampling}/draws", f"{draw.url}/sites", f"{sampling}/log"):
            answer = await admin.get(path)
            assert answer.status_code == 200
            assert secret not in answer.text
    assert (await admin.get(f"{draw.url}/sites", params={"status": "drawn"})).json()["total"] == 8


async def secret_of(database, draw_id):
    async with database.read() as session:
        return (await session.get(Draw, draw_id)).secret


async def test_the_secret_is_in_no_answer_and_no_log_before_it_is_revealed(admin, client, database, sampling):
    draw = await Drawing.commit(admin, sampling)
    secret = await secret_of(database, draw.now["id"])
    texts = [str(draw.now)]
    texts += [str(await draw.step(admin, step)) for step in ("freeze", "draw", "propose-effective")]
    texts += [(await admin.get(f"{sampling}/log")).text, (await draw.record(client)).text]
    assert not any(secret in text for text in texts)


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "", {Permission.DRAWS_READ}),
        ("POST", "", {Permission.DRAWS_RUN}),
        ("GET", "/{id}", {Permission.DRAWS_READ}),
        ("POST", "/{id}/freeze", {Permission.DRAWS_RUN}),
        ("POST", "/{id}/draw", {Permission.DRAWS_RUN}),
        ("POST", "/{id}/propose-effective", {Permission.DRAWS_RUN}),
        ("POST", "/{id}/confirm-effective", {Permission.DRAWS_CONFIRM}),
        ("POST", "/{id}/propose-void", {Permission.DRAWS_RUN}),
        ("POST", "/{id}/confirm-void", {Permission.DRAWS_CONFIRM}),
        ("POST", "/{id}/reject", {Permission.DRAWS_RUN, Permission.DRAWS_CONFIRM}),
        ("GET", "/{id}/sites", {Permission.DRAWS_READ}),
    ],
)
async def test_every_route_needs_its_permission_and_its_scope(
    admin, as_user, client, database, sampling, ground, method, path, needed
):
    draw = await Drawing.commit(admin, sampling)
    url = f"{sampling}/draws{path.format(id=draw.now['id'])}"
    body = {"version": 1} if path.endswith(("freeze", "draw")) else {"version": 1, "reason": REASON} if path else {}
    assert (await client.request(method, url, json=body)).status_code == 401
    without = await as_user([each for each in Permission if each not in needed], unit=ground.office)
    assert (await without.request(method, url, json=body)).status_code == 403
    outside = await as_user(scope=DataScope.OWN, unit=ground.office)
    assert (await outside.request(method, url, json=body)).status_code == 404
    async with database.transaction() as session:
        unit = await make_unit(session, region=ground.counties[0])
    county = await as_user(scope=DataScope.REGION, unit=unit)
    seen = (await county.request(method, url, json=body)).status_code
    assert seen == ((403 if path.endswith("sites") else 200) if method == "GET" else 403)
    for one in needed:
        holder = await as_user([one], unit=ground.office)
        answer = await holder.request(method, url, json=body)
        assert answer.status_code not in {401, 404}
        assert answer.status_code != 403 or answer.json()["code"] == "draw_list_secret"


async def test_two_promises_at_once_one_wins(admin, sampling):
    answers = await asyncio.gather(*(admin.post(f"{sampling}/draws", json={}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_two_draws_and_two_confirmations_at_once_one_wins(admin, second, sampling, as_user, ground):
    third = await as_user(unit=ground.office)
    draw = await Drawing.commit(admin, sampling)
    await draw.step(admin, "freeze")
    answers = await asyncio.gather(*(draw.try_(admin, "draw") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    draw.now = (await admin.get(draw.url)).json()
    await draw.step(admin, "propose-effective")
    answers = await asyncio.gather(
        draw.try_(second, "confirm-effective"), draw.try_(third, "confirm-effective"), draw.try_(third, "reject")
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_stale_version_answers_409(admin, sampling):
    draw = await Drawing.commit(admin, sampling)
    answer = await draw.try_(admin, "freeze", version=9)
    assert (answer.status_code, answer.json()["code"], answer.json()["current_version"]) == (409, "version_moved", 1)


async def test_voiding_waits_for_whoever_holds_the_effective_draw(admin, second, database, sampling):
    draw = await Drawing.commit(admin, sampling)
    await draw.effective(admin, second)
    await draw.step(admin, "propose-void")
    async with database.write() as session:
        await require_effective_draw(session, draw.now["assessment_id"])
        voiding = asyncio.create_task(draw.try_(second, "confirm-void"))
        await eventually(lambda: waiting(database), seconds=30)
        assert not voiding.done()
        await session.commit()
    assert (await voiding).status_code == 200


async def waiting(database):
    blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with database.read() as session:
        return (await session.execute(text(blocked))).scalar_one() > 0


async def test_what_was_promised_cannot_be_changed_even_by_the_application(admin, database, sampling):
    draw = await Drawing.commit(admin, sampling)
    await draw.drawn(admin)
    for statement in (
        "UPDATE draws SET secret = repeat('0', 64)",
        "UPDATE draws SET seed = repeat('0', 64)",
        "UPDATE draws SET quotas = '[]'",
        "UPDATE draw_frames SET lines = ''",
        "DELETE FROM draw_frames",
        "DELETE FROM draws",
    ):
        async with database.write() as session:
            with pytest.raises(Exception, match="never"):
                await session.execute(text(statement))
            await session.rollback()


async def test_lists_take_a_fixed_number_of_statements(admin, second, sampling, statements):
    first = await Drawing.commit(admin, sampling)
    await first.effective(admin, second)
    await admin.get(f"{sampling}/draws")
    with statements() as few:
        await admin.get(f"{sampling}/draws")
    await first.void(admin, second)
    for _ in range(3):
        await (await Drawing.commit(admin, sampling)).void(admin, second)
    with statements() as many:
        assert len((await admin.get(f"{sampling}/draws")).json()) == 4
    assert few.count == many.count == 2
    with statements() as sites:
        await admin.get(f"{first.url}/sites")
    assert sites.count == 3
