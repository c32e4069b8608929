"""`wenming dev`: everything that the system needs, on this machine, by one command.

Servers whose addresses are set are used as they are; the others are started from wheels (`kit.embedded`). API and
worker run as processes of their own under the same supervisor, so that nothing is left behind however this one ends.
"""

import http.client
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from wenming_api.access.tokens import new_signing_key
from wenming_api.kit.embedded import ports
from wenming_api.kit.embedded.directory import private_directory, write_private
from wenming_api.kit.embedded.errors import EmbeddedError
from wenming_api.kit.embedded.objects import EmbeddedObjects
from wenming_api.kit.embedded.postgres import EmbeddedPostgres
from wenming_api.kit.embedded.supervisor import Part, Stage, Supervisor
from wenming_api.kit.embedded.valkey import EmbeddedValkey
from wenming_api.settings import Settings

DATABASE = "wenming"
COMMAND = (sys.executable, "-m", "wenming_api.cli")
READY_SECONDS = 60.0
STAGES: Mapping[Stage, str] = {
    "starting": "正在启动 starting",
    "ready": "已就绪 ready",
    "failed": "启动失败 failed",
    "stopping": "正在停止 stopping",
    "stopped": "已停止 stopped",
}


class Stopped(BaseException):
    """A signal asked this process to end."""


def run(settings: Settings, *, workers: int = 1) -> int:
    """Start everything, serve until a signal comes, stop everything. Returns the process's exit code."""
    try:
        with _stopping_on_signals():
            return _run(settings, workers)
    except EmbeddedError as error:
        say(f"✗ {error}")
        return 1
    except Stopped:
        say("● 已全部停止 everything stopped")
        return 0


def _run(settings: Settings, workers: int) -> int:
    began = time.monotonic()
    listener = ports.listen(settings.host, settings.port)  # first: a busy port shall cost nobody a start
    with listener, Environment(settings) as environment:
        supervisor = environment.supervisor
        for name, label in (("migrate", "数据库结构 migrations"), ("seed", "初始数据 seed data")):
            _to_the_end(supervisor, name, label, environment.variables)
        serve = [*COMMAND, "serve", "--fd", str(listener.fileno())]
        for number in range(1, workers + 1):
            variables, name = environment.variables, "api" if workers == 1 else f"api-{number}"
            supervisor.run(name, serve, environment=variables, pass_fds=[listener.fileno()])
        supervisor.run("worker", [*COMMAND, "worker"], environment=environment.variables)
        _wait_until_served(supervisor, settings)
        host = ports.reachable_address(settings.host)
        address = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
        say(f"● 已启动，用时 {time.monotonic() - began:.1f} 秒；按 Ctrl-C 停止 ready, Ctrl-C stops")
        say(f"  地址 address          {address}")
        say(f"  接口文档 documentation {address}/docs")
        ended = supervisor.wait()
        say(f"✗ {ended} 意外退出，正在停止其余部分 ended unexpectedly, stopping the rest")
        return 1


class Environment:
    """The servers of one data directory, and the variables by which every program finds them."""

    def __init__(self, settings: Settings, *, postgres_settings: Mapping[str, str] | None = None) -> None:
        base = private_directory(settings.data_dir.absolute())
        self._settings = settings
        self.postgres = (
            None if settings.database.url else EmbeddedPostgres(base / "postgres", settings=postgres_settings)
        )
        self.valkey = None if settings.cache.url else EmbeddedValkey(base / "valkey")
        self._objects = (
            None if settings.storage.endpoint else EmbeddedObjects(base / "objects", public_host=settings.host)
        )
        servers: tuple[Part | None, ...] = (self.postgres, self.valkey, self._objects)
        self.supervisor = Supervisor(base, [server for server in servers if server is not None], progress=_progress)
        self.variables: dict[str, str] = {}

    def __enter__(self) -> "Environment":
        self.supervisor.start()
        self.variables = {**os.environ, **self._found(), "PYTHONUNBUFFERED": "1"}
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop()

    def _found(self) -> dict[str, str]:
        settings = self._settings
        found = {
            "HOST": settings.host,
            "PORT": str(settings.port),
            "DATA_DIR": str(self.supervisor.data_dir),
        }
        if self.postgres is not None:
            found["WENMING_DATABASE__URL"] = self.postgres.url(DATABASE, "wenming_app")
            found["WENMING_DATABASE__OWNER_URL"] = self.postgres.url(DATABASE, self.postgres.owner)
            found["WENMING_DATABASE__SEALER_URL"] = self.postgres.url(DATABASE, "wenming_sealer")
        if self.valkey is not None:
            found["WENMING_CACHE__URL"] = self.valkey.url()
        if self._objects is not None:
            found["WENMING_STORAGE__ENDPOINT"] = f"http://{self._objects.endpoint}"
            found["WENMING_STORAGE__PUBLIC_ENDPOINT"] = f"http://{self._objects.public_endpoint}"
            found["WENMING_STORAGE__ACCESS_KEY"] = self._objects.access_key
            found["WENMING_STORAGE__SECRET_KEY"] = self._objects.secret_key
        if settings.sessions.signing_key is None:
            found["WENMING_SESSIONS__SIGNING_KEY"] = _kept_signing_key(self.supervisor.data_dir / "signing-key.pem")
        return found


def _kept_signing_key(path: Path) -> str:
    """The key that signs access tokens: shared by all processes, the same after a restart."""
    if not path.exists():
        write_private(path, new_signing_key())
    return path.read_text()


def _to_the_end(supervisor: Supervisor, name: str, label: str, variables: Mapping[str, str]) -> None:
    began = time.monotonic()
    code = supervisor.finish(name, [*COMMAND, name], environment=variables)
    if code != 0:
        raise EmbeddedError(f"{label} 失败，返回码 {code}（原因见上文）。")
    say(f"● {label:<22} 完成 done ({time.monotonic() - began:.1f} s)")


def _wait_until_served(supervisor: Supervisor, settings: Settings) -> None:
    """The port accepts from the beginning, so one request is enough: it is answered when the API is up."""
    host = ports.local_address(settings.host)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, settings.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        if (ended := supervisor.ended()) is not None:
            raise EmbeddedError(f"{ended} 启动时退出（原因见上文）。")
    raise EmbeddedError(f"API 在 {READY_SECONDS:g} 秒内没有应答。")


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """Turn the first signal into `Stopped`, so that every `with` block cleans up; later ones are ignored meanwhile."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _progress(name: str, stage: Stage, seconds: float) -> None:
    took = f" ({seconds:.1f} s)" if stage in {"ready", "stopped", "failed"} else ""
    say(f"● {name:<22} {STAGES[stage]}{took}")


def say(line: str) -> None:
    """One line to the person at the terminal, whole, even from several threads."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
