"""What respondents send and see: no scores, no standards, nothing about the sample."""

from typing import Annotated

from pydantic import Field, StringConstraints

from wenming_api.city.answers.schemas import Items
from wenming_api.city.questionnaires.rules import QuestionKind
from wenming_api.city.questionnaires.schemas import ConditionOut
from wenming_api.kit.fields import ClientId, Moment, Out, Strict

Token = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$"), Field(description="链接中的令牌", examples=["x" * 32])
]


class TokenIn(Strict):
    """打开问卷"""

    token: Token


class PublicAnswerIn(Strict):
    """提交答卷"""

    id: Annotated[ClientId, Field(description="答卷编号，由客户端生成；同一链接、同一编号与内容重发只记一次")]
    token: Token
    device: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{8,100}$")] | None = Field(
        default=None, description="浏览器自存的随机标识，用于防止重复提交；只以带密钥的摘要保存，问卷结束即清除"
    )
    items: Items


class PublicOption(Out):
    """一个选项"""

    code: str
    text: str


class PublicQuestion(Out):
    """一道题目"""

    code: str
    kind: QuestionKind
    text: str
    required: bool = Field(description="是否必答")
    options: list[PublicOption] = Field(description="选项")
    max_choices: int | None = Field(description="多选题最多可选数；不限为 null")
    low: int | None = Field(description="量表起值")
    high: int | None = Field(description="量表止值")
    low_label: str | None = Field(description="量表起值的含义")
    high_label: str | None = Field(description="量表止值的含义")
    show_if: ConditionOut | None = Field(description="显示条件；总是显示为 null")


class PublicForm(Out):
    """供答题的问卷"""

    name: str
    introduction: str | None = Field(description="卷首语")
    closes_at: Moment | None
    questions: list[PublicQuestion] = Field(description="题目，按顺序")
