"""Where a unit may send its records (A6, L2.5): pure."""

from enum import StrEnum
from typing import Final

MAX_DESTINATIONS: Final = 20
"""Most destinations that one request sends to."""


class Purpose(StrEnum):
    """What a record is sent for."""

    LEDGER = "ledger"
    TOPIC = "topic"
    MANUSCRIPT = "manuscript"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return {"ledger": "台账", "topic": "专项工作", "manuscript": "稿件"}[self.value]


def may_send_to(
    *,
    sender_path: str,
    sender_region: str,
    receiver_path: str,
    receiver_region: str,
    manages: bool,
    is_office: bool,
    issues_topic: bool,
) -> bool:
    """Whether a unit may send to another: to the one that manages it, to a civility office at or above its own region
    or in its chain of managing units, and for a topic to the unit that issues it, at or above its own region."""
    above = sender_region.startswith(receiver_region)
    in_chain = sender_path.startswith(receiver_path)
    return manages or (is_office and (above or in_chain)) or (issues_topic and (above or in_chain))
