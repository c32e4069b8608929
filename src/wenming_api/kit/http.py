"""The HTTP edge: one request, one transaction, committed before the answer leaves; idempotency keys; ETags."""

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query as QueryParam
from fastapi.routing import APIRoute

from wenming_api.kit import idempotency
from wenming_api.kit.bare import Reader, Transaction
from wenming_api.kit.db import Database, ReadSession, WriteSession
from wenming_api.kit.pages import PageParams
from wenming_api.kit.problems import InvalidInput, Problem, StaleVersion, Unreadable, VersionRequired, problems
from wenming_api.kit.storage import ObjectStore
from wenming_api.kit.validation import unknown_parameters


def _database(request: Request) -> Database:
    database: Database = request.app.state.resources.database
    return database


async def get_session(request: Request) -> AsyncIterator[WriteSession]:
    """The request's write transaction: committed when the endpoint has returned, before its answer is sent."""
    database = _database(request)
    async with database.turns, database.write() as session:
        request.state.write_session = session
        try:
            yield session
        except Problem as problem:
            if problem.keeps_changes:
                await session.commit()
            raise
        await session.commit()


async def get_read_session(request: Request) -> AsyncIterator[ReadSession]:
    """The request's read session."""
    async with _database(request).read() as session:
        yield session


async def _reader(request: Request) -> Reader:
    reader: Reader = request.app.state.resources.reader
    return reader


async def _transaction(request: Request) -> AsyncIterator[Transaction]:
    async with request.app.state.resources.writer.transaction() as transaction:
        yield transaction


async def _store(request: Request) -> ObjectStore:
    store: ObjectStore = request.app.state.resources.store
    return store


Store = Annotated[ObjectStore, Depends(_store)]
"""The object store."""

Writes = Annotated[WriteSession, Depends(get_session, scope="function")]
Reads = Annotated[ReadSession, Depends(get_read_session, scope="function")]
HotReads = Annotated[Reader, Depends(_reader)]
"""For kept statements alone (`kit.kept`): a session costs more than they do."""
HotWrites = Annotated[Transaction, Depends(_transaction, scope="function")]
"""A transaction without a session, committed as `Writes` is (any problem rolls it back); for `exactly_once`."""


async def _paging(
    page: Annotated[int, Query(ge=1, le=10_000, description="页码，从 1 起")] = 1,
    size: Annotated[int, Query(ge=1, le=100, description="每页条数")] = 20,
) -> PageParams:
    return PageParams(page, size)


Paging = Annotated[PageParams, Depends(_paging)]


async def _if_match(
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", max_length=40, description="所编辑的版本，即详情响应的 ETag", examples=['"3"']),
    ] = None,
) -> int:
    if if_match is None:
        raise VersionRequired
    digits = if_match.strip().removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise StaleVersion(current_version=0)
    return int(digits)


IfMatch = Annotated[int, Depends(_if_match)]
"""The version that the caller edited (428 without it)."""


def etag(response: Response, version: int) -> None:
    """Name the version of what is answered."""
    response.headers["ETag"] = f'"{version}"'


async def _claim_key(
    request: Request,
    session: Writes,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=8,
            max_length=100,
            pattern=r"^[\x21-\x7e]+$",
            description="重发保护：同一键、同一内容只执行一次，返回同一结果（保留 48 小时）",
        ),
    ] = None,
) -> None:
    principal = getattr(request.state, "principal", None)
    if key is None or principal is None:
        return
    route: str = request.scope["route"].path
    print_ = idempotency.fingerprint(request.url.path.encode(), request.url.query.encode(), await request.body())
    request.state.claim = await idempotency.claim(
        session, principal=str(principal.user_id), route=f"POST {route}", key=key, print_=print_
    )


def inline(kind: type[Any]) -> Any:
    """A dependency that makes a `kind` of the query parameters its fields describe, on the event loop.

    FastAPI sends a class, as any plain function, to a thread: a detour that costs more than what it does there.
    """

    async def make(**values: Any) -> Any:
        return kind(**values)

    make.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return Depends(make)


def _query_names(dependant: Dependant) -> frozenset[str]:
    """The query parameters that a route takes, those of its dependencies included."""
    found = get_flat_params(dependant)
    return frozenset(field.alias for field in found if isinstance(field.field_info, QueryParam))


_KEPT_HEADERS = {"content-type", "etag", "location"}


class Route(APIRoute):
    """A route that refuses query parameters it does not take, and keeps the answer of a POST sent with an
    `Idempotency-Key` in the same transaction.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        keyless = getattr(endpoint, "no_replay", False) or getattr(endpoint, "exactly_once", False)
        if "POST" in (options.get("methods") or ()) and not keyless:
            options["responses"] = problems(idempotency.KeyReused) | (options.get("responses") or {})
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(_claim_key, scope="function")]
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that FastAPI made, between a look at the query's names and keeping its answer."""
        answer = super().get_route_handler()
        taken = _query_names(self.dependant)

        async def check_and_answer(request: Request) -> Response:
            if request.scope["query_string"] and not taken.issuperset(request.query_params):
                raise InvalidInput(errors=unknown_parameters(request.query_params, taken))
            return await answer(request)

        if "POST" not in (self.methods or ()):
            return check_and_answer

        async def answer_and_keep(request: Request) -> Response:
            if "idempotency-key" in request.headers:
                await request.body()  # kept by the request: a form is otherwise read once, as a stream
            response = await check_and_answer(request)
            claim: idempotency.Claim | None = getattr(request.state, "claim", None)
            if claim is not None:
                headers = {k: v for k, v in response.headers.items() if k in _KEPT_HEADERS}
                session: WriteSession = request.state.write_session
                await claim.keep(session, response.status_code, headers, bytes(response.body))
            return response

        return answer_and_keep


def no_replay(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an endpoint whose answers hold secrets (tokens, presigned addresses): they are never kept."""
    endpoint.no_replay = True  # type: ignore[attr-defined]
    return endpoint


def exactly_once(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an endpoint that does the same thing once however often it is asked, by an id that the client made: it needs
    no `Idempotency-Key`."""
    endpoint.exactly_once = True  # type: ignore[attr-defined]
    return endpoint


class Router(APIRouter):
    """A domain's router: transaction edge, idempotency keys and the problems that any route may answer."""

    def __init__(self, *, prefix: str = "", tags: list[str], raises: tuple[type[Problem], ...] = ()) -> None:
        super().__init__(
            prefix=prefix,
            tags=list(tags),
            route_class=Route,
            responses=problems(Unreadable, InvalidInput, *raises),
            strict_content_type=False,
        )


def operation_id(route: Any) -> str:
    """`<sub-system>_<domain>_<endpoint>`: short, stable, what generated clients call their methods."""
    parts = route.endpoint.__module__.removeprefix("wenming_api.").removesuffix(".router").split(".")
    return "_".join([*parts, route.endpoint.__name__.rstrip("_")])
