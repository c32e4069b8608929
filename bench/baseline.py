"""The bare server to compare with: Starlette routes that send fixed bytes or run one statement by asyncpg, no more.

`BENCH_DSN` names the database, `BENCH_BYTES` a directory of bodies served at `/bytes/<name>`, and `BENCH_QUERIES` a
JSON file of `{"name": {"sql", "arguments"?}}` served at `/rows/<name>`. Rows come as JSON, like the product's answers.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

INSERT_ONE = "INSERT INTO bench_sheets (id, payload) VALUES ($1, $2)"
INSERT_LINES = "INSERT INTO bench_lines (id, sheet_id, no, payload) VALUES ($1, $2, $3, $4)"
INSERT_TABLES = """
CREATE TABLE IF NOT EXISTS bench_sheets (id uuid PRIMARY KEY, payload jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS bench_lines (
    id uuid PRIMARY KEY, sheet_id uuid NOT NULL REFERENCES bench_sheets, no int NOT NULL, payload jsonb NOT NULL,
    UNIQUE (sheet_id, no)
);
"""


def plain(value: Any) -> Any:
    """What orjson cannot write by itself."""
    if isinstance(value, UUID):
        return str(value)
    return str(value)


def create_app() -> Starlette:
    """The baseline application."""
    bodies = {path.stem: path.read_bytes() for path in Path(os.environ["BENCH_BYTES"]).iterdir()}
    queries: dict[str, dict[str, Any]] = json.loads(Path(os.environ["BENCH_QUERIES"]).read_text())

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=10, max_size=20) as pool:
            app.state.pool = pool
            yield

    async def send_bytes(request: Request) -> Response:
        return Response(bodies[request.path_params["name"]], media_type="application/json")

    async def send_rows(request: Request) -> Response:
        query = queries[request.path_params["name"]]
        arguments = [UUID(value) if kind == "uuid" else value for kind, value in query.get("arguments", [])]
        if "key" in request.query_params:
            arguments.append(UUID(request.query_params["key"]))
        rows = await request.app.state.pool.fetch(query["sql"], *arguments)
        return Response(orjson.dumps([dict(row) for row in rows], default=plain), media_type="application/json")

    async def insert(request: Request) -> Response:
        sheet = orjson.loads(await request.body())
        key = UUID(sheet["id"])
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            await connection.execute(INSERT_ONE, key, orjson.dumps({"kind": sheet["kind"]}).decode())
            await connection.executemany(
                INSERT_LINES,
                [(UUID(line["id"]), key, no, orjson.dumps(line).decode()) for no, line in enumerate(sheet["lines"])],
            )
        return Response(b"{}", status_code=201, media_type="application/json")

    return Starlette(
        routes=[
            Route("/bytes/{name}", send_bytes),
            Route("/rows/{name}", send_rows),
            Route("/sheets", insert, methods=["POST"]),
        ],
        lifespan=lifespan,
    )
