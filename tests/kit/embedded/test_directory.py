"""One holder per directory, sockets that fit, secrets that only the owner reads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wenming_api.kit.embedded.directory import (
    SOCKET_PATH_LIMIT,
    DirectoryLock,
    generated_secret,
    private_directory,
    socket_directory,
)
from wenming_api.kit.embedded.errors import AlreadyRunning, EmbeddedError

HOLD = """
import sys, time
from pathlib import Path
from wenming_api.kit.embedded.directory import DirectoryLock
DirectoryLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_second_holder_is_refused_and_told_by_whom(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path), pytest.raises(AlreadyRunning, match=f"PID {os.getpid()}"):
        DirectoryLock(tmp_path).acquire()
    DirectoryLock(tmp_path).acquire()


def test_killed_holder_lets_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"}) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(AlreadyRunning, match=f"PID {holder.pid}"):
                DirectoryLock(tmp_path).acquire()
        finally:
            holder.kill()
    with DirectoryLock(tmp_path):
        pass


def test_socket_directory_is_kept_when_it_fits(tmp_path: Path) -> None:
    assert socket_directory(tmp_path / "run", longest_name="s") == tmp_path / "run"


def test_long_path_gets_a_short_private_socket_directory_every_time_the_same(tmp_path: Path) -> None:
    wanted = tmp_path / ("长" * 60)
    short = socket_directory(wanted, longest_name=".s.PGSQL.5432.lock")
    try:
        assert len(os.fsencode(short / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT
        assert short.stat().st_mode & 0o777 == 0o700
        assert socket_directory(wanted, longest_name=".s.PGSQL.5432.lock") == short
        short.chmod(0o755)
        with pytest.raises(EmbeddedError, match="权限过宽"):
            socket_directory(wanted, longest_name=".s.PGSQL.5432.lock")
    finally:
        short.rmdir()


def test_secret_is_kept_and_private(tmp_path: Path) -> None:
    path = private_directory(tmp_path / "data") / "values.json"
    secret = generated_secret(path, "password")
    assert len(secret) == 48
    assert generated_secret(path, "password") == secret
    assert generated_secret(path, "other") != secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
