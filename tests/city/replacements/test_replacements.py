"""Sites found closed give way to the next of their stratum's reserve, with a reason and a photo."""

import asyncio
from datetime import timedelta

import pytest
from tests.factories.assessments import make_ground
from tests.factories.draws import REASON, Drawing, differences, set_state

from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.ids import uuid7
from wenming_api.system.files.models import File
from wenming_api.system.files.rules import FileKind, FileState


@pytest.fixture
async def ground(database):
    async with database.transaction() as session:
        return await make_ground(session)


@pytest.fixture
async def second(as_user, ground):
    return await as_user(unit=ground.office)


@pytest.fixture
async def draw(admin, second, database, ground):
    """An effective draw of an assessment in progress: per stratum two drawn, two in reserve."""
    made = (await admin.post("/assessments", json=ground.body())).json()
    where = f"/assessments/{made['id']}"
    await admin.post(f"{where}/publish", json={"version": 1, "reason": REASON})
    await admin.post(f"{where}/sample", json={"version": 2, "reason": REASON})
    made = await Drawing.commit(admin, where)
    await made.effective(admin, second)
    await set_state(database, where, "in_progress")
    return made


async def photo(callers, client, database, *, kind=FileKind.PHOTO, state=FileState.READY):
    user = callers.user_of(client)
    async with database.transaction() as session:
        file = File(
            owner_id=user.id,
            region_path=user.region_path,
            unit_path=user.unit_path,
            kind=kind,
            state=state,
            name="现场.jpg",
            content_type="image/jpeg",
            size=1000,
            held=False,
            expires_at=clock.now() + timedelta(days=1),
            sha256="0" * 64 if state is FileState.READY else None,
        )
        session.add(file)
        await session.flush()
        return str(file.id)


async def stratum(client, draw, name="370302000000|37"):
    answer = await client.get(f"{draw.url}/sites", params={"stratum": name})
    return answer.json()["items"]


def replace(client, draw, site_id, file_id, **changes):
    body = {"version": draw.now["version"], "reason": "已停业", "file_id": file_id, **changes}
    return client.post(f"{draw.url}/sites/{site_id}/replace", json=body)


async def test_the_next_of_the_reserve_takes_the_place(admin, client, callers, database, draw):
    first, kept, next_, last = await stratum(admin, draw)
    file_id = await photo(callers, admin, database)
    answer = await replace(admin, draw, first["site_id"], file_id)
    assert answer.status_code == 200, answer.text
    draw.now = answer.json()
    rows = await stratum(admin, draw)
    assert [row["status"] for row in rows] == ["replaced", "drawn", "replacement", "reserve"]
    assert (rows[0]["reason"], rows[0]["file_id"]) == ("已停业", file_id)
    assert rows[2]["replaces_id"] == first["site_id"]

    again = await replace(admin, draw, first["site_id"], file_id)
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    reserve = await replace(admin, draw, last["site_id"], file_id)
    assert reserve.status_code == 409
    draw.now = (await replace(admin, draw, next_["site_id"], file_id)).json()
    empty = await replace(admin, draw, kept["site_id"], file_id)
    assert (empty.status_code, empty.json()["code"]) == (409, "reserve_empty")
    assert [row["status"] for row in await stratum(admin, draw)] == ["replaced", "drawn", "replaced", "replacement"]

    log = await admin.get(f"{draw.assessment}/log", params={"action": "draws.replace"})
    assert [entry["reason"] for entry in log.json()["items"]] == ["已停业"] * 2

    await set_state(database, draw.assessment, "reviewing")
    record = (await draw.record(client)).json()
    assert differences(record) == []
    assert [(each["site_id"], each["replaced_by_id"]) for each in record["replacements"]] == [
        (first["site_id"], next_["site_id"]),
        (next_["site_id"], last["site_id"]),
    ]
    assert {each["reason"] for each in record["replacements"]} == {"已停业"}
    held = (await admin.get(f"/files/{file_id}")).json()
    assert (await admin.delete(f"/files/{file_id}", headers={"If-Match": f'"{held["version"]}"'})).status_code == 409


async def test_a_photo_is_asked_for(admin, callers, database, draw):
    site = (await stratum(admin, draw))[0]
    files = {
        "nothing": str(uuid7()),
        "workbook": await photo(callers, admin, database, kind=FileKind.WORKBOOK),
        "pending": await photo(callers, admin, database, state=FileState.PENDING),
    }
    for name, file_id in files.items():
        answer = await replace(admin, draw, site["site_id"], file_id)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file_id"), name
    assert (await stratum(admin, draw))[0]["status"] == "drawn"


@pytest.mark.parametrize("state", ["sampling", "paused", "reviewing", "closed", "stopped"])
async def test_sites_are_replaced_only_in_the_field_work(admin, callers, database, draw, state):
    site = (await stratum(admin, draw))[0]
    await set_state(database, draw.assessment, state)
    answer = await replace(admin, draw, site["site_id"], await photo(callers, admin, database))
    assert (answer.status_code, answer.json()["code"]) == (409, "entry_frozen")


async def test_a_void_draw_replaces_nothing(admin, second, callers, database, draw):
    site = (await stratum(admin, draw))[0]
    await draw.void(admin, second)
    answer = await replace(admin, draw, site["site_id"], await photo(callers, admin, database))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_effective_draw")


async def test_two_replacements_at_once_never_take_the_same_reserve(admin, callers, database, draw):
    first, kept, *_ = await stratum(admin, draw)
    file_id = await photo(callers, admin, database)
    answers = await asyncio.gather(*(replace(admin, draw, row["site_id"], file_id) for row in (first, kept)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    statuses = [row["status"] for row in await stratum(admin, draw)]
    assert sorted(statuses) == ["drawn", "replaced", "replacement", "reserve"]


async def test_who_may_replace(admin, as_user, client, callers, database, draw, ground):
    site = (await stratum(admin, draw))[0]
    file_id = await photo(callers, admin, database)
    assert (await replace(client, draw, site["site_id"], file_id)).status_code == 401
    others = [each for each in Permission if each is not Permission.DRAWS_RUN]
    without = await as_user(others, unit=ground.office)
    assert (await replace(without, draw, site["site_id"], file_id)).status_code == 403
    assert (await replace(admin, draw, str(uuid7()), file_id)).status_code == 404
    runner = await as_user([Permission.DRAWS_RUN], unit=ground.office)
    assert (await replace(runner, draw, site["site_id"], file_id)).status_code == 200
