"""Hot answers: sent from memory, to those they are for, until something says they are old."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from wenming_api.kit import hot as hot_module
from wenming_api.kit.hot import HotAnswers, hot


@dataclass
class Topics:
    """Invalidations at the test's command."""

    fresh: bool = True
    forgetters: list[Callable[[str | None], None]] = field(default_factory=list)

    def on_topic(self, forget: Callable[[str | None], None]) -> None:
        self.forgetters.append(forget)

    def say(self, topic: str | None) -> None:
        for forget in self.forgetters:
            forget(topic)


@dataclass
class Counted:
    """How often the application itself answered, and what happens while it does."""

    calls: int = 0
    meanwhile: Callable[[], None] = lambda: None

    def next(self) -> str:
        self.calls += 1
        self.meanwhile()
        return f"answer {self.calls}"


class AsUser:
    """Puts the user named in a header on the request, as the principal's middleware does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            name = dict(scope["headers"]).get(b"x-user")
            principal = SimpleNamespace(user_id=UUID(name.decode())) if name else None
            scope.setdefault("state", {})["principal"] = principal
        await self.app(scope, receive, send)


@pytest.fixture
def topics() -> Topics:
    return Topics()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def small_app(topics: Topics, counted: Counted) -> FastAPI:
    app = FastAPI()

    @app.get("/public", dependencies=[hot("rankings", public=True)])
    async def public() -> PlainTextResponse:
        return PlainTextResponse(counted.next(), headers={"x-kept": "yes"})

    @app.get("/own", dependencies=[hot("results", "sheets")])
    async def own(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{counted.next()} {request.headers.get('x-user')}")

    @app.get("/cold")
    async def cold() -> PlainTextResponse:
        return PlainTextResponse(counted.next())

    @app.get("/refused", dependencies=[hot("rankings", public=True)])
    async def refused() -> PlainTextResponse:
        return PlainTextResponse(counted.next(), status_code=409)

    @app.get("/streamed", dependencies=[hot("rankings", public=True)])
    async def streamed() -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield counted.next()
            yield " in parts"

        return StreamingResponse(parts())

    app.add_middleware(HotAnswers, invalidations=topics)
    app.add_middleware(AsUser)
    return app


@pytest.fixture
def http(small_app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(small_app), base_url="http://test")


async def test_public_answer_is_made_once_for_everybody(http: httpx.AsyncClient, counted: Counted) -> None:
    first = await http.get("/public")
    second = await http.get("/public", headers={"x-user": str(uuid4())})
    assert first.text == second.text == "answer 1"
    assert first.headers["cache-control"] == "public, no-cache"
    assert {**first.headers} == {**second.headers}
    assert second.headers["x-kept"] == "yes"
    assert counted.calls == 1


async def test_query_is_part_of_the_address(http: httpx.AsyncClient) -> None:
    assert (await http.get("/public?page=1")).text != (await http.get("/public?page=2")).text


async def test_private_answer_is_for_its_user_alone(http: httpx.AsyncClient, counted: Counted) -> None:
    one, two = ({"x-user": str(uuid4())} for _ in range(2))
    mine = await http.get("/own", headers=one)
    theirs = await http.get("/own", headers=two)
    assert mine.text.endswith(one["x-user"])
    assert theirs.text.endswith(two["x-user"])
    assert (await http.get("/own", headers=one)).text == mine.text
    assert mine.headers["cache-control"] == "private, no-cache"
    assert counted.calls == 2


async def test_nobodys_private_answer_is_not_kept(http: httpx.AsyncClient, counted: Counted) -> None:
    await http.get("/own")
    await http.get("/own")
    assert counted.calls == 2


@pytest.mark.parametrize("path", ["/cold", "/refused"])
async def test_other_answers_are_not_kept(http: httpx.AsyncClient, counted: Counted, path: str) -> None:
    await http.get(path)
    await http.get(path)
    assert counted.calls == 2


async def test_streamed_answer_is_kept_whole(http: httpx.AsyncClient, counted: Counted) -> None:
    assert (await http.get("/streamed")).text == (await http.get("/streamed")).text == "answer 1 in parts"


async def test_known_answer_is_not_sent_again(http: httpx.AsyncClient, counted: Counted) -> None:
    tag = (await http.get("/public")).headers["etag"]
    again = await http.get("/public", headers={"if-none-match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await http.get("/public", headers={"if-none-match": '"other"'})).status_code == 200
    cold = await http.get("/public?cold", headers={"if-none-match": "*"})
    assert cold.status_code == 304


@pytest.mark.parametrize("topic", ["results", "sheets", "users", None])
async def test_topic_drops_answers(
    http: httpx.AsyncClient, topics: Topics, counted: Counted, topic: str | None
) -> None:
    user = {"x-user": str(uuid4())}
    await http.get("/own", headers=user)
    topics.say(topic)
    await http.get("/own", headers=user)
    assert counted.calls == 2


async def test_change_of_rights_drops_that_users_answers_only(
    http: httpx.AsyncClient, topics: Topics, counted: Counted
) -> None:
    one, two = ({"x-user": str(uuid4())} for _ in range(2))
    for user in (one, two):
        await http.get("/own", headers=user)
    await http.get("/public")
    topics.say(f"user:{one['x-user']}")
    topics.say("something-else")
    await http.get("/public")
    await http.get("/own", headers=two)
    assert counted.calls == 3
    await http.get("/own", headers=one)
    assert counted.calls == 4


async def test_answer_overtaken_by_an_invalidation_is_not_kept(
    http: httpx.AsyncClient, topics: Topics, counted: Counted
) -> None:
    counted.meanwhile = lambda: topics.say("rankings")
    await http.get("/public")
    counted.meanwhile = lambda: None
    assert (await http.get("/public")).text == "answer 2"


async def test_nothing_is_kept_or_sent_while_cut_off(http: httpx.AsyncClient, topics: Topics, counted: Counted) -> None:
    await http.get("/public")
    topics.fresh = False
    assert (await http.get("/public")).text == "answer 2"
    topics.fresh = True
    assert (await http.get("/public")).text == "answer 1", "dropping is the listener's task when it comes back"


async def test_answers_age(http: httpx.AsyncClient, counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    await http.get("/public")
    later = hot_module.time.monotonic() + 61
    monkeypatch.setattr(hot_module, "time", SimpleNamespace(monotonic=lambda: later))
    assert (await http.get("/public")).text == "answer 2"


async def test_memory_is_bounded(http: httpx.AsyncClient, counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_module, "CAPACITY_BYTES", 20)  # two answers of eight bytes
    for page in (1, 2, 3):
        await http.get(f"/public?page={page}")
    await http.get("/public?page=3")
    assert counted.calls == 3
    await http.get("/public?page=1")
    assert counted.calls == 4
    monkeypatch.setattr(hot_module, "LARGEST_ANSWER", 4)
    await http.get("/public?page=9")
    await http.get("/public?page=9")
    assert counted.calls == 6
