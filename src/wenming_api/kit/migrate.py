"""Runs the migrations (Alembic) from code."""

from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).resolve().parents[3]


def configuration(url: str) -> Config:
    """Alembic's configuration for a database, as its owner."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring a database to a revision. Blocking; not from a running event loop."""
    command.upgrade(configuration(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision. Blocking; not from a running event loop."""
    command.downgrade(configuration(url), revision)
