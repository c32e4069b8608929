"""The tests' own servers: shared within a run, gone after it."""

import os
import subprocess
import sys
from pathlib import Path

from tests import servers
from tests.kit.embedded.test_process import eventually

CLIENT = """
from tests import servers
print(servers.postgres().psql("SELECT 1"), servers.valkey_url(), servers.run_directory(), flush=True)
input()
"""


def client(run: str, worker: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": "src:.", "PYTEST_XDIST_TESTRUNUID": run, "PYTEST_XDIST_WORKER": worker}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", CLIENT], stdin=pipe, stdout=pipe, env=environment, text=True)


def test_workers_share_servers_which_end_with_the_last_of_them_even_when_killed() -> None:
    run = os.urandom(8).hex()
    with client(run, "gw0") as one, client(run, "gw1") as two:
        try:
            assert one.stdout is not None
            assert two.stdout is not None
            first, second = one.stdout.readline().split(), two.stdout.readline().split()
            directory = Path(first[2])
            assert first[0] == second[0] == "1"
            assert first[2] == second[2]
            assert (first[1].rpartition("/")[0], first[1][-2:]) == (second[1].rpartition("/")[0], "/1")
            assert second[1].endswith("/2"), "each worker has a Valkey database of its own"
            one.kill()
            one.wait()
            assert (directory / "keeper.sock").exists()
        finally:
            one.kill()
            two.kill()
    assert eventually(lambda: not directory.exists(), seconds=30)


def test_template_is_built_once_and_copies_are_independent() -> None:
    server = servers.postgres()
    built: list[str] = []

    def build(database: str) -> None:
        built.append(database)
        server.psql("CREATE TABLE things (n int)", database=database)

    name = servers.template(build, name=f"template_{servers.worker()}_test")
    assert servers.template(build, name=name) == name
    assert len(built) == 1
    one, two = servers.create_database(template=name), servers.create_database(template=name)
    server.psql("INSERT INTO things VALUES (1)", database=one)
    assert server.psql("SELECT count(*) FROM things", database=two) == "0"
    servers.drop_database(one)
    servers.drop_database(two)
    assert server.psql(f"SELECT count(*) FROM pg_database WHERE datname IN ('{one}', '{two}')") == "0"
