"""Lists: one way to page, filter and sort.

A page has a size and a number and a total, counted up to `COUNTED_UP_TO` so that a long list costs no more than a
short one; deeper pages are refused with the advice to filter. Every sort ends with the primary key, so pages never
repeat or skip a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, func, select

from wenming_api.kit.db import AnySession
from wenming_api.kit.fields import Out
from wenming_api.kit.problems import FieldError, InvalidInput

COUNTED_UP_TO = 10_000
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class PageParams:
    """Which page of which size."""

    page: int = 1
    size: int = 20

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * self.size


class Page(Out, Generic[T]):
    """一页结果"""

    items: list[T]
    total: int = Field(description=f"符合条件的总数；超过 {COUNTED_UP_TO} 条时停止计数", examples=[128])
    total_exact: bool = Field(description="total 是否为准确总数")
    page: int
    size: int


def given(**filters: Any) -> dict[str, Any]:
    """The filters that are not None: the names make the shape, the values are bound."""
    return {name: value for name, value in filters.items() if value is not None}


def escape_like(text: str) -> str:
    """Text that LIKE (with ESCAPE '\\\\') matches literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether a column contains the text, letter case ignored."""
    return column.ilike(f"%{escape_like(text)}%", escape="\\")  # type: ignore[no-any-return]


def ordering(sort: StrEnum, columns: Mapping[str, Any], key: Any) -> list[ColumnElement[Any]]:
    """ORDER BY of a sort value (`name`, `-created_at`), ended by the primary key in the same direction."""
    name = sort.value.removeprefix("-")
    down = sort.value.startswith("-")
    ordered = [columns[name], key]
    return [column.desc() if down else column.asc() for column in ordered]


def refuse_too_deep(params: PageParams) -> None:
    """`InvalidInput` for a page beyond what is counted."""
    if params.offset + params.size > COUNTED_UP_TO:
        raise InvalidInput(
            f"最多翻到第 {COUNTED_UP_TO} 条，请增加筛选条件缩小范围。",
            errors=[FieldError("/query/page", f"page × size 不能超过 {COUNTED_UP_TO}")],
        )


async def page(
    session: AnySession,
    statement: Select[Any],
    params: PageParams,
    *,
    sort: StrEnum,
    columns: Mapping[str, Any],
    key: Any,
    into: type[T],
    extra: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None,
) -> Page[T]:
    """One page of `statement` (which selects the columns that `into` names), in two statements.

    `extra` makes further fields from a row's columns.
    """
    refuse_too_deep(params)
    counted = select(func.count()).select_from(
        statement.with_only_columns(key).order_by(None).limit(COUNTED_UP_TO + 1).subquery()
    )
    total = (await session.execute(counted)).scalar_one()
    rows = []
    if total > params.offset:
        ordered = statement.order_by(None).order_by(*ordering(sort, columns, key))
        found = await session.execute(ordered.limit(params.size).offset(params.offset))
        rows = [into.model_validate(dict(row) | (extra(row) if extra else {})) for row in found.mappings()]
    return Page[T](
        items=rows,
        total=min(total, COUNTED_UP_TO),
        total_exact=total <= COUNTED_UP_TO,
        page=params.page,
        size=params.size,
    )
