"""Requests and responses of bulk reviews."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from wenming_api.kit.fields import Judged, Out, Reason, Strict
from wenming_api.ledgers.bulk_reviews.rules import MAX_ITEMS, BulkAction
from wenming_api.ledgers.submissions.rules import SubmissionState


class BulkItem(Judged):
    """一份报送及所依据的版本"""

    id: UUID


class BulkReview(Strict):
    """批量签收、审核、退回或归档"""

    action: BulkAction = Field(description="对每一份的操作")
    items: Annotated[list[BulkItem], Field(min_length=1, max_length=MAX_ITEMS, description="各份报送")]
    reason: Reason | None = Field(default=None, description="退回时必填，对各份相同；审核通过时为意见")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.action is BulkAction.RETURN and self.reason is None:
            raise ValueError("退回须说明原因")
        if len({item.id for item in self.items}) < len(self.items):
            raise ValueError("有重复的报送")
        return self


class BulkResult(Out):
    """一份报送的结果"""

    id: UUID
    done: bool = Field(description="是否完成")
    state: SubmissionState | None = Field(description="完成后的状态；未完成为 null")
    version: int | None = Field(description="完成后的版本；未完成为 null")
    code: str | None = Field(description="未完成的错误代码；完成为 null", examples=["version_moved"])
    detail: str | None = Field(description="未完成的原因；完成为 null")


class BulkOutcome(Out):
    """逐份结果，顺序与请求相同"""

    done: int = Field(description="完成的份数")
    failed: int = Field(description="未完成的份数")
    items: list[BulkResult]
