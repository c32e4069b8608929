"""Children die with their parent, and only they."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wenming_api.kit.embedded.errors import StartFailed
from wenming_api.kit.embedded.process import Child, end_leftover, run

SLEEP = ["/bin/sleep", "600"]
STUBBORN = [sys.executable, "-c", "import signal,time; signal.signal(15, signal.SIG_IGN); print('on'); time.sleep(600)"]


def alive(pid: int) -> bool:
    """Running; a zombie that nobody has reaped yet is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def eventually(holds: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def started(pid_file: Path) -> bool:
    return pid_file.exists()


def test_child_survives_the_thread_that_started_it_and_stops_when_told(tmp_path: Path) -> None:
    child = Child("sleep", SLEEP, log=tmp_path / "log", pid_file=tmp_path / "pid")
    thread = threading.Thread(target=child.start)
    thread.start()
    thread.join()
    child.wait_until(lambda: started(tmp_path / "pid"), seconds=10)
    assert child.running()
    pid = child.pid
    assert os.getsid(pid) == pid, "a session of its own keeps the terminal's Ctrl-C away"
    child.stop()
    assert not alive(pid)
    assert not (tmp_path / "pid").exists()


def test_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    script = f"""
        import time
        from pathlib import Path
        from wenming_api.kit.embedded.process import Child
        for name in ("a", "b"):
            Child(name, {SLEEP!r}, log=None, pid_file=Path({str(tmp_path)!r}) / name).start()
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], env={**os.environ, "PYTHONPATH": "src"})
    try:
        assert eventually(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists(), seconds=30)
        children = [int((tmp_path / name).read_text().split()[0]) for name in ("a", "b")]
        assert all(alive(pid) for pid in children)
    finally:
        parent.kill()
        parent.wait()
    assert eventually(lambda: not any(alive(pid) for pid in children))


def test_launcher_does_not_start_an_orphan(tmp_path: Path) -> None:
    child = Child("sleep", SLEEP, log=tmp_path / "log")
    child._command[4] = "1"  # as if the parent had died between the spawn and the launcher's check
    child.start()
    assert eventually(lambda: not child.running())
    assert "the parent is gone" in (tmp_path / "log").read_text()


def test_stubborn_child_is_killed_in_the_end(tmp_path: Path) -> None:
    child = Child("stubborn", STUBBORN, log=tmp_path / "log")
    child.start()
    child.wait_until(lambda: b"on" in (tmp_path / "log").read_bytes() or not child.running(), seconds=10)
    pid = child.pid
    child.stop(seconds=0.2)
    assert not alive(pid)


def test_leftover_is_ended(tmp_path: Path) -> None:
    child = Child("sleep", SLEEP, log=tmp_path / "log", pid_file=tmp_path / "pid")
    child.start()
    child.wait_until(lambda: started(tmp_path / "pid"), seconds=10)
    assert end_leftover(tmp_path / "pid", signal.SIGTERM)
    assert eventually(lambda: not child.running())
    assert not (tmp_path / "pid").exists()


def test_process_that_got_the_same_id_later_is_left_alone(tmp_path: Path) -> None:
    child = Child("sleep", SLEEP, log=tmp_path / "log", pid_file=tmp_path / "pid")
    child.start()
    child.wait_until(lambda: started(tmp_path / "pid"), seconds=10)
    pid, ticks = (tmp_path / "pid").read_text().split()
    (tmp_path / "old").write_text(f"{pid} {int(ticks) - 1}")
    assert not end_leftover(tmp_path / "old", signal.SIGKILL)
    assert child.running()
    child.stop()


def test_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    child = Child("broken", ["/bin/sh", "-c", "echo 缺少配置; exit 3"], log=tmp_path / "log")
    child.start()
    with pytest.raises(StartFailed, match="返回码 3") as caught:
        child.wait_until(lambda: False, seconds=10)
    assert "缺少配置" in str(caught.value)


def test_one_who_never_gets_ready_is_named(tmp_path: Path) -> None:
    child = Child("slow", SLEEP, log=tmp_path / "log")
    child.start()
    with pytest.raises(StartFailed, match=r"slow .*没有就绪"):
        child.wait_until(lambda: False, seconds=0.1)
    child.stop()


def test_isolation_hides_root(tmp_path: Path) -> None:
    """Root looks like an ordinary user in both ways; an ordinary user needs neither."""
    for isolation, user in (("namespace", "1000"), ("nobody", "65534")) if os.geteuid() == 0 else (("none", None),):
        log = tmp_path / f"{isolation}.log"
        run(["/usr/bin/id", "-u"], name="id", isolation=isolation, log=log)
        assert log.read_text().strip() == (user or str(os.geteuid()))
