"""Hot answers: whole answers of often-read routes, kept in the process and sent before any routing happens.

A route opts in with `dependencies=[hot("rankings")]`. Its successful answers are kept per address (path and query) and,
unless the route is public, per user. They are dropped when a transaction anywhere calls
`invalidate(session, "rankings")`, when the user's rights change (`user:<id>`, `users`), and after `seconds` at the
latest. While this process is cut off from invalidations, nothing is kept and nothing kept is sent.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from fastapi import Depends, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CAPACITY_BYTES = 64 * 1024 * 1024
LARGEST_ANSWER = 1024 * 1024
_DROPPED_HEADERS = {b"etag", b"cache-control", b"content-length"}

Headers = list[tuple[bytes, bytes]]
Key = tuple[UUID | None, bytes, bytes]
"""User (None: anybody), path as sent, query as sent."""


@dataclass(frozen=True, slots=True)
class Hot:
    """What a route allows: who shares its answers, which topics drop them, for how long they stay."""

    topics: tuple[str, ...]
    seconds: float
    public: bool


def hot(*topics: str, seconds: float = 60.0, public: bool = False) -> Any:
    """A route dependency: keep this route's answers until one of `topics` is invalidated, or for `seconds`.

    The answer may depend on nothing but the address and, unless `public`, on the user's identity and rights.
    """
    allowed = Hot(topics, seconds, public)

    async def allow(request: Request) -> None:
        request.state.hot = allowed

    return Depends(allow)


class Invalidations(Protocol):
    """What tells this process to forget: `kit.invalidation.Listener`."""

    fresh: bool

    def on_topic(self, forget: Callable[[str | None], None]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Answer:
    headers: Headers
    unchanged_headers: Headers
    body: bytes
    etag: bytes
    until: float
    topics: tuple[str, ...]
    route: Any


class HotAnswers:
    """Pure ASGI middleware inside the one that knows the principal (`scope["state"]["principal"]`)."""

    def __init__(self, app: ASGIApp, invalidations: Invalidations) -> None:
        self.app = app
        self._invalidations = invalidations
        self._answers: dict[Key, _Answer] = {}
        self._bytes = 0
        self._generation = 0
        invalidations.on_topic(self.forget)

    def forget(self, topic: str | None) -> None:
        """Drop what a topic concerns; None drops everything."""
        self._generation += 1
        if topic is None:
            self._answers.clear()
            self._bytes = 0
            return
        user = topic.removeprefix("user:") if topic.startswith("user:") else None
        for key, answer in list(self._answers.items()):
            concerns_user = key[0] is not None and (topic == "users" or str(key[0]) == user)
            if concerns_user or topic in answer.topics:
                self._drop(key)

    def _drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._bytes -= len(answer.body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        principal = scope["state"].get("principal")
        user = principal.user_id if principal is not None else None
        path, query = scope["raw_path"], scope["query_string"]
        answer = self._answers.get((None, path, query)) or self._answers.get((user, path, query))
        if answer is not None and self._invalidations.fresh and answer.until > time.monotonic():
            scope["route"] = answer.route
            await _send(answer, scope, send)
            return
        keeper = _Keeper(self, scope, send, user)
        await self.app(scope, receive, keeper.send)

    def keep(self, key: Key, answer: _Answer, generation: int) -> None:
        """Keep an answer that was begun in `generation`; one that an invalidation overtook is not kept."""
        if generation != self._generation or not self._invalidations.fresh or len(answer.body) > LARGEST_ANSWER:
            return
        self._drop(key)
        while self._answers and self._bytes + len(answer.body) > CAPACITY_BYTES:
            self._drop(next(iter(self._answers)))
        self._answers[key] = answer
        self._bytes += len(answer.body)

    @property
    def generation(self) -> int:
        """Counts invalidations."""
        return self._generation


class _Keeper:
    """Collects one answer on its way out, if its route turns out to be hot."""

    def __init__(self, kept: HotAnswers, scope: Scope, send: Send, user: UUID | None) -> None:
        self._kept = kept
        self._scope = scope
        self._send = send
        self._user = user
        self._generation = kept.generation
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        allowed: Hot | None = self._scope["state"].get("hot")
        if message["type"] == "http.response.start" and allowed is not None and message["status"] == 200:
            self._start = message
            return
        if self._start is None or allowed is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        answer = self._answer(self._start, allowed)
        user = None if allowed.public else self._user
        if allowed.public or user is not None:
            self._kept.keep((user, self._scope["raw_path"], self._scope["query_string"]), answer, self._generation)
        await _send(answer, self._scope, self._send)

    def _answer(self, start: Message, allowed: Hot) -> _Answer:
        body = bytes(self._body)
        etag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
        who = b"public" if allowed.public else b"private"
        named = [(b"etag", etag), (b"cache-control", who + b", no-cache")]
        headers = [pair for pair in start["headers"] if pair[0] not in _DROPPED_HEADERS] + named
        return _Answer(
            headers=[*headers, (b"content-length", str(len(body)).encode())],
            unchanged_headers=named,
            body=body,
            etag=etag,
            until=time.monotonic() + allowed.seconds,
            topics=allowed.topics,
            route=self._scope.get("route"),
        )


async def _send(answer: _Answer, scope: Scope, send: Send) -> None:
    """The answer, or 304 when the caller has it already."""
    for name, value in scope["headers"]:
        if name == b"if-none-match" and (answer.etag in value or value.strip() == b"*"):
            await send({"type": "http.response.start", "status": 304, "headers": answer.unchanged_headers})
            await send({"type": "http.response.body", "body": b""})
            return
    await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
