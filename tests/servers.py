"""Real servers for the tests: one PostgreSQL, one Valkey and one SeaweedFS per test run.

They start when first asked for, are shared by all xdist workers, and belong to a *keeper* process (this
module run as a program). Every test process holds a connection to it; when the last one is gone, however it went,
the keeper stops the servers and deletes their data. Nothing here needs an event loop.

    servers.postgres()                     -> Postgres     (socket_dir, owner, `.url(database, role)`)
    servers.valkey_url()                   -> str          (a database of this worker's own)
    servers.objects()                      -> Objects      (endpoint, access_key, secret_key)
    servers.template(build)                -> str          (name of the run's template database)
    servers.create_database(template=...)  -> str          (name of a new database)
    servers.drop_database(name)            -> None
    servers.worker()                       -> str          ("main", "gw0" …: to name buckets and the like)
"""

import contextlib
import fcntl
import functools
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wenming_api.kit.embedded import binaries
from wenming_api.kit.embedded.objects import EmbeddedObjects
from wenming_api.kit.embedded.postgres import SUPERUSER, EmbeddedPostgres
from wenming_api.kit.embedded.valkey import EmbeddedValkey

GRACE_SECONDS = 1.0
"""How long the keeper outlives its last client: xdist replaces a crashed worker."""
FIRST_CLIENT_SECONDS = 30.0


@dataclass(frozen=True)
class Postgres:
    """The run's PostgreSQL: fsync off, roles `wenming_owner`, `wenming_app`, `wenming_sealer`."""

    socket_dir: str
    owner: str

    def url(self, database: str, role: str = "wenming_app") -> str:
        """`postgresql+asyncpg://role@/database?host=/socket/dir`."""
        return f"postgresql+asyncpg://{role}@/{database}?host={quote(self.socket_dir)}"

    def psql(self, script: str, *, database: str = "postgres", role: str | None = None) -> str:
        """Run a psql script (as the owner unless `role` is given) and return its bare output."""
        program = str(binaries.postgres("psql"))
        command = [program, "-h", self.socket_dir, "-U", role or self.owner, "-d", database]
        done = subprocess.run(
            [*command, "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()


@dataclass(frozen=True)
class Objects:
    """The run's S3 store: plain HTTP at `endpoint` (`host:port`)."""

    endpoint: str
    access_key: str
    secret_key: str


def worker() -> str:
    """Name of this xdist worker, or `main`."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@functools.cache
def postgres() -> Postgres:
    """The run's PostgreSQL, started at the first call of the run."""
    return Postgres(**_ask("postgres"))


@functools.cache
def valkey_url() -> str:
    """Address of a Valkey database that no other worker of the run uses (flushing it is safe)."""
    number = 0 if worker() == "main" else int(worker().removeprefix("gw")) + 1
    return f"{_ask('valkey')['url']}/{number}"


@functools.cache
def objects() -> Objects:
    """The run's S3 store, started at the first call of the run. Name buckets after `worker()`."""
    return Objects(**_ask("objects"))


def template(build: Callable[[str], None], *, name: str = "template_run") -> str:
    """The run's template database, made once per run: `build(database)` migrates (and seeds) an empty one.

    The first worker builds while the others wait. `build` must close its connections before it returns.
    """
    server = postgres()
    with _locked(f"{name}.template"):
        exists = server.psql(f"SELECT count(*) FROM pg_database WHERE datname = '{name}'") == "1"
        if not exists:
            half = f"{name}_half"
            server.psql(f"DROP DATABASE IF EXISTS {half} WITH (FORCE);\nCREATE DATABASE {half};")
            build(half)
            server.psql(f"ALTER DATABASE {half} RENAME TO {name};")
    return name


_numbers = itertools.count(1)


def create_database(name: str | None = None, *, template: str = "template1") -> str:
    """A new database owned by `wenming_owner`, copied from `template`; returns its name."""
    name = name or f"test_{worker()}_{os.getpid()}_{next(_numbers)}"
    postgres().psql(f"CREATE DATABASE {name} TEMPLATE {template};")
    return name


def drop_database(name: str) -> None:
    """Drop it, with whatever is still connected."""
    postgres().psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);", role=SUPERUSER)


# --- the client's side ---


def run_directory() -> Path:
    """One directory per test run: xdist gives all its workers the same run id."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"pid-{os.getpid()}"
    return Path(tempfile.gettempdir()) / f"wm-test-{os.geteuid()}-{run[:16]}"


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    directory = run_directory()
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class _Keeper:
    """This process's connection to the run's keeper, opened once and held to the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._pid = 0

    def ask(self, what: str) -> dict[str, Any]:
        with self._lock:
            if self._connection is None or self._pid != os.getpid():
                self._connection = self._connect()
                self._pid = os.getpid()
            self._connection.sendall(f"{what}\n".encode())
            answer = self._connection.makefile("r").readline()
        if not answer:
            raise RuntimeError(f"the servers' keeper ended; its log is {run_directory() / 'keeper.log'}")
        values: dict[str, Any] = json.loads(answer)
        if "error" in values:
            raise RuntimeError(values["error"])
        return values

    def _connect(self) -> socket.socket:
        with _locked("keeper"):
            address = run_directory() / "keeper.sock"
            with contextlib.suppress(OSError):
                return _connected(address)
            address.unlink(missing_ok=True)
            with (run_directory() / "keeper.log").open("ab") as log:
                subprocess.Popen(
                    [sys.executable, __file__, str(run_directory())],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                )
            deadline = time.monotonic() + FIRST_CLIENT_SECONDS
            while True:
                try:
                    return _connected(address)
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)


