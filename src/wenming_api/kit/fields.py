"""Field types that every schema shares: bounded, cleaned text; exact decimals; places.

Text refuses NUL, lone surrogates and control characters (PostgreSQL cannot store the first two, nobody can read the
third) and is stripped and brought to NFC, so that a length means the same on a phone and here.
"""

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from wenming_api.kit.clock import at_the_edge

_LINE_BREAKS = {"\n", "\r", "\t"}


def _readable(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for character in value:
        category = unicodedata.category(character)
        if category == "Cs" or (category == "Cc" and character not in _LINE_BREAKS):
            raise ValueError("含有不可见的控制字符或残缺字符，请删除后重新输入")
    return unicodedata.normalize("NFC", value)


def _one_line(value: str) -> str:
    if any(character in value for character in _LINE_BREAKS):
        raise ValueError("不能换行")
    return value


_READABLE = BeforeValidator(_readable)
_ONE_LINE = AfterValidator(_one_line)

# The constraints stand first: on a schema that is already wrapped, pydantic would check lengths before it strips.
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), _READABLE, _ONE_LINE]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), _READABLE, _ONE_LINE]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), _READABLE]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=500),
    _READABLE,
    Field(description="原因（2–500 字）", examples=["按市文明办通知调整"]),
]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$"), Field(examples=["wm-2026-01"])]


def _version_7(value: UUID) -> UUID:
    if value.version != 7:
        raise ValueError("应为 UUIDv7")
    return value


ClientId = Annotated[UUID, AfterValidator(_version_7), Field(examples=["019385f6-6c00-7a4b-8f21-0123456789ab"])]
"""An id that a client made, offline perhaps: a UUIDv7."""

Search = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), _READABLE]


def as_text(value: Decimal) -> str:
    """A decimal as answered: no exponent, no trailing zeros."""
    return format(value.normalize() if value else Decimal(0), "f")


_DECIMAL_OUT = PlainSerializer(as_text, return_type=str, when_used="json")

ScoreIn = Annotated[
    Decimal,
    Field(ge=Decimal("-1000000"), le=Decimal("1000000"), max_digits=16, decimal_places=10, allow_inf_nan=False),
    _DECIMAL_OUT,
]
"""A score or weight as a client sends it: an exact decimal, as a JSON string or number."""

PositiveScore = Annotated[
    Decimal,
    Field(gt=0, le=Decimal("1000000"), max_digits=16, decimal_places=10, allow_inf_nan=False),
    _DECIMAL_OUT,
]
ScoreOut = Annotated[Decimal, _DECIMAL_OUT, Field(examples=["78.98"])]
"""A score as the service answers it: an exact decimal as a JSON string, without trailing zeros."""

Longitude = Annotated[Decimal, Field(ge=-180, le=180, max_digits=11, decimal_places=8), _DECIMAL_OUT]
Latitude = Annotated[Decimal, Field(ge=-90, le=90, max_digits=10, decimal_places=8), _DECIMAL_OUT]

Moment = Annotated[
    datetime,
    PlainSerializer(lambda value: at_the_edge(value).isoformat(), return_type=str, when_used="json"),
    Field(examples=["2026-11-22T09:30:00+08:00"]),
]
"""An instant as answered: RFC 3339 in Asia/Shanghai."""


class Strict(BaseModel):
    """Base of requests: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """Base of responses: every field is required, rows and entities are accepted."""

    model_config = ConfigDict(from_attributes=True)


class Transition(Strict):
    """状态变更：所依据的版本与原因"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
    reason: Reason


class Judged(Strict):
    """状态变更：所依据的版本"""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="所依据的版本；已变化则答 409")]
