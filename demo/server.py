"""A server for the demo: its own, started on a data directory of its own, or one that is running already."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 180


@dataclass(frozen=True)
class Server:
    """Where the service is, and the passwords of its demo accounts."""

    url: str
    passwords: dict[str, str]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    """`wenming dev` on a temporary data directory, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="wenming-demo-") as directory:
        accounts = Path(directory) / "accounts.json"
        port = _free_port()
        environment = {
            **os.environ,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATA_DIR": str(Path(directory) / "data"),
            "WENMING_ACCOUNTS_FILE": str(accounts),
            "WENMING_LOG_LEVEL": "warning",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "wenming_api.cli", "dev"], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            _wait(f"http://127.0.0.1:{port}", process)
            yield Server(f"http://127.0.0.1:{port}", json.loads(accounts.read_text(encoding="utf-8")))
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        time.sleep(0.3)
    raise SystemExit("the server did not become ready")