def _connected(address: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
    except OSError:
        connection.close()
        raise
    return connection


_keeper = _Keeper()


def _ask(what: str) -> dict[str, Any]:
    return _keeper.ask(what)


# --- the keeper ---


class _Servers:
    """Starts each server at its first mention; different servers start side by side."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks = {name: threading.Lock() for name in ("postgres", "valkey", "objects")}
        self._running: dict[str, EmbeddedPostgres | EmbeddedValkey | EmbeddedObjects] = {}
        self._facts: dict[str, dict[str, Any]] = {}

    def facts(self, name: str) -> dict[str, Any]:
        with self._locks[name]:
            if name not in self._facts:
                self._facts[name] = getattr(self, f"_start_{name}")(self._directory / name)
            return self._facts[name]

    def _start_postgres(self, directory: Path) -> dict[str, Any]:
        server = EmbeddedPostgres(directory, durable=False, settings={"shared_buffers": "128MB"})
        server.start()
        self._running["postgres"] = server
        return {"socket_dir": str(server.socket_dir), "owner": server.owner}

    def _start_valkey(self, directory: Path) -> dict[str, Any]:
        server = EmbeddedValkey(directory)
        server.start()
        self._running["valkey"] = server
        return {"url": server.url().removesuffix("/0")}

    def _start_objects(self, directory: Path) -> dict[str, Any]:
        server = EmbeddedObjects(directory, memory_mb=256, volume_size_mb=64)
        server.start()
        self._running["objects"] = server
        return {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}

    def stop(self) -> None:
        for server in self._running.values():
            server.stop()


def keep(directory: Path) -> None:
    """Serve the test processes of one run until all of them are gone."""
    servers = _Servers(directory)
    clients: set[socket.socket] = set()
    changed = threading.Condition()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("r") as lines:
            for line in lines:
                try:
                    answer = servers.facts(line.strip())
                except Exception as error:
                    answer = {"error": str(error)}
                connection.sendall(json.dumps(answer).encode() + b"\n")
        connection.close()
        with changed:
            clients.discard(connection)
            changed.notify_all()

    def accept(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            with changed:
                clients.add(connection)
                changed.notify_all()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "keeper.sock"))
        listener.listen(64)
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        with changed:
            changed.wait_for(lambda: clients, FIRST_CLIENT_SECONDS)
            while clients:
                changed.wait_for(lambda: not clients)
                changed.wait_for(lambda: clients, GRACE_SECONDS)
    try:
        servers.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
