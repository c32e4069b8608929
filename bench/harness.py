"""Runs the real server and the bare one, and looks at what the real one asks of the database."""

import http.client
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.load import Stats, measure, request
from bench.world import World
from wenming_api.dev import COMMAND
from wenming_api.kit.embedded import ports
from wenming_api.kit.embedded.postgres import SUPERUSER, EmbeddedPostgres
from wenming_api.kit.embedded.process import Child
from wenming_api.kit.embedded.supervisor import Supervisor
from wenming_api.kit.invalidation import CHANNEL

APP_ROLE = "wenming_app"
LOGGED = re.compile(r"^\S+ \S+ \S+ \[\d+\] (\S+)@(\S+) (LOG|DETAIL):  (.*)$")
EXECUTED = re.compile(r"^duration: [\d.]+ ms  (?:execute [^:]*|statement): (.*)$", re.DOTALL)
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
UNCOUNTED = re.compile(r"^\s*(BEGIN|COMMIT|ROLLBACK|SET|RESET|SHOW|SELECT 1;?\s*$)", re.IGNORECASE)


@dataclass
class Server:
    """Processes that share one listening socket."""

    supervisor: Supervisor
    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready: str
    port: int = 0
    children: list[Child] = field(default_factory=list)

    @contextmanager
    def running(self, *, workers: int = 1) -> Iterator["Server"]:
        """Serve until the block ends."""
        with ports.listen(ports.LOOPBACK, 0) as listener:
            self.port = int(listener.getsockname()[1])
            command = [*self.command, "--fd", str(listener.fileno())]
            log = self.supervisor.data_dir / f"{self.name}.log"
            for number in range(workers):
                self.children.append(
                    self.supervisor.run(
                        f"{self.name}-{number}",
                        command,
                        environment=self.environment,
                        pass_fds=[listener.fileno()],
                        log=log if number == 0 else log.with_suffix(f".{number}.log"),
                    )
                )
            try:
                self._wait(log)
                yield self
            finally:
                for child in self.children:
                    self.supervisor.stop_child(child)
                self.children = []

    def _wait(self, log: Path) -> None:
        for child in self.children:
            child.wait_until(lambda: self.get(self.ready)[0] == 200, seconds=120)
        if not all(child.running() for child in self.children):
            raise RuntimeError(log.read_text()[-2_000:])

    def cpu_seconds(self) -> float:
        """Processor time that the processes have used so far (the database's own is not theirs)."""
        ticks = 0
        for child in self.children:
            fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
        """One GET: status (0 when nobody answers), body, headers."""
        return self.send("GET", path, headers=headers)

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """One request with a JSON body."""
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.port, timeout=60)
        try:
            payload = None if body is None else json.dumps(body).encode()
            given = {**({"Content-Type": "application/json"} if payload else {}), **(headers or {})}
            connection.request(method, path, payload, given)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException):
            return 0, b"", {}
        finally:
            connection.close()


