"""Requests and answers of units."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, Moment, Name, Out, Reason, ShortText, Strict
from wenming_api.system.units.rules import is_credit_code


def _checked(code: str) -> str:
    if not is_credit_code(code):
        raise ValueError("不是有效的统一社会信用代码（18 位，校验位不符）")
    return code


CreditCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_upper=True, max_length=18),
    AfterValidator(_checked),
    Field(description="统一社会信用代码（GB 32100）", examples=["91350100M000100Y43"]),
]
ItemCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$"),
    Field(description="字典项代码", examples=["education"]),
]


class UnitSort(StrEnum):
    """单位的排序"""

    NUMBER = "number"
    NAME = "name"
    REGION = "region_path"
    NEWEST = "-created_at"


class UnitCreate(Strict):
    """新增单位"""

    name: Name = Field(examples=["张店区城市管理局"])
    short_name: ShortText | None = None
    credit_code: CreditCode | None = None
    region_id: UUID = Field(description="所在区域")
    managing_unit_id: UUID | None = Field(default=None, description="管理单位；没有则为 null")
    category_code: ItemCode | None = None
    nature_code: ItemCode | None = None
    industry_code: ItemCode | None = None
    civility_level_code: ItemCode | None = None
    is_civility_office: bool = Field(default=False, description="是否文明办")


class UnitUpdate(Strict):
    """修改单位；未给出的字段不变，可空字段给 null 即清空"""

    name: Name | None = None
    short_name: ShortText | None = None
    credit_code: CreditCode | None = None
    region_id: UUID | None = None
    category_code: ItemCode | None = None
    nature_code: ItemCode | None = None
    industry_code: ItemCode | None = None
    civility_level_code: ItemCode | None = None
    is_civility_office: bool | None = None


class UnitMove(Judged):
    """调整管理单位；为 null 则不再有管理单位"""

    managing_unit_id: UUID | None
    reason: Reason


class UnitOut(Out):
    """单位"""

    id: UUID
    number: int = Field(description="单位编号", examples=[15])
    name: str = Field(examples=["张店区城市管理局"])
    short_name: str | None
    credit_code: str | None
    region_id: UUID
    region_path: str = Field(examples=["370300000000/370303000000/"])
    region_name: str = Field(description="所在区域全名", examples=["淄博市/张店区"])
    managing_unit_id: UUID | None
    managing_unit_name: str | None
    unit_path: str = Field(description="管理链上各单位的编号", examples=["1/15/"])
    category_code: str | None
    nature_code: str | None
    industry_code: str | None
    civility_level_code: str | None
    is_civility_office: bool
    active: bool


class UnitDetail(UnitOut):
    """单位详情"""

    version: int
    created_at: Moment
    updated_at: Moment
    subordinates: int = Field(description="直属的在用单位数")
    departments: int = Field(description="在用处室数")
    allowed_actions: list[AllowedAction]
