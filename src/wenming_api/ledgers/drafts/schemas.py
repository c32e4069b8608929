"""Autosaved drafts as they are sent and answered."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from wenming_api.kit.fields import Moment, Out, Strict
from wenming_api.ledgers.contents.rules import LABELS

MAX_CHARACTERS = 200_000
MAX_VALUES = 5_000


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of fields included; a number or a gap counts as an empty text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    else:
        yield value if isinstance(value, str) else ""


def _bounded(content: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(content.keys() - LABELS.keys()):
        raise ValueError(f"没有字段“{unknown[0][:60]}”")
    texts = list(_texts(content))
    if sum(map(len, texts)) > MAX_CHARACTERS or len(texts) > MAX_VALUES:
        raise ValueError("暂存的内容过大")
    if any(character == "\x00" or "\ud800" <= character <= "\udfff" for text in texts for character in text):
        raise ValueError("含有不可见的控制字符或残缺字符，请删除后重新输入")
    return content


class DraftContent(Strict):
    """正在填写的内容，可以不完整"""

    content: Annotated[
        dict[str, Any], AfterValidator(_bounded), Field(description="台账内容的字段，形式同正式保存，允许缺项")
    ]
    base_version: int = Field(ge=1, le=2**31 - 1, description="开始填写时记录的版本号（ETag）")


class RecordDraft(Out):
    """本人暂存的内容"""

    record_id: UUID = Field(description="记录")
    content: dict[str, Any] = Field(description="暂存的字段")
    base_version: int = Field(description="开始填写时记录的版本号")
    current_version: int = Field(description="记录现在的版本号；与 base_version 不同说明他人已修改")
    saved_at: Moment
