"""What can be done to many submissions at once: pure."""

from enum import StrEnum
from typing import Final

MAX_ITEMS: Final = 200
"""Most submissions of one request."""


class BulkAction(StrEnum):
    """对每一份报送的操作"""

    RECEIVE = "receive"
    ACCEPT = "accept"
    RETURN = "return"
    ARCHIVE = "archive"
