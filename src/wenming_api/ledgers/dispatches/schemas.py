"""Requests and answers of sending."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Out, Strict
from wenming_api.ledgers.destinations.schemas import Destinations
from wenming_api.ledgers.submissions.schemas import SubmissionRow

VersionNo = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[3])]


class SubmissionSend(Strict):
    """把台账的已审核版本报送到一个或多个去向"""

    record_id: UUID = Field(description="台账记录")
    version_no: VersionNo | None = Field(default=None, description="台账版本号；不填时为最新的已审核版本")
    destinations: Destinations


class SubmissionsSent(Out):
    """新的报送，每个去向一份"""

    items: list[SubmissionRow]


class SubmissionResubmit(Strict):
    """退回后重新报送修改并审核通过的新版本"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
    version_no: VersionNo | None = Field(default=None, description="台账版本号；不填时为最新的已审核版本")
