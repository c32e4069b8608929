"""The README's first walk is run as it is printed, against a seeded server."""

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests import servers
from tests.databases import migrated_template
from tests.live import LiveServer, serve
from tests.test_conventions import ROOT
from wenming_api.seeding.run import load
from wenming_api.settings import DatabaseSettings, Settings


@pytest.fixture(scope="module")
def seeded(settings: Settings, database_name: str) -> Iterator[tuple[LiveServer, dict[str, str]]]:
    """A server on a database of its own that `wenming seed` has filled."""
    postgres = servers.postgres()
    name = servers.create_database(template=migrated_template())
    own = settings.model_copy(
        update={
            "database": DatabaseSettings(
                url=postgres.url(name),
                owner_url=postgres.url(name, "wenming_owner"),
                sealer_url=postgres.url(name, "wenming_sealer"),
            )
        }
    )
    passwords = asyncio.run(load(str(own.database.url), demo=True))
    with serve(own) as live:
        yield live, passwords
    servers.drop_database(name)


def test_the_first_walk_of_the_readme(seeded: tuple[LiveServer, dict[str, str]]) -> None:
    live, passwords = seeded
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (walk,) = re.findall(r"```bash\n# walk\n(.*?)```", readme, re.DOTALL)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", walk],
        env={**os.environ, "BASE": f"{live.url}/api/v1", "PASSWORD": passwords["city.office"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "王敏" in done.stdout
