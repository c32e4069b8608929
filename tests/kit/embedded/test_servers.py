"""The three servers: who may do what in them, that data stay, and that a crash is recovered from."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import urllib3
from minio import Minio
from minio.error import S3Error
from tests.kit.embedded.test_process import alive, eventually

from wenming_api.kit.embedded import ports
from wenming_api.kit.embedded.errors import AlreadyRunning, EmbeddedError, StartFailed
from wenming_api.kit.embedded.objects import EmbeddedObjects
from wenming_api.kit.embedded.postgres import EmbeddedPostgres
from wenming_api.kit.embedded.supervisor import Supervisor
from wenming_api.kit.embedded.valkey import EmbeddedValkey

PARENT = """
import json, sys, time
from pathlib import Path
from wenming_api.kit.embedded.objects import EmbeddedObjects
from wenming_api.kit.embedded.postgres import EmbeddedPostgres
from wenming_api.kit.embedded.supervisor import Supervisor
from wenming_api.kit.embedded.valkey import EmbeddedValkey
base = Path(sys.argv[1])
parts = [EmbeddedPostgres(base / "pg"), EmbeddedValkey(base / "vk"), EmbeddedObjects(base / "s3")]
supervisor = Supervisor(base, parts)
supervisor.start()
program = supervisor.run("program", ["/bin/sleep", "600"])
parts[0].psql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)", database="wenming", role="wenming_owner")
print(json.dumps([program.pid, *(part.pid for part in parts)]), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data")
    server.start()
    yield server
    server.stop()


def client(store: EmbeddedObjects, endpoint: str | None = None, **keys: str) -> Minio:
    pool = urllib3.PoolManager(timeout=10, retries=False)
    keys = {"access_key": store.access_key, "secret_key": store.secret_key, **keys}
    return Minio(endpoint or store.endpoint, secure=False, http_client=pool, region="us-east-1", **keys)


def test_no_role_is_the_superuser_and_only_the_owner_makes_databases(postgres: EmbeddedPostgres) -> None:
    roles = postgres.psql(
        "SELECT rolname, rolsuper, rolcreatedb FROM pg_roles WHERE rolname LIKE 'wenming%' ORDER BY 1"
    )
    assert roles.split() == ["wenming_app|f|f", "wenming_owner|f|t", "wenming_sealer|f|f"]
    owner = postgres.psql("SELECT datdba::regrole FROM pg_database WHERE datname = 'wenming'")
    assert owner.strip() == "wenming_owner"
    postgres.psql("CREATE DATABASE another", role="wenming_owner", database="wenming")
    with pytest.raises(EmbeddedError, match="permission denied"):
        postgres.psql("CREATE DATABASE mine", role="wenming_app", database="wenming")


def test_url_reaches_the_socket_as_the_given_role(postgres: EmbeddedPostgres) -> None:
    assert (
        postgres.url("wenming", "wenming_app")
        == f"postgresql+asyncpg://wenming_app@/wenming?host={postgres.socket_dir}"
    )
    assert postgres.psql("SELECT current_user", role="wenming_app", database="wenming") == "wenming_app\n"
    assert postgres.psql("SHOW listen_addresses").strip() == ""


def test_text_is_ordered_by_bytes_and_matched_in_chinese(postgres: EmbeddedPostgres) -> None:
    postgres.psql("CREATE EXTENSION pg_trgm", role="wenming_owner", database="wenming")
    assert postgres.psql("SELECT 'B' < 'a' AND lower('Ä') = 'ä'").strip() == "t"
    assert postgres.psql("SELECT show_trgm('文明城市') <> '{}'", database="wenming").strip() == "t"


def test_same_directory_twice_is_refused(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(AlreadyRunning, match=f"PID {os.getpid()}"):
        EmbeddedPostgres(postgres.data_dir).start()
    assert postgres.psql("SELECT 1") == "1\n"


def test_killed_server_recovers_with_its_data_in_a_deep_directory(tmp_path: Path) -> None:
    data_dir = tmp_path / ("深" * 30)
    first = EmbeddedPostgres(data_dir)
    first.start()
    assert first.pid is not None
    first.psql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)", database="wenming", role="wenming_owner")
    os.kill(first.pid, signal.SIGKILL)
    assert eventually(lambda: not first.running())
    first.stop()
    (data_dir / "cluster.new").mkdir()  # as an interrupted initialisation leaves it
    second = EmbeddedPostgres(data_dir)
    second.start()
    try:
        assert second.psql("SELECT n FROM kept", database="wenming", role="wenming_owner") == "7\n"
    finally:
        second.stop()


def test_identifiers_are_plain(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="identifier"):
        EmbeddedPostgres(tmp_path, owner="a b; DROP")


def test_valkey_wants_its_password_and_keeps_port_and_password(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.start()
    url = server.url(3)
    try:
        with redis.Redis.from_url(url) as connection:
            assert connection.set("k", "v")
        with redis.Redis(port=server.port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("k")
    finally:
        server.stop()
    again = EmbeddedValkey(tmp_path)
    again.start()
    try:
        assert again.url(3) == url
    finally:
        again.stop()


def test_objects_stay_are_signed_for_and_go_out_by_one_port(tmp_path: Path) -> None:
    store = EmbeddedObjects(tmp_path, public_host="0.0.0.0", volume_size_mb=64)
    store.start()
    try:
        client(store).make_bucket("photos")
        client(store).put_object("photos", "a/b.bin", io.BytesIO(b"x" * 70_000), 70_000)
        with pytest.raises(S3Error):
            client(store, secret_key="wrong").list_buckets()
        assert store.public_endpoint != store.endpoint
        outside = client(store, store.public_endpoint)
        signed = urllib3.PoolManager().request("GET", outside.presigned_get_object("photos", "a/b.bin"))
        assert signed.data == b"x" * 70_000
        open_ports = listening(store.pid)
        assert {address for address, _ in open_ports} == {ports.LOOPBACK}
        endpoint, public = store.endpoint, store.public_endpoint
    finally:
        store.stop()
    for name in ("objects.json", "s3.json"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    leftover = [path.name for path in Path("/tmp").glob("seaweedfs-*") if endpoint.split(":")[1] in path.name]
    assert leftover == []
    again = EmbeddedObjects(tmp_path, public_host="0.0.0.0", volume_size_mb=64)
    again.start()
    try:
        assert (again.endpoint, again.public_endpoint) == (endpoint, public)
        assert client(again).get_object("photos", "a/b.bin").data == b"x" * 70_000
    finally:
        again.stop()


def listening(pid: int | None) -> set[tuple[str, int]]:
    """(IPv4 address, port) of every socket on which the process listens."""
    descriptors = Path(f"/proc/{pid}/fd").iterdir()
    mine = {os.readlink(descriptor) for descriptor in descriptors if descriptor.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                address, port = fields[1].split(":")
                plain = ".".join(str(byte) for byte in bytes.fromhex(address)[::-1]) if len(address) == 8 else address
                found.add((plain, int(port, 16)))
    return found


def test_kill_9_of_the_parent_leaves_nothing_and_the_next_start_recovers(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"}) as parent:
        try:
            assert parent.stdout is not None
            pids = json.loads(parent.stdout.readline())
            assert all(alive(pid) for pid in pids)
            with pytest.raises(AlreadyRunning, match=f"PID {parent.pid}"):
                Supervisor(tmp_path, []).start()
        finally:
            parent.kill()
    # At once, while the old servers are still on their way out.
    postgres, valkey, store = (
        EmbeddedPostgres(tmp_path / "pg"),
        EmbeddedValkey(tmp_path / "vk"),
        EmbeddedObjects(tmp_path / "s3"),
    )
    told: list[tuple[str, str]] = []
    with Supervisor(tmp_path, [postgres, valkey, store], progress=lambda name, stage, _: told.append((name, stage))):
        assert not any(alive(pid) for pid in pids)
        assert postgres.psql("SELECT n FROM kept", database="wenming", role="wenming_owner") == "42\n"
        assert client(store).list_buckets() == []
    names = [part.name for part in (postgres, valkey, store)]
    assert [name for name, stage in told if stage == "stopped"] == names[::-1]
    assert sorted(name for name, stage in told if stage == "ready") == sorted(names)


class Fake:
    """A server that only remembers what was done to it."""

    def __init__(self, name: str, *, broken: bool = False) -> None:
        self.name = name
        self.broken = broken
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")
        if self.broken:
            raise StartFailed(self.name, "坏了", Path(os.devnull))

    def stop(self) -> None:
        self.calls.append("stop")

    def running(self) -> bool:
        return self.calls[-1:] == ["start"] and not self.broken


def test_when_one_server_fails_the_others_stop(tmp_path: Path) -> None:
    good, bad = Fake("good"), Fake("bad", broken=True)
    with pytest.raises(StartFailed, match="坏了"):
        Supervisor(tmp_path, [good, bad]).start()
    assert good.calls == ["start", "stop"]
    Supervisor(tmp_path, []).start()  # the directory is free again


def test_programs_stop_before_servers_and_a_dead_one_is_noticed(tmp_path: Path) -> None:
    order: list[Any] = []
    server = Fake("server")
    with Supervisor(tmp_path, [server]) as supervisor:
        assert supervisor.wait(stopped=lambda: True) is None
        supervisor.run("short", ["/bin/true"])
        assert supervisor.wait() == "short"
        lasting = supervisor.run("lasting", ["/bin/sleep", "600"])
        stop = server.stop
        server.stop = lambda: (order.append(lasting.running()), stop())[1]  # type: ignore[method-assign]
    assert order == [False]
