"""The bare server to compare with: Starlette routes that send fixed bytes or run one statement by asyncpg, no more.

`BENCH_DSN` names the database, `BENCH_FILES` a directory: `<name>.bytes` is sent at `/bytes/<name>`, the statements of
`<name>.queries` (a JSON list) are run at `/rows/<name>` and their rows sent as JSON, like the product's answers.
"""

import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import uvicorn
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


def create_app() -> Starlette:
    """The baseline application."""
    bodies: dict[str, bytes] = {}
    queries: dict[str, list[str]] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=10, max_size=20) as pool:
            app.state.pool = pool
            yield

    async def send_bytes(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in bodies:
            bodies[name] = (Path(os.environ["BENCH_FILES"]) / f"{name}.bytes").read_bytes()
        return Response(bodies[name], media_type="application/json")

    async def send_rows(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in queries:
            queries[name] = json.loads((Path(os.environ["BENCH_FILES"]) / f"{name}.queries").read_text())
        async with request.app.state.pool.acquire() as connection:
            rows = [await connection.fetch(statement) for statement in queries[name]]
        return Response(orjson.dumps([[dict(row) for row in found] for found in rows], default=str))

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


def main() -> None:
    """Serve on the socket that the parent passed (`--fd N`), as the product's own server does."""
    options = {"factory": True, "log_config": None, "access_log": False, "server_header": False}
    configuration = uvicorn.Config("bench.baseline:create_app", **options)
    uvicorn.Server(configuration).run(sockets=[socket.socket(fileno=int(sys.argv[-1]))])


if __name__ == "__main__":
    main()
