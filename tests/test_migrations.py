"""Migrations go up, down and up again, and end where the models are."""

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests import servers
from wenming_api.kit.migrate import downgrade, migrate
from wenming_api.registry import metadata


def _differences(url: str) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
            return not (kind == "table" and str(name).startswith("pgqueuer"))

        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        return list(compare_metadata(context, metadata))

    async def run() -> list[object]:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(compare)

    return asyncio.run(run())


def test_migrations_go_up_down_and_up_and_match_the_models() -> None:
    postgres = servers.postgres()
    name = servers.create_database()
    try:
        url = postgres.url(name, "wenming_owner")
        migrate(url)
        downgrade(url, "base")
        left = postgres.psql(
            "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'public' AND relname <> 'alembic_version' AND relname <> 'alembic_version_pkc'",
            database=name,
        )
        assert left == "0", "a downgrade leaves nothing behind"
        migrate(url)
        assert _differences(url) == []
    finally:
        servers.drop_database(name)
