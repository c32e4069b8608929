"""Turns every exception into problem+json: our own, FastAPI's, PostgreSQL's. No input may answer 500."""

import re
import socket

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from wenming_api.kit import context
from wenming_api.kit.idempotency import Replay
from wenming_api.kit.problems import (
    MEDIA_TYPE,
    Conflict,
    InvalidInput,
    NotFound,
    PayloadTooLarge,
    Problem,
    Unavailable,
    Unreadable,
)
from wenming_api.kit.validation import invalid

log = structlog.get_logger(__name__)


def answer(request: Request, problem: Problem) -> Response:
    """The HTTP answer of a problem."""
    document = problem.document(instance=request.url.path, request_id=context.request_id.get())
    return Response(
        orjson.dumps(document, default=str),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


_KEY = re.compile(r"\((?P<columns>[^()]+)\)=\((?P<values>.*)\)", re.DOTALL)
_COLUMNS = {
    "code": "编号",
    "number": "编号",
    "name": "名称",
    "username": "用户名",
    "credit_code": "统一社会信用代码",
}


def _duplicate(cause: asyncpg.UniqueViolationError) -> str:
    """Which value is there already, as far as the server says: its detail is `Key (columns)=(values) …`."""
    if found := _KEY.search(cause.detail or ""):
        columns = found["columns"].split(", ")
        label, value = _COLUMNS.get(columns[-1]), found["values"].split(", ", len(columns) - 1)[-1]
        if label is not None:
            return f"{label}“{value[:100]}”已被使用，请换一个。"
    return "已有相同的数据（名称、编码或编号重复），请核对后再提交。"


DatabaseError = DBAPIError | asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says of a connection that broke between two statements
    OSError,
)


def from_database(error: DatabaseError) -> Problem:
    """The problem behind a database error, SQLAlchemy's or a bare one: duplicates, references, unreadable text, a lock
    not had, no server."""
    lost = False
    cause: BaseException | None = error
    if isinstance(error, DBAPIError):
        lost, cause = error.connection_invalidated, getattr(error.orig, "__cause__", None) or error.orig
    name = getattr(cause, "constraint_name", None)
    if isinstance(cause, asyncpg.UniqueViolationError):
        return Conflict(_duplicate(cause), constraint=name)
    if isinstance(cause, asyncpg.ForeignKeyViolationError):
        return Conflict("引用的数据不存在，或仍被其他数据使用。", constraint=name)
    if isinstance(cause, (asyncpg.CheckViolationError, asyncpg.NotNullViolationError)):
        return InvalidInput("数据不符合要求，请核对后再提交。", constraint=name)
    if isinstance(cause, asyncpg.DataError):
        return InvalidInput("含有无法保存的字符或超出范围的数值，请核对后再提交。")
    if isinstance(cause, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)):
        return Unavailable("多人同时操作同一数据，请重试。", retry_after=1)
    if lost or isinstance(cause, _AWAY):
        return Unavailable("数据库暂时无法连接，请稍后再试；未保存的内容请勿关闭页面。")
    raise error


def install(app: FastAPI) -> None:
    """Register every handler."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, problem: Problem) -> Response:
        return answer(request, problem)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, invalid(list(error.errors())))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return answer(request, _from_http(error))

    @app.exception_handler(Replay)
    async def on_replay(request: Request, kept: Replay) -> Response:
        return Response(kept.body, kept.status, headers={**kept.headers, "Idempotent-Replay": "true"})

    @app.exception_handler(IntegrityError)
    @app.exception_handler(DBAPIError)
    @app.exception_handler(OperationalError)
    @app.exception_handler(asyncpg.PostgresError)
    @app.exception_handler(asyncpg.InterfaceError)
    @app.exception_handler(asyncpg.InternalClientError)
    async def on_database(request: Request, error: DatabaseError) -> Response:
        return answer(request, from_database(error))

    @app.exception_handler(StaleDataError)
    async def on_stale(request: Request, error: StaleDataError) -> Response:
        return answer(request, Conflict("数据已被他人更新，请刷新后再操作。"))

    @app.exception_handler(PoolTimeout)
    @app.exception_handler(ConnectionError)
    @app.exception_handler(TimeoutError)
    @app.exception_handler(socket.gaierror)
    @app.exception_handler(asyncpg.PostgresConnectionError)
    async def on_away(request: Request, error: Exception) -> Response:
        log.warning("database_away", error=str(error))
        return answer(request, Unavailable("系统繁忙或数据库暂时无法连接，请稍后再试。"))

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        log.exception("unhandled", path=request.url.path)
        return answer(request, _Bug("系统出错，已记录；请把 request_id 告诉管理员。"))


class _Bug(Problem):
    status = 500
    code = "internal"
    title = "系统错误"


class _MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    title = "不支持此方法"


def _from_http(error: HTTPException) -> Problem:
    found: Problem
    if error.status_code == 404:
        found = NotFound("没有这个地址，请核对接口文档。")
    elif error.status_code == 405:
        found = _MethodNotAllowed("此地址不支持该请求方法。")
    elif error.status_code == 413:
        found = PayloadTooLarge("请求内容超过大小限制。")
    else:
        found = Unreadable("请求内容无法解析，请检查格式与编码。")
    found.headers = {**found.headers, **(dict(error.headers) if error.headers else {})}
    return found
