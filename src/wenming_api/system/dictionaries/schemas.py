"""Requests and responses of dictionaries."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, ShortText, Strict
from wenming_api.system.dictionaries.rules import CODE_PATTERN, MAX_ITEMS

DictionaryCode = Annotated[str, Field(pattern=CODE_PATTERN, description="字典代码", examples=["industry"])]
ItemCode = Annotated[str, Field(pattern=CODE_PATTERN, description="字典项代码", examples=["commerce"])]


class DictionarySort(StrEnum):
    """字典的排序"""

    POSITION = "position"
    POSITION_DOWN = "-position"
    NAME = "name"
    NAME_DOWN = "-name"
    CODE = "code"
    CODE_DOWN = "-code"


class DictionaryRow(Out):
    """列表中的字典"""

    id: UUID
    code: str = Field(examples=["industry"])
    name: str = Field(examples=["行业"])
    note: str | None
    position: int
    version: int


class ItemOut(Out):
    """字典项"""

    id: UUID
    code: str = Field(examples=["commerce"])
    name: str = Field(examples=["商业零售"])
    position: int
    active: bool = Field(description="停用的字典项不能再选用，已引用的数据不受影响")
    note: str | None
    version: int


class DictionaryOut(DictionaryRow):
    """字典详情：含全部字典项，按顺序"""

    created_at: Moment
    updated_at: Moment
    items: list[ItemOut]
    allowed_actions: list[AllowedAction]


class DictionaryCreate(Strict):
    """新增字典"""

    code: DictionaryCode
    name: Name
    note: ShortText | None = None


class DictionaryUpdate(Strict):
    """修改字典；未给出的字段不变"""

    name: Name | None = None
    note: ShortText | None = None


class ItemCreate(Strict):
    """新增字典项，排在最后"""

    code: ItemCode
    name: Name
    note: ShortText | None = None


class ItemUpdate(Strict):
    """修改字典项；代码不可修改"""

    name: Name | None = None
    note: ShortText | None = None


class ItemOrder(Strict):
    """字典项的新顺序"""

    item_ids: Annotated[list[UUID], Field(max_length=MAX_ITEMS, description="全部字典项的 id，按新顺序")]
