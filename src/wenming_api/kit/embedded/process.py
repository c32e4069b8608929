"""One supervised child process: it dies with this process; the next start ends leftovers."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import IO, Literal

from wenming_api.kit.embedded.errors import EmbeddedError, StartFailed

Isolation = Literal["none", "namespace", "nobody"]
"""How a program that refuses root is started; see `launch.py`."""

Spawn = Callable[[], subprocess.Popen[bytes]]

LAUNCHER = Path(__file__).with_name("launch.py")


class _Spawner:
    """Starts children from one thread that lives as long as the process.

    The kernel ties the parent-death signal to the *thread* that spawned the child: a child started from a
    short-lived thread would be told to stop as soon as that thread ends.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._lock = threading.Lock()
        self._wanted: queue.SimpleQueue[tuple[Spawn, Future[subprocess.Popen[bytes]]]]

    def spawn(self, start: Spawn) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._pid != os.getpid():  # first use, or a fork, which leaves threads behind
                self._pid = os.getpid()
                self._wanted = queue.SimpleQueue()
                threading.Thread(target=self._serve, name="spawner", daemon=True).start()
        result: Future[subprocess.Popen[bytes]] = Future()
        self._wanted.put((start, result))
        return result.result()

    def _serve(self) -> None:
        while True:
            start, result = self._wanted.get()
            try:
                result.set_result(start())
            except BaseException as error:
                result.set_exception(error)


_spawner = _Spawner()


class Child:
    """A program that runs under this process.

    `death_signal` is what the kernel sends it when this process dies, and what `stop` sends. `pid_file` lets
    the next start find a child that outlived its parent (`end_leftover`).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path | None,
        death_signal: signal.Signals = signal.SIGTERM,
        isolation: Isolation = "none",
        pid_file: Path | None = None,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self.pid_file = pid_file
        self._death_signal = death_signal
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(death_signal))]
        self._command = [*launcher, str(pid_file) if pid_file else "-", isolation, "--", *command]
        self._environment = dict(environment) if environment is not None else None
        self._directory = directory
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running child."""
        if self._process is None:
            raise EmbeddedError(f"{self.name} 尚未启动")
        return self._process.pid

    def start(self) -> None:
        """Spawn it; returns at once. Its output goes to `log`, else to our own terminal."""
        self._process = _spawner.spawn(self._spawn)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with contextlib.ExitStack() as stack:
            output: IO[bytes] | None = None
            if self.log is not None:
                self.log.parent.mkdir(parents=True, exist_ok=True)
                output = stack.enter_context(self.log.open("wb"))
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                env=self._environment,
                cwd=self._directory,
                pass_fds=self._pass_fds,
            )

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process is not None else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait for `ready`; raises `StartFailed` when the program ends or the time is over."""
        log = self.log or Path(os.devnull)
        deadline = time.monotonic() + seconds
        pause = 0.01
        while not ready():
            if not self.running():
                raise StartFailed(self.name, f"进程已退出，返回码 {self.exit_code()}", log)
            if time.monotonic() > deadline:
                raise StartFailed(self.name, f"{seconds:g} 秒内没有就绪", log)
            time.sleep(pause)
            pause = min(pause * 1.3, 0.1)

    def stop(self, *, seconds: float = 15.0) -> None:
        """Ask it to stop, wait, and after `seconds` kill its whole session. Harmless when it does not run."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self._death_signal)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._process = None
        if self.pid_file is not None:
            self.pid_file.unlink(missing_ok=True)


def end_leftover(pid_file: Path, how: signal.Signals, *, seconds: float = 10.0) -> bool:
    """End the child that a killed parent left behind, if it still runs. True when there was one."""
    try:
        pid, started = (int(part) for part in pid_file.read_text().split())
    except (OSError, ValueError):
        return False
    found = _start_time(pid) == started
    if found:
        _signal(pid, how)
        deadline = time.monotonic() + seconds
        while _start_time(pid) == started:
            if time.monotonic() > deadline:
                _signal(pid, signal.SIGKILL)
                deadline += seconds
            time.sleep(0.02)
    pid_file.unlink(missing_ok=True)
    return found


def _start_time(pid: int) -> int | None:
    """Start time in clock ticks since boot, or None when no such process runs (a zombie does not run)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    dead = fields[0] in "ZX" and int(fields[17]) <= 1  # with more threads, only the first has ended
    return None if dead else int(fields[19])


def _signal(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def run(command: Sequence[str], *, name: str, isolation: Isolation = "none", log: Path) -> None:
    """Run a helper such as initdb to its end under the same isolation; `StartFailed` when it fails."""
    child = Child(name, command, log=log, isolation=isolation)
    child.start()
    try:
        while child.running():
            time.sleep(0.005)
        if child.exit_code() != 0:
            raise StartFailed(name, f"返回码 {child.exit_code()}", log)
    finally:
        child.stop()


def isolation_for_root(probe_log: Path) -> Isolation:
    """How a program that refuses root can be started here: an ordinary user needs nothing."""
    if os.geteuid() != 0:
        return "none"
    try:
        run(["/bin/true"], name="user namespace", isolation="namespace", log=probe_log)
    except StartFailed:
        return "nobody"
    return "namespace"
