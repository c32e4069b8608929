"""Helpers of migrations."""

from pathlib import Path

from sqlalchemy import Connection


def run_script(connection: Connection, script: Path) -> None:
    """Run a file of several SQL statements, which a prepared statement cannot hold, in the migration's transaction."""
    text = script.read_text(encoding="utf-8")
    adapted = connection.connection.dbapi_connection
    if adapted is None:
        raise RuntimeError("the migration has no connection")
    adapted.run_async(lambda raw: raw.execute(text))
