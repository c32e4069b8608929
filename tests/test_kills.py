"""What was answered with a 2xx stands, exactly once, whatever process is killed meanwhile."""

import http.client
import itertools
import json
import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.factories.sheets import FieldWork, make_field_work, make_sheets
from wenming_api.access.tokens import TokenIssuer
from wenming_api.dev import COMMAND, Environment
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.embedded import ports
from wenming_api.kit.embedded.process import Child
from wenming_api.settings import Settings
from wenming_api.system.sessions.models import Session

KILLS = int(os.environ.get("KILLS", "12"))
CLIENTS = 6
LIVES = timedelta(hours=6)


@dataclass
class Field:
    """Work to submit, the servers below it, and what was acknowledged."""

    environment: Environment
    work: FieldWork
    token: str
    sheets: "itertools.chain[str]"
    port: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Submission by sheet."""
    failures: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def submit_until_stopped(self) -> None:
        """Take sheet after sheet; send each submission again, with the same id, until it is acknowledged."""
        while not self.stopped.is_set():
            with self.lock:
                sheet = next(self.sheets, None)
            if sheet is None:
                return
            body = self.work.submission()
            while not self.stopped.is_set():
                status, answer = self._post(f"{self.work.path}/sheets/{sheet}/submit", body)
                if status == 200:
                    with self.lock:
                        self.acknowledged[sheet] = body["id"]
                    break
                if status not in {0, 503}:
                    self.failures.append(f"{status} {answer[:300]!r}")
                    return
                self.stopped.wait(0.1)  # as a client does that was told to come back later

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.port, timeout=10)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


async def _prepare(environment: Environment, sites: int) -> tuple[FieldWork, str, list[str]]:
    database = Database(environment.variables["WENMING_DATABASE__URL"], pool_size=2)
    try:
        async with database.transaction() as session:
            work = await make_field_work(session, sites=sites)
            sheets = await make_sheets(session, work)
            assessor = work.assessors[0]
            started = Session(user_id=assessor.id, expires_at=clock.now() + LIVES)
            session.add(started)
        issuer = TokenIssuer(environment.variables["WENMING_SESSIONS__SIGNING_KEY"])
        token = issuer.issue(user_id=assessor.id, session_id=started.id, at=clock.now(), lives_for=LIVES)
        return work, token, [str(sheet.id) for sheet in sheets if sheet.owner_id == assessor.id]
    finally:
        await database.dispose()


@contextmanager
def _running(environment: Environment) -> Iterator[None]:
    with environment:
        assert environment.supervisor.finish("migrate", [*COMMAND, "migrate"], environment=environment.variables) == 0
        yield


@pytest.mark.long
async def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WENMING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    environment = Environment(Settings())
    dice = random.Random(5)
    with _running(environment), ports.listen(ports.LOOPBACK, 0) as listener:
        supervisor, postgres, valkey = environment.supervisor, environment.postgres, environment.valkey
        assert postgres is not None
        assert valkey is not None
        work, token, sheets = await _prepare(environment, sites=150 * KILLS)
        afield = Field(environment, work, token, itertools.chain(sheets), listener.getsockname()[1])

        def start(name: str) -> Child:
            command = [*COMMAND, name, *(["--fd", str(listener.fileno())] if name == "serve" else [])]
            passed = [listener.fileno()] if name == "serve" else []
            return supervisor.run(name, command, environment=environment.variables, pass_fds=passed)

        programs = {name: start(name) for name in ("serve", "worker")}
        clients = [threading.Thread(target=afield.submit_until_stopped) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        victims = ["serve", "worker", "postgres", "valkey"]
        for number in range(KILLS):
            before = len(afield.acknowledged)
            programs["serve"].wait_until(
                lambda before=before: len(afield.acknowledged) >= before + 10 or bool(afield.failures), seconds=120
            )
            assert not afield.failures, afield.failures
            victim = victims[number % len(victims)] if number < len(victims) else dice.choice(victims)
            if victim in programs:
                os.kill(programs[victim].pid, signal.SIGKILL)
                supervisor.stop_child(programs[victim])
                programs[victim] = start(victim)
            else:
                part = postgres if victim == "postgres" else valkey
                assert part.pid is not None
                os.kill(part.pid, signal.SIGKILL)
                part.stop()
                part.start()
        afield.stopped.set()
        for client in clients:
            client.join(30)
        assert not afield.failures, afield.failures
        await _all_stand(environment, afield)


async def _all_stand(environment: Environment, afield: Field) -> None:
    database = Database(environment.variables["WENMING_DATABASE__URL"], pool_size=2)
    try:
        async with database.read() as session:
            found = await session.execute(
                text(
                    """
                    SELECT v.sheet_id::text, array_agg(v.id::text), count(l.id), s.state,
                           (SELECT count(*) FROM audit_entries e WHERE e.target_id = v.sheet_id)
                      FROM sheet_versions v JOIN sheets s ON s.id = v.sheet_id
                      LEFT JOIN LATERAL (SELECT id FROM score_lines WHERE sheet_version_id = v.id) l ON true
                     GROUP BY v.sheet_id, s.state
                    """
                )
            )
            stands = {row[0]: row for row in found}
    finally:
        await database.dispose()
    assert len(afield.acknowledged) >= 10 * KILLS
    for sheet, submission in afield.acknowledged.items():
        _, versions, lines, state, entries = stands[sheet]
        assert (set(versions), lines, state, entries) == ({submission}, len(afield.work.standards), "submitted", 1)
    # What was not acknowledged may stand (the answer was lost), once; never more than each client's last one.
    assert len(stands.keys() - afield.acknowledged.keys()) <= CLIENTS
