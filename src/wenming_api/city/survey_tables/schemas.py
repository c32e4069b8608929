"""What result tables answer."""

from uuid import UUID

from pydantic import Field

from wenming_api.city.questionnaires.rules import QuestionKind
from wenming_api.city.survey_tables.rules import TablesBy
from wenming_api.kit.fields import Moment, Out, ScoreOut


class TableGroup(Out):
    """一个分组"""

    key: str = Field(description="标识；全部受访者为空")
    name: str


class ShareOut(Out):
    """一个选项的人数与占比"""

    code: str
    text: str
    count: int
    share: ScoreOut = Field(description="占作答人数的百分比；多选题合计可超过 100", examples=["62.5"])


class CellOut(Out):
    """一道题在一个分组中的结果"""

    group: str = Field(description="分组的标识；全部受访者为空")
    hidden: bool = Field(description="人数不足 5 人，或由它可推知不足 5 人的分组，故不显示")
    respondents: int | None = Field(description="作答人数；不显示为 null")
    mean: ScoreOut | None = Field(description="量表题的平均值；其他为 null")
    score: ScoreOut | None = Field(description="计分题的得分率 × 100；其他为 null")
    options: list[ShareOut] = Field(description="各选项的人数与占比；不显示或无选项为空")


class QuestionTable(Out):
    """一道题的结果表"""

    code: str
    kind: QuestionKind
    text: str
    cells: list[CellOut] = Field(description="全部受访者在前，其后为各分组")


class SurveyTables(Out):
    """问卷结果表，只含数据范围内计入样本的答卷"""

    questionnaire_id: UUID = Field(description="问卷")
    name: str
    by: TablesBy = Field(description="分组方式")
    as_of: Moment
    groups: list[TableGroup] = Field(description="分组")
    questions: list[QuestionTable] = Field(description="各题结果，按题目顺序")
