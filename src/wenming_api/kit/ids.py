"""Identifiers: UUIDv7, sortable by the time they were made, by the server or by an offline client."""

from uuid import UUID

import uuid_utils.compat


def uuid7() -> UUID:
    """A new UUIDv7."""
    return uuid_utils.compat.uuid7()
