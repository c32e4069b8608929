"""PostgreSQL from its wheel: a private cluster on a unix socket, used by ordinary roles."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from wenming_api.kit.embedded import binaries
from wenming_api.kit.embedded.directory import DirectoryLock, private_directory, socket_directory
from wenming_api.kit.embedded.errors import EmbeddedError
from wenming_api.kit.embedded.process import Child, Isolation, end_leftover, isolation_for_root, run

SUPERUSER = "postgres"
SOCKET_NAME = ".s.PGSQL.5432.lock"
IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")

INITDB_OPTIONS = (
    *("-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"),
)

BASE_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    "jit": "off",
}
DISPOSABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "1d",
}


class EmbeddedPostgres:
    """One PostgreSQL cluster under `data_dir`.

    Roles, all without password (the socket's directory is private to this user): `owner` owns the databases
    and may create more of them; `roles` may only connect, and get their rights from migrations. None is the
    superuser. `durable=False` gives up crash safety for speed: for tests only. `settings` are added to the
    server's own.
    """

    name = "PostgreSQL"

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        owner: str = "wenming_owner",
        roles: Sequence[str] = ("wenming_app", "wenming_sealer"),
        databases: Sequence[str] = ("wenming",),
        settings: Mapping[str, str] | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        for identifier in (owner, *roles, *databases):
            if not IDENTIFIER.fullmatch(identifier):
                raise ValueError(f"not a plain lower-case identifier: {identifier!r}")
        self.data_dir = data_dir.absolute()
        self.owner = owner
        self._roles = tuple(roles)
        self._databases = tuple(databases)
        self._settings = {**BASE_SETTINGS, **({} if durable else DISPOSABLE_SETTINGS), **(settings or {})}
        self._wanted_isolation = isolation
        self._isolation: Isolation = "none"
        self._lock = DirectoryLock(self.data_dir)
        self._cluster = self.data_dir / "cluster"
        self._log = self.data_dir / "postgres.log"
        self._pid_file = self.data_dir / "postgres.pid"
        self._socket_dir = self.data_dir / "run"
        self._child: Child | None = None

    @property
    def socket_dir(self) -> Path:
        """Directory of the unix socket, to be given as `host`. Known once started."""
        return self._socket_dir

    def url(self, database: str, role: str) -> str:
        """Address for SQLAlchemy with asyncpg."""
        return f"postgresql+asyncpg://{role}@/{database}?host={quote(str(self._socket_dir))}"

    def start(self) -> None:
        """Initialise at the first start, recover after a crash, and return when connections are accepted."""
        self._lock.acquire()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._isolation = self._wanted_isolation or isolation_for_root(self.data_dir / "isolation.log")
        self._socket_dir = socket_directory(self.data_dir / "run", longest_name=SOCKET_NAME)
        end_leftover(self._pid_file, signal.SIGINT)
        if self._isolation == "nobody":
            self._give_to_nobody()
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        else:
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)  # we hold the lock: whoever wrote it is gone
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        self._child = Child(
            self.name,
            [
                str(binaries.postgres("postgres")),
                "-D",
                str(self._cluster),
                "-k",
                str(self._socket_dir),
                *options,
            ],
            log=self._log,
            death_signal=signal.SIGINT,  # "fast" shutdown: roll back, checkpoint, end
            isolation=self._isolation,
            pid_file=self._pid_file,
            environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
        self._child.start()
        self._child.wait_until(self._accepts, seconds=120)  # crash recovery may take its time
        self._create_roles_and_databases()

    def _initialise(self) -> None:
        """Into a directory of another name first: a half-made cluster is never taken for a whole one."""
        half = self.data_dir / "cluster.new"
        shutil.rmtree(half, ignore_errors=True)
        private_directory(half)
        if self._isolation == "nobody":
            self._give_to_nobody()
        run(
            [str(binaries.postgres("initdb")), "-D", str(half), *INITDB_OPTIONS],
            name="initdb",
            isolation=self._isolation,
            log=self.data_dir / "initdb.log",
        )
        half.rename(self._cluster)

    def _give_to_nobody(self) -> None:
        entry = pwd.getpwnam("nobody")
        for directory in (self.data_dir, self._socket_dir):
            os.chown(directory, entry.pw_uid, entry.pw_gid)
        for path in self.data_dir.rglob("*"):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def _accepts(self) -> bool:
        """The server's own status line, which costs no connection."""
        with contextlib.suppress(OSError):
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() == "ready"
        return False

    def _create_roles_and_databases(self) -> None:
        statements = [
            f"SELECT 'CREATE ROLE {role} LOGIN {'CREATEDB' if role == self.owner else ''}' "
            f"WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec\n"
            for role in (self.owner, *self._roles)
        ]
        statements += [
            f"SELECT 'CREATE DATABASE {name} OWNER {self.owner}' "
            f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}') \\gexec\n"
            for name in self._databases
        ]
        self.psql("".join(statements))

    def psql(self, script: str, *, database: str = "postgres", role: str = SUPERUSER) -> str:
        """Run a psql script, by default as the superuser; returns its output. For setting up only."""
        command = [str(binaries.postgres("psql")), "-h", str(self._socket_dir), "-U", role, "-d", database]
        done = subprocess.run(
            [*command, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"],
            input=script.encode(),
            capture_output=True,
            check=False,
            timeout=600,
        )
        if done.returncode != 0:
            raise EmbeddedError(done.stderr.decode(errors="replace").strip())
        return done.stdout.decode()

    def running(self) -> bool:
        """Whether the server process lives."""
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run."""
        return self._child.pid if self._child is not None and self._child.running() else None

    def stop(self) -> None:
        """Shut down cleanly; harmless when it does not run."""
        try:
            if self._child is not None:
                self._child.stop(seconds=30)
                self._child = None
        finally:
            self._lock.release()
