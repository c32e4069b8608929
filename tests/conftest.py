"""Fixtures of all tests: real servers, a database of its own for each test worker, signed-in clients.

Tests of one worker share a database that is emptied after each test which wrote to it (`clean`), so that no test
depends on another. Clients speak to the application over ASGI, through every middleware, with its own transactions.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import event

from tests import servers
from tests.answers import CheckedAnswers
from tests.databases import migrated_template
from tests.factories.callers import Callers, make_callers
from tests.live import LiveServer, serve
from wenming_api.app import create_app, create_resources
from wenming_api.kit import bare
from wenming_api.kit.db import Database, ReadSession, WriteSession
from wenming_api.kit.logs import configure
from wenming_api.settings import (
    CacheSettings,
    DatabaseSettings,
    Resources,
    SessionSettings,
    Settings,
    StorageSettings,
)

configure("error")
# A busy machine must not fail a property.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

DATABASE = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def database_name(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database for this worker, cloned from the run's template."""
    name = servers.create_database(template=migrated_template())
    request.session.stash[DATABASE] = name
    yield name
    servers.drop_database(name)


@pytest.fixture(scope="session")
def settings(database_name: str) -> Settings:
    """Settings that point at the run's real servers."""
    postgres, objects = servers.postgres(), servers.objects()
    return Settings(
        database=DatabaseSettings(
            url=postgres.url(database_name),
            owner_url=postgres.url(database_name, "wenming_owner"),
            sealer_url=postgres.url(database_name, "wenming_sealer"),
            pool_size=20,
        ),
        cache=CacheSettings(url=servers.valkey_url()),
        storage=StorageSettings(
            endpoint=f"http://{objects.endpoint}",
            access_key=SecretStr(objects.access_key),
            secret_key=SecretStr(objects.secret_key),
            bucket=f"test-{servers.worker()}",
        ),
        sessions=SessionSettings(failures_before_lock=5),
    )


@pytest.fixture(scope="session")
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    """The resources of the process under test."""
    made = create_resources(settings)
    await made.store.prepare()
    yield made
    await made.decoders.close()
    await made.press.close()
    await made.store.close()
    await made.cache.close()
    await made.reader.close()
    await made.writer.close()
    await made.database.dispose()


@pytest.fixture(scope="session")
async def app(settings: Settings, resources: Resources) -> AsyncIterator[FastAPI]:
    """The application, listening for invalidations as in production."""
    made = create_app(settings, resources)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture(scope="session")
def database(resources: Resources) -> Database:
    """The application's own pool, with the application's own rights."""
    return resources.database


@pytest.fixture(scope="session")
async def owner(settings: Settings) -> AsyncIterator[Database]:
    """The database as its owner sees it, to clean up and to look past the application's rights."""
    made = Database(str(settings.database.owner_url), pool_size=2)
    yield made
    await made.dispose()


EMPTY_WHAT_WAS_FILLED = """
DO $$
DECLARE name text; filled boolean; found text[] := '{}';
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO filled;
    IF filled THEN found := found || format('%I', name); END IF;
  END LOOP;
  IF cardinality(found) > 0 THEN
    EXECUTE 'TRUNCATE ' || array_to_string(found, ', ') || ' RESTART IDENTITY CASCADE';
  END IF;
END $$
"""


def empty(database: str) -> None:
    """Empty every table that holds rows."""
    servers.postgres().psql(EMPTY_WHAT_WAS_FILLED, database=database)


@pytest.fixture(scope="module")
def live(settings: Settings, database_name: str) -> Iterator[LiveServer]:
    """The real server on a port; what tests of one module did to it stays until the last of them."""
    with serve(settings) as server:
        yield server
    empty(database_name)


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Empty every table that a test filled. Autouse comes first, so this ends after all clients are closed."""
    yield
    used = getattr(request.node, "funcargs", {})
    if "database_name" in request.fixturenames and "live" not in request.fixturenames:
        empty(request.session.stash[DATABASE])
    if "app" in used:
        used["app"].state.resources.listener.forget(None)


@pytest.fixture
async def session(database: Database) -> AsyncIterator[WriteSession]:
    """A write session; commit what the application is to see."""
    async with database.write() as made:
        yield made


@pytest.fixture
async def read_session(database: Database) -> AsyncIterator[ReadSession]:
    """A read session."""
    async with database.read() as made:
        yield made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is not signed in."""
    transport = httpx.ASGITransport(app=CheckedAnswers(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as made:
        yield made


@pytest.fixture
async def callers(app: FastAPI, database: Database) -> AsyncIterator[Callers]:
    """Makes users with given permissions and scope, and clients signed in as them."""
    async with make_callers(app, database) as made:
        yield made


@pytest.fixture
def as_user(callers: Callers) -> Callable[..., Any]:
    """`await as_user([Permission.SITES_READ], scope=DataScope.REGION)` → a signed-in client."""
    return callers.client


@pytest.fixture
async def admin(callers: Callers) -> httpx.AsyncClient:
    """A client that holds every permission on every row."""
    return await callers.client()


@dataclass
class Statements:
    """SQL statements that the application sent inside the block, BEGIN and COMMIT not counted."""

    sent: list[str]
    values: list[Any]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.sent)


@pytest.fixture
def statements(database: Database) -> Callable[[], contextlib.AbstractContextManager[Statements]]:
    """`with statements() as sent: …` then `assert sent.count <= 2`."""

    @contextlib.contextmanager
    def counting() -> Iterator[Statements]:
        counted = Statements([], [])

        def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            counted.sent.append(statement)
            counted.values.append(values)

        def note_bare(connection: Any, statement: str, values: Any) -> Any:
            note(None, None, statement, tuple(values))
            return send(connection, statement, values)

        send, engines = bare.send, (database.engine.sync_engine, database.readers.sync_engine)
        bare.send = note_bare
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield counted
        finally:
            bare.send = send
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)

    return counting