@dataclass
class Bench:
    """One run: the servers, the volume, and how long each load lasts."""

    supervisor: Supervisor
    postgres: EmbeddedPostgres
    database: str
    variables: dict[str, str]
    world: World
    seconds: float
    connections: int = 32

    def __post_init__(self) -> None:
        self.cpu_ms: dict[str, float] = {}
        self._files = self.supervisor.data_dir / "baseline"
        self._files.mkdir(exist_ok=True)
        self.same_bytes("ready", b"{}")
        self.api = Server(self.supervisor, "api", [*COMMAND, "serve"], self.variables, "/healthz")
        self.baseline = Server(
            self.supervisor,
            "baseline",
            [sys.executable, "-m", "bench.baseline"],
            {
                **os.environ,
                "BENCH_DSN": f"postgresql://{APP_ROLE}@/{self.database}?host={self.postgres.socket_dir}",
                "BENCH_FILES": str(self._files),
            },
            "/bytes/ready",
        )

    def same_bytes(self, name: str, body: bytes) -> bytes:
        """A request to the bare server that is answered with `body`."""
        (self._files / f"{name}.bytes".replace(" ", "-")).write_bytes(body)
        return request("GET", f"/bytes/{name}".replace(" ", "-"))

    def same_rows(self, name: str, statements: Sequence[str]) -> bytes:
        """A request to the bare server that runs `statements`, no more."""
        (self._files / f"{name}.queries".replace(" ", "-")).write_text(json.dumps(statements))
        return request("GET", f"/rows/{name}".replace(" ", "-"))

    def as_(self, username: str) -> dict[str, str]:
        """The headers of a signed-in user."""
        return {"Authorization": f"Bearer {self.world.tokens[username]}"}

    def load(self, server: Server, requests: Sequence[bytes], **options: Any) -> Stats:
        """A load of the usual size, unless `options` say otherwise; notes what it cost the server's processes."""
        before = server.cpu_seconds()
        stats = measure(server.port, requests, **{"seconds": self.seconds, "connections": self.connections, **options})
        answered = sum(stats.statuses.values())
        self.cpu_ms[server.name] = round((server.cpu_seconds() - before) * 1000 / max(answered, 1), 3)
        return stats

    def request(self, path: str, username: str | None = None, **options: Any) -> bytes:
        """A request to the API as the load generator sends it."""
        headers = {**(self.as_(username) if username else {}), **options.pop("headers", {})}
        return request(options.pop("method", "GET"), path, headers=headers, **options)

    def statements(self, send: Any, *, times: int = 10) -> tuple[float, list[str]]:
        """SQL statements per call of `send` (transactions' own not counted), and those of the last call, runnable.

        They are read from the server's own log, so nothing in the measured process knows about it.
        """
        send()
        self._log_statements("0")
        log = self.postgres.data_dir / "postgres.log"
        start = log.stat().st_size
        try:
            for _ in range(times - 1):
                send()
            middle = log.stat().st_size
            send()
        finally:
            self._log_statements("-1")
        content = log.read_bytes()
        count = len(_executed(content[start:].decode()))
        return count / times, _executed(content[middle:].decode())

    def _log_statements(self, milliseconds: str) -> None:
        self.postgres.psql(f"ALTER SYSTEM SET log_min_duration_statement = {milliseconds};\nSELECT pg_reload_conf();")
        time.sleep(0.3)  # every backend reads the new setting at its next command

    def forget(self) -> None:
        """Make the server's processes drop the answers that they keep."""
        self.sql(f"SELECT pg_notify('{CHANNEL}', topic) FROM unnest(ARRAY['rankings', 'results']) topic")
        time.sleep(0.05)  # the news travels by a connection of its own

    def sql(self, statement: str) -> str:
        """One statement as the superuser, for preparing and looking."""
        return self.postgres.psql(statement, database=self.database, role=SUPERUSER).strip()


def _executed(log: str) -> list[str]:
    """The application's statements in a piece of the log, with their parameters written in."""
    entries: list[tuple[str, str]] = []
    for line in log.splitlines():
        found = LOGGED.match(line)
        if found:
            role, _, kind, text = found.groups()
            entries.append((kind if role == APP_ROLE else "", text))
        elif entries and line.startswith("\t"):
            entries[-1] = (entries[-1][0], f"{entries[-1][1]}\n{line[1:]}")
    statements: list[str] = []
    for kind, text in entries:
        executed = EXECUTED.match(text)
        if kind == "LOG" and executed and not UNCOUNTED.match(executed.group(1)):
            statements.append(executed.group(1))
        elif kind == "DETAIL" and statements and text.lower().startswith("parameters:"):
            values = {int(number): value for number, value in PARAMETER.findall(text)}
            statements[-1] = re.sub(
                r"\$(\d+)", lambda match, values=values: values.get(int(match.group(1)), match.group(0)), statements[-1]
            )
    return statements
