"""Answers that a route writes without its response model are read back through it, in every test."""

from functools import cache
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter
from starlette.types import Message, Receive, Scope, Send


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


class CheckedAnswers:
    """The application, whose JSON answers must be what their response models would have written."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        body = bytearray()
        start: dict[str, Any] = {}

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, seen)
        model = getattr(scope.get("route"), "response_model", None)
        kind = dict(start.get("headers", [])).get(b"content-type", b"")
        if model is not None and start.get("status") in {200, 201} and kind.startswith(b"application/json"):
            check(model, bytes(body))


def check(model: Any, body: bytes) -> None:
    """Fails unless the model reads the body and would have written the same."""
    adapter = _adapter(model)
    written = orjson.loads(adapter.dump_json(adapter.validate_json(body), by_alias=True))
    if written != orjson.loads(body):
        pytest.fail(f"{model}: the answer is not what its response model writes: {body[:2000]!r}")
