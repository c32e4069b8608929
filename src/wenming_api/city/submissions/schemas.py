"""What submissions take and answer."""

from uuid import UUID

from pydantic import Field

from wenming_api.city.forms.schemas import SubmissionIn
from wenming_api.city.scoring.rules import Evidence, SheetState, VersionKind
from wenming_api.kit.fields import Moment, Out, Reason, ScoreOut


class CorrectionIn(SubmissionIn):
    """对已提交测评表的更正"""

    reason: Reason


class Receipt(Out):
    """提交回执：重复提交得到同一回执"""

    id: UUID = Field(description="提交编号")
    sheet_id: UUID
    no: int = Field(description="版本序号，从 1 起")
    kind: VersionKind
    repeated: bool = Field(description="此前已收到过同一提交")
    state: SheetState = Field(description="测评表现在的状态")
    version: int = Field(description="测评表现在的版本，即 ETag")
    evidence: Evidence = Field(description="照片是否齐全；awaiting 表示尚有照片未到达")
    achieved: ScoreOut
    max_score: ScoreOut
    vetoed: bool
    received_at: Moment
