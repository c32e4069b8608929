"""What offline batches take and answer."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from wenming_api.city.forms.schemas import SubmissionIn
from wenming_api.city.submissions.schemas import Receipt
from wenming_api.kit.fields import Out, Strict

MAX_BATCH = 100


class OfflineSubmission(SubmissionIn):
    """离线采集的一份测评表"""

    sheet_id: UUID


class Unreadable:
    """An item of a batch that is not even a submission: the rest of the batch is not held up by it."""

    def __init__(self, value: Any, errors: ValidationError) -> None:
        self.errors = errors
        self.id = _uuid(value, "id")
        self.sheet_id = _uuid(value, "sheet_id")


def _uuid(value: Any, key: str) -> UUID | None:
    try:
        return UUID(str(value[key]))
    except (KeyError, TypeError, ValueError, IndexError):
        return None


def _leniently(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as errors:
        return Unreadable(value, errors)


class BatchIn(Strict):
    """离线批量提交：顺序不限，可重复发送，每份各自处理"""

    items: list[Annotated[OfflineSubmission, WrapValidator(_leniently)]] = Field(min_length=1, max_length=MAX_BATCH)


class ItemOutcome(StrEnum):
    """批量提交中一份测评表的处理结果"""

    RECORDED = "recorded"
    REPEATED = "repeated"
    LATE = "late"
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """What became of it."""
        labels = {"recorded": "已记录", "repeated": "此前已记录", "late": "进入迟到箱", "refused": "未收下"}
        return labels[self.value]


class ItemProblem(Out):
    """未能收下的原因"""

    code: str
    title: str
    detail: str
    errors: list[dict[str, Any]]


class ItemResult(Out):
    """一份测评表的处理结果"""

    index: int = Field(description="在请求 items 中的位置，从 0 起")
    id: UUID | None
    sheet_id: UUID | None
    outcome: ItemOutcome = Field(
        description="recorded 已记录；repeated 此前已记录；late 已进入迟到箱等待处理；refused 未收下"
    )
    retry: bool = Field(description="稍后原样重发是否可能成功")
    receipt: Receipt | None = Field(description="回执；未记录为 null")
    problem: ItemProblem | None = Field(description="未收下的原因；收下为 null")


class BatchOut(Out):
    """批量提交的结果"""

    recorded: int = Field(description="本次记录的份数")
    repeated: int = Field(description="此前已记录的份数")
    late: int = Field(description="进入迟到箱的份数")
    refused: int = Field(description="未收下的份数")
    items: list[ItemResult] = Field(description="逐份结果，与请求顺序一致")
