"""Idempotency keys: a POST sent again answers the same and does nothing twice."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select, update
from tests.factories.places import make_county

from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.idempotency import KEPT_FOR, IdempotencyKey, forget_old
from wenming_api.kit.workbooks import write_csv
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.unit_imports.service import TABLE
from wenming_api.system.units.models import Unit

KEY = {"Idempotency-Key": "key-number-1"}


async def body(database, name="新单位"):
    async with database.transaction() as session:
        return {"name": name, "region_id": str((await make_county(session)).id)}


async def units(database):
    async with database.read() as session:
        return (await session.execute(select(func.count()).where(Unit.name.startswith("新")))).scalar_one()


async def test_the_same_request_answers_the_same(admin, database):
    wanted = await body(database)
    first = await admin.post("/units", json=wanted, headers=KEY)
    again = await admin.post("/units", json=wanted, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers
    assert await units(database) == 1
    async with database.read() as session:
        made = select(func.count()).where(AuditEntry.action == "units.create")
        assert (await session.execute(made)).scalar_one() == 1


async def test_another_body_or_query_under_the_key_is_a_conflict(admin, database):
    wanted = await body(database)
    await admin.post("/units", json=wanted, headers=KEY)
    other = await admin.post("/units", json=wanted | {"name": "新的另一个"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await units(database) == 1
    file = b'--x\r\nContent-Disposition: form-data; name="file"; filename="units.csv"\r\n\r\n'
    file += b"".join(write_csv(TABLE, [dict.fromkeys(each.key for each in TABLE.columns) | {"name": "新三"}]))
    file += b"\r\n--x--\r\n"
    headers = KEY | {"content-type": "multipart/form-data; boundary=x"}
    answers = [
        await admin.post(f"/units/imports?dry_run={dry_run}", content=file, headers=headers)
        for dry_run in ("true", "true", "false")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert (answers[1].headers["Idempotent-Replay"], answers[2].json()["code"]) == ("true", "idempotency_key_reused")


async def test_keys_belong_to_one_user_and_one_route(admin, as_user, database):
    wanted = await body(database)
    assert (await admin.post("/units", json=wanted, headers=KEY)).status_code == 201
    other = await as_user([Permission.UNITS_READ, Permission.UNITS_MANAGE])
    assert (await other.post("/units", json=wanted | {"name": "新二"}, headers=KEY)).status_code == 201
    region = {"code": "370377000000", "name": "新区", "level": "county", "parent_id": None}
    assert (await admin.post("/regions", json=region, headers=KEY)).status_code == 422


async def test_concurrent_repetitions_do_it_once(admin, database):
    wanted = await body(database)
    answers = await asyncio.gather(*(admin.post("/units", json=wanted, headers=KEY) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replay" not in answer.headers for answer in answers) == 1
    assert await units(database) == 1


async def test_what_failed_may_be_tried_again_under_its_key(admin, database):
    wanted = await body(database)
    wrong = await admin.post("/units", json=wanted | {"managing_unit_id": wanted["region_id"]}, headers=KEY)
    assert wrong.status_code == 422
    async with database.read() as session:
        assert (await session.execute(select(IdempotencyKey))).first() is None
    assert (await admin.post("/units", json=wanted, headers=KEY)).status_code == 201


async def test_of_two_waiting_one_goes_on_when_the_first_is_rolled_back(admin, database):
    async with database.write() as session:
        wanted = await body(database)
        session.add(Unit(name="新单位", region_id=wanted["region_id"], region_path="x/", unit_path="x/"))
        await session.flush()  # holds the name, so that both requests wait
        waiting = [asyncio.create_task(admin.post("/units", json=wanted, headers=KEY)) for _ in range(2)]
        done, _ = await asyncio.wait(waiting, timeout=0.3)
        assert not done
        await session.commit()
    answers = await asyncio.gather(*waiting)
    assert [answer.status_code for answer in answers] == [409, 409]
    assert await units(database) == 1


async def test_wrong_keys_are_refused(admin, database):
    wanted = await body(database)
    for key in ("short", "x" * 101, "with space", "有中文".encode()):
        answer = await admin.post("/units", json=wanted, headers={"Idempotency-Key": key})
        assert answer.status_code == 422, key
    assert await units(database) == 0


async def test_files_are_part_of_the_request(admin, database):
    first = await admin.post("/regions/imports", files={"file": ("a", b"x")}, headers=KEY)
    assert first.status_code == 422
    header = "区划代码,名称,级别,上级代码\n"
    data = [(header + f"3703{no:02}000000,区{no},县（区）,370300000000").encode() for no in (11, 12)]

    async def send(content):
        boundary = {"Content-Type": "multipart/form-data; boundary=b"}
        form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + content + b"\r\n--b--\r\n"
        return await admin.post("/regions/imports", content=form, headers=KEY | boundary)

    made = await send(data[0])
    assert made.json()["created"] == 1, made.text
    assert (await send(data[0])).content == made.content
    assert (await send(data[1])).status_code == 409


async def test_old_keys_are_forgotten(admin, database):
    await admin.post("/units", json=await body(database), headers=KEY)
    async with database.transaction() as session:
        await forget_old(session)
        assert (await session.execute(select(IdempotencyKey))).first() is not None
        await session.execute(update(IdempotencyKey).values(at=clock.now() - KEPT_FOR - timedelta(seconds=1)))
        await forget_old(session)
        assert (await session.execute(select(IdempotencyKey))).first() is None
