"""审计日志: appended with the change, sealed in batches, impossible to rewrite unnoticed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from tests.factories.places import make_county, make_unit
from tests.waiting import eventually

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.system.audit.jobs import seal
from wenming_api.system.audit.models import AuditEntry, AuditLeaf, AuditSeal
from wenming_api.system.audit.queries import Verification, verify
from wenming_api.system.audit.service import record, seal_committed


@pytest.fixture
async def sealer(settings) -> AsyncIterator[Database]:
    made = Database(settings.database.sealer_url, pool_size=2)
    yield made
    await made.dispose()


async def write(database, *, entries=1, action="tests.write"):
    async with database.transaction() as session:
        for number in range(entries):
            await record(
                session, caller=None, action=action, target=("test", uuid7()), after={"number": number, "名": "王敏"}
            )


async def unsealed(database):
    async with database.read() as session:
        missing = ~select(AuditLeaf.no).where(AuditLeaf.entry_id == AuditEntry.id).exists()
        return (await session.execute(select(func.count()).select_from(AuditEntry).where(missing))).scalar_one()


async def seal_all(sealer):
    """Seal until nothing is left: transactions of neighbouring tests on the same server may delay it."""

    async def nothing_left():
        async with sealer.transaction() as session:
            await seal_committed(session)
        return await unsealed(sealer) == 0

    await eventually(nothing_left, seconds=30)


async def check(database, **anchor) -> Verification:
    async with database.snapshot() as session:
        return await verify(session, **anchor)


@pytest.fixture
async def sealed(database, sealer):
    """Three seals over seven entries."""
    for entries in (3, 1, 3):
        await write(database, entries=entries)
        await seal_all(sealer)
    found = await check(sealer)
    assert (found.fault, found.entries, found.unsealed) == (None, 7, 0)
    assert found.seals >= 3
    return found


async def test_a_change_and_its_entry_are_one(admin, database, callers):
    async with database.transaction() as session:
        county = await make_county(session)
    made = (await admin.post("/units", json={"name": "新单位", "region_id": str(county.id)})).json()
    entry = (await admin.get("/audit-entries", params={"target_id": made["id"]})).json()["items"][0]
    assert (entry["action"], entry["actor_name"]) == ("units.create", callers.user_of(admin).display_name)
    assert entry["changes"]["name"] == [None, "新单位"]
    before = (await admin.get("/audit-entries")).json()["total"]
    assert (await admin.post("/units", json={"name": "新单位", "region_id": str(county.id)})).status_code == 409
    assert (await admin.get("/audit-entries")).json()["total"] == before


async def test_entries_are_filtered_and_need_the_permission(admin, as_user, database):
    target = uuid7()
    async with database.transaction() as session:
        for number in range(3):
            await record(
                session, caller=None, action=f"tests.act{number}"[:-1], target=("test", target), context=("job", target)
            )
        await record(session, caller=None, action="other.act", target=("test", uuid7()), reason="原因")
    for params, total in (
        ({"target_id": str(target)}, 3),
        ({"context_id": str(target)}, 3),
        ({"action": "other.act"}, 1),
        ({"since": "2099-01-01T00:00:00+08:00"}, 0),
        ({"until": "2099-01-01T00:00:00+08:00"}, 4),
    ):
        assert (await admin.get("/audit-entries", params=params)).json()["total"] == total, params
    oldest = (await admin.get("/audit-entries", params={"sort": "at"})).json()["items"]
    newest = (await admin.get("/audit-entries", params={"sort": "-at"})).json()["items"]
    assert oldest == newest[::-1]
    reader = await as_user([Permission.UNITS_READ])
    assert (await reader.get("/audit-entries")).status_code == 403


CHANGES = {
    "change of an entry": (
        "UPDATE audit_entries SET actor_name = '别人' WHERE id = (SELECT entry_id FROM audit_leaves WHERE no = 2)",
        "leaf 2: entry",
    ),
    "change of its changes": (
        """UPDATE audit_entries SET changes = '{"number": [null, 9]}'
        WHERE id = (SELECT entry_id FROM audit_leaves WHERE no = 5)""",
        "leaf 5: entry",
    ),
    "change of a time by a microsecond": (
        "UPDATE audit_entries SET at = at + interval '1 microsecond' "
        "WHERE id = (SELECT entry_id FROM audit_leaves WHERE no = 7)",
        "leaf 7: entry",
    ),
    "change with its leaf hash": (
        "UPDATE audit_leaves SET leaf_hash = sha256('forged') WHERE no = 4",
        "leaf 4: entry",
    ),
    "deleted entry": (
        "DELETE FROM audit_entries WHERE id = (SELECT entry_id FROM audit_leaves WHERE no = 3)",
        "leaf 3: its entry was deleted",
    ),
    "deleted entry and leaf": (
        "WITH gone AS (DELETE FROM audit_leaves WHERE no = 4 RETURNING entry_id) "
        "DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM gone)",
        "leaf 4: missing",
    ),
    "last leaf of a seal deleted": ("DELETE FROM audit_leaves WHERE no = 3", "leaf 3: missing"),
    "truncated entries": ("TRUNCATE audit_entries", "leaf 1: its entry was deleted"),
    "truncated leaves": ("TRUNCATE audit_leaves", "leaf 1: missing"),
    "a seal deleted": ("DELETE FROM audit_seals WHERE no = 2", "seal 2: missing or out of order"),
    "a seal with another root": (
        "UPDATE audit_seals SET root = sha256('forged') WHERE no = 1",
        "seal 1: leaves 1-3 do not give its root",
    ),
    "a seal with another head": (
        "UPDATE audit_seals SET head = sha256('forged') WHERE no = 1",
        "seal 1: not chained to the seal before",
    ),
    "reordered": (
        """CREATE TEMPORARY TABLE two ON COMMIT DROP AS SELECT * FROM audit_leaves WHERE no IN (1, 2);
        DELETE FROM audit_leaves WHERE no IN (1, 2);
        INSERT INTO audit_leaves SELECT 3 - no, entry_id, leaf_hash FROM two""",
        "leaf 1: entry",
    ),
    "inserted behind the seals": (
        """INSERT INTO audit_entries SELECT gen_random_uuid(), xid, at, actor_id, actor_name, session_id, request_id,
        action, target_type, target_id, context_type, context_id, changes, reason FROM audit_entries
        WHERE id = (SELECT entry_id FROM audit_leaves WHERE no = 1)""",
        "inserted behind the seals",
    ),
    "a leaf outside the seals": (
        "INSERT INTO audit_leaves VALUES (8, gen_random_uuid(), sha256('forged'))",
        "leaf 8: outside every seal",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_the_verifier_names_the_first_bad_row(sealed, owner, sealer, what):
    statements, fault = CHANGES[what]
    async with owner.transaction() as session:
        for statement in statements.split(";"):
            await session.execute(text(statement.replace(":", r"\:")))
    found = await check(sealer)
    assert found.fault is not None
    assert fault in found.fault


CUT_OFF = """
WITH gone AS (DELETE FROM audit_seals WHERE no = (SELECT max(no) FROM audit_seals) RETURNING first_leaf),
leaves AS (DELETE FROM audit_leaves WHERE no >= (SELECT first_leaf FROM gone) RETURNING entry_id)
DELETE FROM audit_entries WHERE id IN (SELECT entry_id FROM leaves)
"""


async def test_a_cut_off_tail_shows_against_the_anchor(sealed, owner, sealer):
    anchor = {"anchor": sealed.head, "anchor_seal": sealed.seals}
    assert (await check(sealer, **anchor)).fault is None
    async with owner.transaction() as session:
        await session.execute(text(CUT_OFF))
    assert (await check(sealer)).fault is None
    found = await check(sealer, **anchor)
    assert found.fault == (f"seal {sealed.seals}: differs from the anchored head; the log was cut off or rewritten")


async def test_a_log_rewritten_from_scratch_shows_against_the_anchor(sealed, owner, sealer, database):
    async with owner.transaction() as session:
        await session.execute(text("TRUNCATE audit_entries, audit_leaves, audit_seals"))
    for _ in range(sealed.seals):
        await write(database)
        await seal_all(sealer)
    assert (await check(sealer)).fault is None
    assert (await check(sealer, anchor=sealed.head, anchor_seal=sealed.seals)).fault is not None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_name = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_leaves SET no = 1",
        "DELETE FROM audit_leaves",
        "INSERT INTO audit_leaves VALUES (1, gen_random_uuid(), '')",
        "INSERT INTO audit_seals SELECT * FROM audit_seals",
        "DELETE FROM audit_seals",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "DROP TABLE audit_seals",
        "SET ROLE wenming_owner",
    ],
)
async def test_the_application_cannot_rewrite_the_log(database, sealed, statement):
    async with database.write() as session:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET actor_name = 'x'",
        "DELETE FROM audit_leaves",
        "UPDATE audit_seals SET no = 9",
        "INSERT INTO audit_entries SELECT * FROM audit_entries",
        "SELECT * FROM users",
    ],
)
async def test_the_sealer_can_only_seal(sealer, sealed, statement):
    async with sealer.write() as session:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            await session.execute(text(statement))


async def test_entries_of_a_running_transaction_are_not_sealed(database, sealer):
    async with database.write() as running:
        await record(running, caller=None, action="tests.running", target=("test", None))
        await write(database, action="tests.later")
        async with sealer.transaction() as session:
            assert await seal_committed(session) == 0
        assert await unsealed(sealer) == 1
        await running.commit()
    await seal_all(sealer)
    async with sealer.read() as session:
        order = select(AuditEntry.action).join(AuditLeaf, AuditLeaf.entry_id == AuditEntry.id).order_by(AuditLeaf.no)
        assert (await session.execute(order)).scalars().all() == ["tests.running", "tests.later"]
    assert (await check(sealer)).fault is None


async def test_what_was_rolled_back_leaves_no_trace(database, sealer):
    async with database.write() as session:
        await record(session, caller=None, action="tests.never", target=("test", None))
        await session.rollback()
    await write(database)
    await seal_all(sealer)
    assert (await check(sealer)).entries == 1


async def test_fifty_writers_and_two_sealers_make_one_dense_log(database, settings, sealer):
    done = asyncio.Event()
    made = [Database(settings.database.sealer_url, pool_size=1) for _ in range(2)]

    async def keep_sealing(own):
        while not done.is_set():
            async with own.transaction() as session:
                await seal_committed(session)

    sealing = [asyncio.create_task(keep_sealing(own)) for own in made]
    await asyncio.gather(*(write(database, entries=1 + number % 5) for number in range(50)))
    done.set()
    await asyncio.gather(*sealing)
    for own in made:
        await own.dispose()
    await seal_all(sealer)
    found = await check(sealer)
    assert (found.fault, found.entries, found.unsealed) == (None, 150, 0)
    async with sealer.read() as session:
        numbers = (await session.execute(select(AuditLeaf.no).order_by(AuditLeaf.no))).scalars().all()
        assert numbers == list(range(1, 151))
        bounds = (await session.execute(select(AuditSeal.first_leaf, AuditSeal.last_leaf).order_by(AuditSeal.no))).all()
    assert [first for first, _ in bounds] == [1, *(last + 1 for _, last in bounds[:-1])]


async def test_verifying_while_sealing_finds_no_fault(database, sealer):
    await write(database, entries=20)
    await seal_all(sealer)
    async with sealer.snapshot() as session:
        await session.execute(select(func.count()).select_from(AuditSeal))  # the snapshot stands from here on
        await write(database, entries=20)
        await seal_all(sealer)
        found = await verify(session)
    assert (found.fault, found.entries) == (None, 20)


async def test_entries_restored_from_another_cluster_are_sealed(database, owner, sealer):
    await write(database, entries=2)
    await seal_all(sealer)
    async with owner.transaction() as session:  # as after a restore: all that was written has ids still to come
        await session.execute(text("UPDATE audit_seals SET sealed_from_xid = sealed_from_xid + 1000000000"))
        await session.execute(
            text(
                """INSERT INTO audit_entries SELECT gen_random_uuid(), xid + 1000000000, at, actor_id, actor_name,
                session_id, request_id, action, target_type, target_id, context_type, context_id, changes, reason
                FROM audit_entries"""
            )
        )
    await write(database, entries=2)
    await seal_all(sealer)
    await write(database, entries=2)
    await seal_all(sealer)
    found = await check(sealer)
    assert (found.fault, found.entries, found.unsealed) == (None, 8, 0)


async def test_the_schedule_seals_with_its_own_role(database, resources, sealer):
    async with database.transaction() as session:
        await make_unit(session)
    await write(database, entries=3)

    async def all_sealed():
        await seal(resources)
        return await unsealed(sealer) == 0

    await eventually(all_sealed, seconds=30)
    assert (await check(sealer)).entries == 3


async def verify_by_command(settings, *arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wenming_api.cli",
        "verify-audit",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "WENMING_DATABASE__SEALER_URL": settings.database.sealer_url,
        },
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_the_command_tells_the_head_and_the_first_bad_row(sealed, settings, owner):
    code, out, err = await verify_by_command(settings)
    assert (code, out.splitlines()[-1], err) == (0, "ok", "")
    anchor = f"{sealed.seals}:{sealed.head.hex()}"
    assert f"head {anchor}" in out
    async with owner.transaction() as session:
        await session.execute(text(CUT_OFF))
    assert (await verify_by_command(settings))[0] == 0
    code, _, err = await verify_by_command(settings, "--anchor", anchor)
    assert (code, err.splitlines()[0][:10]) == (1, f"BAD seal {sealed.seals}")
