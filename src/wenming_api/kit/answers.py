"""Rows written as JSON at once, in the form that the response models give: for hot reads.

Scores are strings without trailing zeros, instants are in Asia/Shanghai. A route that answers this way names its
`response_model`; the tests read every such answer back through that model (`tests/answers.py`).
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from wenming_api.kit.bare import Row
from wenming_api.kit.clock import SHANGHAI
from wenming_api.kit.fields import as_text
from wenming_api.kit.kept import Found
from wenming_api.kit.pages import COUNTED_UP_TO


def _write(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):  # asyncpg's own kind
        return str(value)
    if isinstance(value, Decimal):
        return as_text(value)
    if isinstance(value, BaseModel):  # an allowed action: plain fields
        return value.__dict__
    raise TypeError(f"{type(value).__name__} has no form in answers")


def document(content: Any) -> bytes:
    """The JSON of plain values, UUIDs, decimals and instants."""
    return orjson.dumps(content, default=_write, option=orjson.OPT_PASSTHROUGH_DATETIME)


def answer(content: Any, *, version: int | None = None) -> Response:
    """A 200 with this content; `version` becomes its ETag."""
    headers = None if version is None else {"ETag": f'"{version}"'}
    return Response(document(content), media_type="application/json", headers=headers)


def answer_page(found: Found, *, extra: Callable[[Row], dict[str, Any]] | None = None) -> Response:
    """A page as `kit.pages.Page` describes it; `extra` makes further fields of a row."""
    items = [{**row, **extra(row)} if extra else dict(row) for row in found.items]
    return answer(
        {
            "items": items,
            "total": min(found.total, COUNTED_UP_TO),
            "total_exact": found.total <= COUNTED_UP_TO,
            "page": found.params.page,
            "size": found.params.size,
        }
    )
