"""Pure ASGI middleware: a request's id, its log line, its metrics, and the headers every answer carries."""

import re
import time
from typing import Any

import orjson
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wenming_api.kit import context
from wenming_api.kit.ids import text_uuid7
from wenming_api.kit.logs import access
from wenming_api.kit.problems import MEDIA_TYPE, PayloadTooLarge

REQUESTS = Counter("wenming_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "wenming_request_seconds",
    "Seconds until the answer was complete",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_SAFE_ID = re.compile(rb"^[A-Za-z0-9._\-]{8,64}$")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]


PUBLIC = "/api/v1/public/"
"""Below this path answers whoever asks: bodies are small there."""


def _too_large(announced: bytes | None, most: int) -> bool:
    return announced is not None and announced.isdigit() and int(announced[:20]) > most


def _counted(receive: Receive, most: int) -> Receive:
    """For bodies of unannounced size: the limit is found while reading."""
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413)
        return message

    return counted


def _refuse(scope: Scope, id_: str, most: int) -> Response:
    size = f"{most // 1024 // 1024} MB" if most >= 1024 * 1024 else f"{most // 1024} KB"
    document = PayloadTooLarge(f"请求内容超过 {size} 的限制。").document(instance=scope["path"], request_id=id_)
    return Response(
        orjson.dumps(document), PayloadTooLarge.status, media_type=MEDIA_TYPE, headers={"Connection": "close"}
    )


class RequestContext:
    """Gives each request an id (or takes the caller's), refuses one too large, logs it when answered, counts it."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_public_body_bytes: int) -> None:
        self.app = app
        self._max_body_bytes = max_body_bytes
        self._max_public_body_bytes = max_public_body_bytes
        self._metrics: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        id_ = given.decode() if _SAFE_ID.match(given) else text_uuid7()
        client = scope.get("client")
        context.request_id.set(id_)
        context.client_address.set(client[0] if client else None)
        started = time.perf_counter()
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in _HEADERS if pair[0] not in present),
                    (b"x-request-id", id_.encode()),
                ]
            await send(message)

        try:
            most = self._max_public_body_bytes if scope["path"].startswith(PUBLIC) else self._max_body_bytes
            if _too_large(headers.get(b"content-length"), most):
                await _refuse(scope, id_, most)(scope, receive, answer)
            elif b"transfer-encoding" in headers:
                await self.app(scope, _counted(receive, most), answer)
            else:
                await self.app(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            self._record(scope, status, seconds, id_)

    def _record(self, scope: Scope, status: int, seconds: float, id_: str) -> None:
        route: Any = scope.get("route")
        path = getattr(route, "path", None) or "unmatched"
        method = scope["method"]
        key = (method, path, status)
        metrics = self._metrics.get(key)
        if metrics is None:  # looking labels up costs more than counting
            metrics = self._metrics[key] = (REQUESTS.labels(method, path, status), SECONDS.labels(method, path))
        metrics[0].inc()
        metrics[1].observe(seconds)
        access.write(method=method, path=path, status=status, ms=round(seconds * 1000, 1), request_id=id_)
