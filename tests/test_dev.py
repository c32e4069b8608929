"""`wenming dev`: one command brings everything up, and nothing stays behind however it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from tests.kit.embedded.test_process import alive, eventually
from wenming_api.cli import configured
from wenming_api.kit.embedded import ports

READY = "按 Ctrl-C 停止"


class Running:
    """A `wenming dev` of its own, and what it printed."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.port = port
        self.log = data_dir.parent / f"dev-{os.urandom(4).hex()}.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WENMING_")}
        environment |= {"PYTHONPATH": "src", "DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "wenming_api.cli", "dev"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_until_ready(self) -> None:
        assert eventually(lambda: READY in self.output or self.process.poll() is not None, seconds=180)
        assert READY in self.output, self.output

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            body: bytes = answer.read()
            return body


@contextmanager
def dev(data_dir: Path, port: int) -> Iterator[Running]:
    running = Running(data_dir, port)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def descendants(pid: int) -> set[int]:
    """Every process below this one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found.update(below)
        waiting += below
    return found


def test_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with ports.listen("127.0.0.1", 0) as listener, dev(tmp_path / "data", listener.getsockname()[1]) as running:
        assert running.process.wait(60) == 1
        assert re.search(r"端口 127.0.0.1:\d+ 已被占用", running.output)
    assert not (tmp_path / "data").exists()


@pytest.mark.long
def test_whole_life(tmp_path: Path) -> None:
    data = tmp_path / "data"
    port, other_port = ports.choose(2)
    with dev(data, port) as first:
        first.wait_until_ready()
        assert f"http://127.0.0.1:{port}" in first.output
        password = re.search(r"city\.office +(\S+)", first.output)
        assert password, first.output
        ready = json.loads(first.get("/readyz"))
        assert {check["name"]: check["ok"] for check in ready["checks"]} == dict.fromkeys(
            ("database", "cache", "objects", "queue"), True
        )
        assert b"swagger" in first.get("/docs")
        with dev(data, other_port) as second:
            assert second.process.wait(60) == 1
            assert f"PID {first.process.pid}" in second.output
        below = descendants(first.process.pid)
        assert len(below) > 5
        first.process.kill()
        first.process.wait()
        assert eventually(lambda: not any(alive(pid) for pid in below), seconds=20)
    with dev(data, port) as again:
        again.wait_until_ready()
        assert password.group(1) not in again.output
        body = json.dumps({"username": "city.office", "password": password.group(1)}).encode()
        login = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v1/auth/login", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(login, timeout=20) as answer:
            assert json.load(answer)["access_token"]
        below = descendants(again.process.pid)
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(60) == 0
        assert "everything stopped" in again.output
        assert not any(alive(pid) for pid in below)


def test_wrong_settings_are_named_one_a_line(monkeypatch, capsys):
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("WENMING_DATABASE__POOL_SIZE", "1")
    with pytest.raises(typer.Exit) as ended:
        configured()
    assert ended.value.exit_code == 2
    assert set(capsys.readouterr().err.splitlines()) == {
        "✗ 配置有误 PORT：应为整数",
        "✗ 配置有误 WENMING_DATABASE__POOL_SIZE：不能小于 2",
    }
