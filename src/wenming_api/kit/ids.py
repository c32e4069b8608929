"""Identifiers: UUIDv7, sortable by the time they were made, by the server or by an offline client."""

from uuid import UUID

import uuid_utils
import uuid_utils.compat


def uuid7() -> UUID:
    """A new UUIDv7."""
    return uuid_utils.compat.uuid7()


def text_uuid7() -> str:
    """A new UUIDv7 as text, without the detour over `uuid.UUID`: for what every request pays."""
    return str(uuid_utils.uuid7())
