"""Requests of marks."""

from pydantic import Field

from wenming_api.activities.events.rules import MarkKind
from wenming_api.kit.fields import Judged, Reason


class MarkGive(Judged):
    """评定或撤销优秀、示范标记"""

    kind: MarkKind = Field(description="优秀或示范")
    reason: Reason
