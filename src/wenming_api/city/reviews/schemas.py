"""What reviews answer."""

from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Out, ScoreOut


class Opinion(Out):
    """一名测评人员对一条标准的评分"""

    sheet_id: UUID
    version_id: UUID
    assessor_id: UUID
    assessor_name: str
    achieved: ScoreOut


class Disagreement(Out):
    """多名测评人员对同一点位、同一标准的评分相差过大"""

    site_id: UUID
    site_name: str
    region_path: str
    standard_id: UUID
    standard_code: str
    standard_text: str
    max_score: ScoreOut
    mean: ScoreOut = Field(description="平均得分")
    spread: ScoreOut = Field(description="最高与最低之差")
    opinions: list[Opinion]
