"""Requests of sub-activities."""

from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Judged, Reason


class SubActivityAttach(Judged):
    """把一项活动列为子活动，或解除"""

    child_id: UUID = Field(description="子活动")
    reason: Reason
