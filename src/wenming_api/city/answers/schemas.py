"""What answers take and answer."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from wenming_api.city.answers.rules import LONGEST_TEXT, AnswerOutcome, AnswerSource, Line
from wenming_api.city.questionnaires.rules import QuestionKind
from wenming_api.city.questionnaires.schemas import MAX_OPTIONS, MAX_QUESTIONS, Instant
from wenming_api.kit.fields import ClientId, Code, LongText, Moment, Out, Strict

MAX_BATCH = 100


class AnswerSort(StrEnum):
    """答卷的排序"""

    NEWEST = "-received_at"
    OLDEST = "received_at"


class AnswerItem(Strict):
    """一道题的作答：选择题填选项，量表题填数值，文字题填文字"""

    question: Annotated[Code, Field(description="题号", examples=["q1"])]
    choices: list[Code] = Field(default=[], max_length=MAX_OPTIONS, description="所选选项的代码")
    number: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="量表题的数值")
    text: Annotated[LongText, Field(max_length=LONGEST_TEXT)] | None = Field(default=None, description="文字题的内容")

    def line(self) -> Line:
        """The rules' form."""
        return Line(self.question, tuple(self.choices), self.number, self.text or None)


Items = Annotated[list[AnswerItem], Field(max_length=MAX_QUESTIONS, description="各题作答；跳过的题不填")]


class AnswerIn(Strict):
    """测评员录入的一份答卷"""

    id: Annotated[ClientId, Field(description="答卷编号，由客户端生成；重复发送只记一次")]
    stratum_id: UUID = Field(description="样本层")
    captured_at: Annotated[Instant, Field(description="访问时间", examples=["2026-11-05T10:20:00+08:00"])]
    items: Items


class UnreadableAnswer:
    """An item of a batch that is not even an answer: the rest of the batch is not held up by it."""

    def __init__(self, value: Any, errors: ValidationError) -> None:
        self.errors = errors
        self.id: UUID | None = None
        try:
            self.id = UUID(str(value["id"]))
        except (KeyError, TypeError, ValueError, IndexError):
            return


def _leniently(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as errors:
        return UnreadableAnswer(value, errors)


class AnswersIn(Strict):
    """批量录入答卷：顺序不限，可重复发送，每份各自处理"""

    items: list[Annotated[AnswerIn, WrapValidator(_leniently)]] = Field(min_length=1, max_length=MAX_BATCH)


class AnswerReceipt(Out):
    """答卷回执"""

    id: UUID
    outcome: AnswerOutcome = Field(description="counted 计入样本；screened_out 不符合受访条件")
    repeated: bool = Field(description="此前已收到同一份答卷")


class AnswerFate(StrEnum):
    """批量录入中一份答卷的处理结果"""

    RECORDED = "recorded"
    REPEATED = "repeated"
    REFUSED = "refused"


class AnswerProblem(Out):
    """未能收下的原因"""

    code: str
    title: str
    detail: str
    errors: list[dict[str, Any]]


class AnswerResult(Out):
    """一份答卷的处理结果"""

    index: int = Field(description="在请求 items 中的位置，从 0 起")
    id: UUID | None
    fate: AnswerFate = Field(description="recorded 已记录；repeated 此前已记录；refused 未收下")
    receipt: AnswerReceipt | None
    problem: AnswerProblem | None


class AnswersOut(Out):
    """批量录入的结果"""

    recorded: int
    repeated: int
    refused: int
    items: list[AnswerResult] = Field(description="逐份结果，与请求顺序一致")


class AnswerRow(Out):
    """一份答卷，不含作答内容"""

    id: UUID
    stratum_id: UUID = Field(description="样本层")
    stratum_name: str = Field(description="样本层名称")
    source: AnswerSource = Field(description="来源：link 链接答题；assessor 测评员录入；import 导入")
    outcome: AnswerOutcome = Field(description="counted 计入样本；screened_out 不符合受访条件")
    number: str | None = Field(description="导入答卷的编号；其他为 null")
    owner_id: UUID | None = Field(description="录入的测评员；链接答题为 null")
    captured_at: Moment | None = Field(description="访问时间；没有为 null")
    received_at: Moment


class AnswerLineOut(Out):
    """一道题的作答"""

    question: str = Field(description="题号")
    kind: QuestionKind
    text: str
    choices: list[str] = Field(description="所选选项的代码")
    labels: list[str] = Field(description="所选选项的文字")
    number: int | None = Field(description="量表题的数值；其他为 null")
    written: str | None = Field(description="文字题的内容；其他为 null")


class AnswerOut(AnswerRow):
    """一份答卷"""

    lines: list[AnswerLineOut] = Field(description="各题作答，按题目顺序")
