"""What questionnaires take and answer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from wenming_api.city.questionnaires.rules import Condition, Option, Question, QuestionKind, QuestionnaireState
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import (
    Code,
    LongText,
    Moment,
    Name,
    Out,
    PositiveScore,
    Reason,
    ScoreIn,
    ScoreOut,
    ShortText,
    Strict,
    Transition,
)

MAX_QUESTIONS = 200
MAX_OPTIONS = 50


def _in_reach(value: datetime) -> datetime:
    if not 2000 <= value.year < 2200:
        raise ValueError("时间须在 2000 年至 2199 年之间")
    return value


Instant = Annotated[AwareDatetime, AfterValidator(_in_reach)]
"""A time that survives being shown in any zone."""

Opens = Annotated[Instant, Field(description="开放时间", examples=["2026-11-01T00:00:00+08:00"])]
Closes = Annotated[Instant, Field(description="截止时间，此刻起不再接收", examples=["2026-11-15T00:00:00+08:00"])]
QuestionText = Annotated[
    LongText, Field(min_length=1, max_length=1_000, description="题目", examples=["您对所在社区的环境卫生满意吗？"])
]
Repeats = Annotated[int, Field(ge=1, le=10_000)]


class QuestionnaireSort(StrEnum):
    """问卷的排序"""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    CODE = "code"


class OptionIn(Strict):
    """一个选项"""

    code: Code
    text: Annotated[ShortText, Field(min_length=1, description="选项文字", examples=["非常满意"])]
    score: Annotated[ScoreIn, Field(ge=0, description="得分；null 表示选择此项时本题不计分（如“不了解”）")] | None = (
        None
    )
    qualifies: bool = Field(default=True, description="仅用于甄别题：false 表示不符合受访条件，访问就此结束")


class ConditionIn(Strict):
    """显示条件：前面某题选了其中之一才作答"""

    question: Annotated[Code, Field(description="前面题目的题号", examples=["q3"])]
    choices: list[Code] = Field(min_length=1, max_length=MAX_OPTIONS, description="选项代码，选中其一即显示")


class QuestionIn(Strict):
    """一道题目。对应测评标准的题目计分：单选取所选项得分；多选取合计，不超过分值；量表按比例折算"""

    code: Annotated[Code, Field(description="题号", examples=["q1"])]
    kind: QuestionKind = Field(description="题型：single 单选；multiple 多选；scale 量表；text 文字")
    text: QuestionText
    required: bool = Field(default=True, description="是否必答")
    screening: bool = Field(default=False, description="是否甄别题（如年龄、居住时间），须排在最前")
    standard_id: UUID | None = Field(default=None, description="对应的测评标准；不计分为 null")
    max_score: PositiveScore | None = Field(default=None, description="题目分值；不计分为 null")
    options: list[OptionIn] = Field(default=[], max_length=MAX_OPTIONS, description="选项")
    max_choices: Annotated[int, Field(ge=1, le=MAX_OPTIONS)] | None = Field(
        default=None, description="多选题最多可选数"
    )
    low: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="量表起值", examples=[1])
    high: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="量表止值", examples=[5])
    low_label: ShortText | None = Field(default=None, description="量表起值的含义", examples=["非常不满意"])
    high_label: ShortText | None = Field(default=None, description="量表止值的含义", examples=["非常满意"])
    show_if: ConditionIn | None = Field(default=None, description="显示条件；总是显示为 null")

    def question(self) -> Question:
        """The rules' form."""
        return Question(
            code=self.code,
            kind=self.kind,
            text=self.text,
            required=self.required,
            screening=self.screening,
            standard=None if self.standard_id is None else str(self.standard_id),
            max_score=self.max_score,
            options=tuple(Option(each.code, each.text, each.score, each.qualifies) for each in self.options),
            max_choices=self.max_choices,
            low=self.low,
            high=self.high,
            show_if=Condition(self.show_if.question, tuple(self.show_if.choices)) if self.show_if else None,
        )


