"""Starts servers together, stops them in order, runs programs beside them, and leaves nothing behind."""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, Protocol

from wenming_api.kit.embedded.directory import DirectoryLock
from wenming_api.kit.embedded.process import Child, end_leftover

Stage = Literal["starting", "ready", "failed", "stopping", "stopped"]
Progress = Callable[[str, Stage, float], None]
"""Told: name, stage, seconds since its start or stop began. Called from several threads."""


class Part(Protocol):
    """A server that the supervisor can run: `EmbeddedPostgres`, `EmbeddedValkey`, `EmbeddedObjects`."""

    @property
    def name(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def running(self) -> bool: ...


def quiet(name: str, stage: Stage, seconds: float) -> None:
    """Progress that nobody wants to see."""


class Supervisor:
    """Holds `data_dir` for this process, and runs `parts` (servers) and programs started with `run`.

    Programs stop before servers, and servers in the reverse of the order given. When this process is killed,
    the kernel tells every one of them to stop, and the next start waits for what is still on its way out.
    """

    def __init__(self, data_dir: Path, parts: Sequence[Part], *, progress: Progress = quiet) -> None:
        self.data_dir = data_dir.absolute()
        self._parts = tuple(parts)
        self._progress = progress
        self._lock = DirectoryLock(self.data_dir)
        self._children: list[Child] = []

    def start(self) -> None:
        """Start all servers at once; when one fails, stop the others and raise its error.

        Raises `AlreadyRunning` when another supervisor holds the directory.
        """
        self._lock.acquire()
        try:
            for pid_file in sorted(self.data_dir.glob("*.child")):
                end_leftover(pid_file, signal.SIGTERM)
            with ThreadPoolExecutor(max(len(self._parts), 1), thread_name_prefix="start") as pool:
                started = [pool.submit(self._start, part) for part in self._parts]
            for future in started:
                future.result()
        except BaseException:
            self.stop()
            raise

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        log: Path | None = None,
    ) -> Child:
        """Start a program beside the servers; its output goes to the terminal unless `log` is given."""
        pid_file = self.data_dir / f"{name}.child"
        child = Child(name, command, log=log, pid_file=pid_file, environment=environment, pass_fds=pass_fds)
        self._children.append(child)
        child.start()
        return child

    def finish(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> int:
        """Run a program to its end under the same protection; returns its exit code."""
        child = self.run(name, command, environment=environment, log=log)
        code = child.exit_code()
        while code is None:
            time.sleep(0.02)
            code = child.exit_code()
        self.stop_child(child)
        return code

    def stop_child(self, child: Child) -> None:
        """Stop a program started with `run` before everything else stops."""
        self._children.remove(child)
        child.stop()

    def ended(self) -> str | None:
        """The name of something under supervision that has ended by itself."""
        watched = (*self._children, *self._parts)
        return next((one.name for one in watched if not one.running()), None)

    def wait(self, *, stopped: Callable[[], bool] = lambda: False) -> str | None:
        """Block until `stopped()` says so (None) or something under supervision ends by itself (its name)."""
        while not stopped():
            if (name := self.ended()) is not None:
                return name
            time.sleep(0.2)
        return None

    def stop(self) -> None:
        """Stop programs, then servers; every one is tried even when another fails."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._lock.release)
            for part in self._parts:
                stack.callback(self._stop, part)
            for child in self._children:
                stack.callback(child.stop)
            self._children = []

    def _start(self, part: Part) -> None:
        began = time.monotonic()
        self._progress(part.name, "starting", 0.0)
        try:
            part.start()
        except BaseException:
            self._progress(part.name, "failed", time.monotonic() - began)
            raise
        self._progress(part.name, "ready", time.monotonic() - began)

    def _stop(self, part: Part) -> None:
        if not part.running():
            part.stop()  # lets go of its directory
            return
        began = time.monotonic()
        self._progress(part.name, "stopping", 0.0)
        part.stop()
        self._progress(part.name, "stopped", time.monotonic() - began)

    def __enter__(self) -> "Supervisor":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
