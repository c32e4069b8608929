"""Requests and answers of applications for titles."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.creation.title_applications.rules import ApplicationState
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_rules.schemas import ItemNo
from wenming_api.creation.title_terms.schemas import Day
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, LongText, Moment, Name, Out, Reason, ScoreIn, ScoreOut, ShortText, Strict

Statement = Annotated[LongText, Field(max_length=5_000, description="申报说明")]
Remark = Annotated[ShortText, Field(description="说明")]
DocumentNumber = Annotated[Name, Field(description="文号", examples=["淄文明委〔2026〕12号"])]


class ApplicationSort(StrEnum):
    """称号申报的排序"""

    NEWEST = "-number"
    OLDEST = "number"
    SCORE = "-score"
    CHANGED = "-state_since"


class TitleAnswer(Strict):
    """对一条评分项的评分"""

    code: ItemNo = Field(description="评分项编号")
    score: ScoreIn = Field(description="得分", examples=["3.5"])
    note: Remark = ""
    file_ids: Annotated[list[UUID], Field(max_length=20, description="证明材料")] = []


class TitleVeto(Strict):
    """对一条否决情形的声明"""

    code: ItemNo = Field(description="否决情形编号")
    hit: bool = Field(description="是否存在该情形")
    note: Remark = ""


class TitleAssessment(Strict):
    """逐项评分与否决情形的声明"""

    answers: Annotated[list[TitleAnswer], Field(max_length=500, description="各评分项")] = []
    vetoes: Annotated[list[TitleVeto], Field(max_length=100, description="各否决情形")] = []


class ApplicationCreate(Strict):
    """申报称号（草稿）；由本单位为自己或其登记的家庭申报"""

    term_id: UUID = Field(description="届别")
    family_id: UUID | None = Field(default=None, description="家庭；仅申报文明家庭时填写")
    statement: Statement = ""
    self_assessment: TitleAssessment = Field(default=TitleAssessment(), description="自评")


class ApplicationUpdate(Strict):
    """修改申报；未给出的字段不变"""

    statement: Statement | None = Field(default=None, description="申报说明")
    self_assessment: TitleAssessment | None = Field(default=None, description="自评，整体替换")


class Submission(Judged):
    """提交申报"""


class Recommendation(Judged):
    """推荐"""

    reason: Reason | None = Field(default=None, description="推荐意见")


class Evaluation(Judged):
    """评审：逐项评分"""

    assessment: TitleAssessment = Field(description="评审评分")
    reason: Reason | None = Field(default=None, description="评审意见")


class Naming(Judged):
    """命名决定"""

    document_number: DocumentNumber
    document_on: Day = Field(description="成文日期")
    effective_on: Day = Field(description="生效日期，不晚于今天")
    reason: Reason | None = None


class Revocation(Judged):
    """撤销决定"""

    document_number: DocumentNumber
    document_on: Day = Field(description="成文日期")
    effective_on: Day = Field(description="生效日期，不晚于今天")
    falls_to: TitleLevel = Field(default=TitleLevel.NONE, description="撤销后的级别，须低于现级别")
    reason: Reason


class TitleAnswerOut(Out):
    """对一条评分项的评分"""

    code: str
    score: ScoreOut
    note: str
    file_ids: list[UUID] = Field(description="证明材料")


class TitleVetoOut(Out):
    """对一条否决情形的声明"""

    code: str
    hit: bool = Field(description="是否存在该情形")
    note: str


class TitleAssessmentOut(Out):
    """逐项评分与否决情形的声明"""

    answers: list[TitleAnswerOut] = Field(description="各评分项")
    vetoes: list[TitleVetoOut] = Field(description="各否决情形")


class JudgementOut(Out):
    """评分的结果与缺漏，编号按标准的次序"""

    total: ScoreOut = Field(description="得分合计")
    maximum: ScoreOut = Field(description="总分")
    unanswered: list[str] = Field(description="尚未评分的项")
    unproven: list[str] = Field(description="得分而没有证明材料的项")
    over: list[str] = Field(description="得分超出分值的项，不计入合计")
    unknown: list[str] = Field(description="标准中没有的编号")
    hit: list[str] = Field(description="存在的否决情形")
    undeclared: list[str] = Field(description="尚未声明的否决情形")
    passed: bool = Field(description="是否达到合格线且没有否决情形")


class ApprovalOut(Out):
    """推荐进行到哪一步"""

    step_name: str = Field(description="当前环节")
    unit_id: UUID
    due_on: date | None = Field(description="办理期限；没有为 null")


class ApplicationRow(Out):
    """称号申报"""

    id: UUID
    number: int
    term_id: UUID = Field(description="届别")
    term_name: str = Field(description="届别名称")
    kind: TitleKind
    kind_label: str
    level: TitleLevel = Field(description="申报级别")
    level_label: str
    unit_id: UUID
    unit_name: str
    region_path: str
    family_id: UUID | None = Field(description="家庭；不是文明家庭为 null")
    holder_name: str = Field(description="申报者名称；家庭的姓名可能已遮盖")
    state: ApplicationState
    state_label: str
    state_since: Moment
    self_score: ScoreOut | None = Field(description="自评得分；未自评为 null")
    score: ScoreOut | None = Field(description="评审得分；未评审为 null")
    passed: bool | None = Field(description="评审是否合格；未评审为 null")
    submitted_at: Moment | None
    version: int


class ApplicationDetail(ApplicationRow):
    """称号申报详情"""

    unit_path: str
    owner_id: UUID = Field(description="申报人")
    rule_id: UUID = Field(description="评选标准")
    current_level: TitleLevel = Field(description="申报者该类称号的现有级别")
    statement: str = Field(description="申报说明")
    self_assessment: TitleAssessmentOut = Field(description="自评")
    self_judgement: JudgementOut = Field(description="自评的结果与缺漏")
    evaluation: TitleAssessmentOut | None = Field(description="评审；未评审为 null")
    judgement: JudgementOut | None = Field(description="评审的结果；未评审为 null")
    evaluated_at: Moment | None = Field(description="评审时间；未评审为 null")
    approval: ApprovalOut | None = Field(description="推荐进行到哪一步；不在推荐中为 null")
    document_number: str | None = Field(description="命名文号；未命名为 null")
    document_on: date | None = Field(description="命名文件的成文日期；未命名为 null")
    reason: str | None = Field(description="最近一次退回、不予命名、撤回或撤销的原因")
    created_at: Moment
    updated_at: Moment
    allowed_actions: list[AllowedAction]