class QuestionsIn(Strict):
    """全部题目，按顺序；整体替换"""

    questions: list[QuestionIn] = Field(max_length=MAX_QUESTIONS, description="题目")


class QuestionnaireCreate(Strict):
    """新建问卷"""

    code: Annotated[Code, Field(description="问卷代码；同一代码的各版本是同一份问卷", examples=["residents"])]
    name: Name
    introduction: Annotated[LongText, Field(max_length=2_000)] | None = Field(default=None, description="卷首语")
    method_code: Code | None = Field(default=None, description="得分计入的测评方法，来源须为问卷；不计分为 null")
    opens_at: Opens | None = None
    closes_at: Closes | None = None
    per_device: Repeats = Field(default=1, description="同一设备最多提交的份数（链接答题）")
    per_address: Repeats = Field(default=50, description="同一网络地址最多提交的份数（链接答题）")


class QuestionnaireUpdate(Strict):
    """修改问卷草稿；未给出的字段不变"""

    name: Name | None = None
    introduction: Annotated[LongText, Field(max_length=2_000)] | None = Field(default=None, description="卷首语")
    method_code: Code | None = Field(default=None, description="得分计入的测评方法；不计分为 null")
    opens_at: Opens | None = None
    closes_at: Closes | None = None
    per_device: Repeats | None = Field(default=None, description="同一设备最多提交的份数（链接答题）")
    per_address: Repeats | None = Field(default=None, description="同一网络地址最多提交的份数（链接答题）")


class QuestionnaireClose(Transition):
    """结束问卷"""

    counted: bool = Field(default=True, description="已收答卷是否计入得分；false 用于题目有误的版本")


class Reschedule(Strict):
    """变更已发布问卷的开放与截止时间"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
    opens_at: Opens
    closes_at: Closes
    reason: Reason


class OptionOut(Out):
    """一个选项"""

    code: str
    text: str
    score: ScoreOut | None
    qualifies: bool = Field(description="仅用于甄别题：是否符合受访条件")


class ConditionOut(Out):
    """显示条件"""

    question: str = Field(description="前面题目的题号")
    choices: list[str] = Field(description="选项代码，选中其一即显示")


class QuestionOut(Out):
    """一道题目"""

    id: UUID
    code: str
    kind: QuestionKind
    text: str
    required: bool = Field(description="是否必答")
    screening: bool = Field(description="是否甄别题")
    standard_id: UUID | None
    max_score: ScoreOut | None
    options: list[OptionOut] = Field(description="选项")
    max_choices: int | None = Field(description="多选题最多可选数；不限为 null")
    low: int | None = Field(description="量表起值")
    high: int | None = Field(description="量表止值")
    low_label: str | None = Field(description="量表起值的含义")
    high_label: str | None = Field(description="量表止值的含义")
    show_if: ConditionOut | None = Field(description="显示条件；总是显示为 null")


class QuestionnaireRow(Out):
    """问卷的一个版本"""

    id: UUID
    assessment_id: UUID
    code: str
    no: int = Field(description="版本序号，从 1 起")
    name: str
    state: QuestionnaireState
    method_code: str | None
    opens_at: Moment | None = Field(description="开放时间")
    closes_at: Moment | None = Field(description="截止时间")
    counted: bool = Field(description="答卷是否计入得分")
    quota: int = Field(description="配额合计，不限于数据范围")
    taken: int = Field(description="已计入样本的答卷数，不限于数据范围")
    created_at: Moment
    version: int


class QuestionnaireOut(QuestionnaireRow):
    """问卷详情"""

    introduction: str | None = Field(description="卷首语")
    per_device: int = Field(description="同一设备最多提交的份数（链接答题）")
    per_address: int = Field(description="同一网络地址最多提交的份数（链接答题）")
    revises_id: UUID | None = Field(description="据以修订的版本；没有为 null")
    published_at: Moment | None
    closed_at: Moment | None = Field(description="结束时间；未结束为 null")
    updated_at: Moment
    questions: list[QuestionOut] = Field(description="题目，按顺序")
    allowed_actions: list[AllowedAction]
