"""What score sheets take and answer."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from wenming_api.city.forms.schemas import MAX_LINES, FormLine, LineIn, Remark
from wenming_api.city.scoring.rules import Evidence, SheetState, Verdict, VersionKind
from wenming_api.city.standards.rules import Outcome
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Out, ScoreOut, Strict
from wenming_api.kit.geo import Crs

Degree = Annotated[ScoreOut, Field(examples=["118.0475123"])]


class SheetSort(StrEnum):
    """测评表的排序"""

    REGION = "region"
    SUBMITTED = "submitted_at"
    LATEST = "-submitted_at"


class DraftIn(Strict):
    """草稿：内容可不完整，提交时才检查"""

    lines: list[LineIn] = Field(max_length=MAX_LINES)
    note: Remark | None = None


class DraftSaved(Out):
    """草稿已保存"""

    id: UUID
    state: SheetState
    version: int = Field(description="测评表的新版本，即 ETag")
    saved_at: Moment


class SheetRow(Out):
    """测评表"""

    id: UUID
    assessment_id: UUID
    site_id: UUID
    site_code: str
    site_name: str
    site_type_code: str
    region_path: str
    assessor_id: UUID
    assessor_name: str
    state: SheetState
    version_no: int = Field(description="已提交的版本数")
    evidence: Evidence = Field(description="当前版本的照片是否齐全；尚未提交（version_no 为 0）时没有意义")
    achieved: ScoreOut | None = Field(description="当前版本得分")
    max_score: ScoreOut | None = Field(description="当前版本适用标准的分值合计")
    vetoed: bool | None
    submitted_at: Moment | None
    reviewed_at: Moment | None
    version: int


class LineDeductionOut(Out):
    """扣分项"""

    no: int
    points: ScoreOut
    reason_code: str
    note: str | None


class PhotoOut(Out):
    """照片"""

    no: int
    deduction_no: int | None = Field(description="所说明的扣分项序号")
    file_id: UUID
    evidence: Evidence = Field(description="文件是否可查看")
    taken_at: Moment | None
    longitude: Degree | None
    latitude: Degree | None


class LineOut(Out):
    """一条标准的评分"""

    id: UUID
    standard_id: UUID
    outcome: Outcome
    entry: dict[str, Any]
    achieved: ScoreOut | None = Field(description="得分；不适用时为 null")
    max_score: ScoreOut
    note: str | None
    deductions: list[LineDeductionOut]
    photos: list[PhotoOut]


class VersionRow(Out):
    """测评表的一个版本"""

    id: UUID
    no: int
    kind: VersionKind
    reason: str | None
    replaces_id: UUID | None
    author_id: UUID
    author_name: str
    captured_at: Moment = Field(description="设备时钟")
    received_at: Moment = Field(description="服务器收到的时间")
    longitude: Degree | None
    latitude: Degree | None
    crs: Crs
    note: str | None
    achieved: ScoreOut
    max_score: ScoreOut
    vetoed: bool
    verdict: Verdict | None = Field(description="审核结论；未审核为 null")
    verdict_reason: str | None
    reviewer_name: str | None
    decided_at: Moment | None


class VersionDetail(VersionRow):
    """测评表的一个版本及其全部评分"""

    sheet_id: UUID
    lines: list[LineOut]


class SheetDetail(SheetRow):
    """测评表详情"""

    site_address: str | None
    site_longitude: Degree | None
    site_latitude: Degree | None
    site_crs: Crs
    current: VersionDetail | None = Field(description="当前版本；尚未提交时为 null")
    accepted_version_id: UUID | None
    draft: dict[str, Any] | None = Field(description="本人保存的草稿")
    draft_saved_at: Moment | None
    form: list[FormLine] = Field(description="应评标准")
    allowed_actions: list[AllowedAction]
