"""Hostile bodies to every route that reads one: refused with a Chinese problem, nothing saved, never 500."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from wenming_api.cli import contract_text

DOCUMENT: dict[str, Any] = json.loads(contract_text())
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ID = "019347a0-0000-7000-8000-00000000ffff"
MEBIBYTE = 1024 * 1024


def _names(schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return sorted(schema.get("properties", {"value": {}}))


READERS = [
    (
        method.upper(),
        path,
        operation["operationId"],
        _names(operation["requestBody"]["content"]["application/json"]["schema"]),
    )
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if "application/json" in operation.get("requestBody", {}).get("content", {})
]
VALUES = {
    "nul": '"a\\u0000b"',
    "lone surrogate": '"\\ud800"',
    "right-to-left mark and bell": '"\\u202e\\u0007"',
    "huge number": "1" + "0" * 400,
    "infinite": "1e999",
    "nested": "[" * 3000 + "]" * 3000,
    "null": "null",
    "wrong kind": "[{}, true, -1]",
}
WHOLE = {
    "not JSON": b'{"a": ',
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "a list": b"[]",
    "empty": b"",
    "too deep": b"[" * 100_000 + b"]" * 100_000,
}


async def _send(client: httpx.AsyncClient, method: str, path: str, body: bytes) -> httpx.Response:
    address = re.sub(r"\{[^}]+\}", ID, path)
    headers = {"Content-Type": "application/json", "If-Match": '"1"'}
    return await client.request(method, f"http://test{address}", content=body, headers=headers)


def _refused(answer: httpx.Response, what: str) -> None:
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", what
    assert CHINESE.search(answer.json()["detail"]), what


@pytest.mark.parametrize(("method", "path", "operation", "names"), READERS, ids=[reader[2] for reader in READERS])
async def test_hostile_values_are_refused(
    admin: httpx.AsyncClient, method: str, path: str, operation: str, names: list[str]
) -> None:
    for what, value in VALUES.items():
        body = "{" + ", ".join(f"{json.dumps(name)}: {value}" for name in names) + "}"
        _refused(await _send(admin, method, path, body.encode()), f"{operation}: {what}")
    for what, whole in WHOLE.items():
        _refused(await _send(admin, method, path, whole), f"{operation}: {what}")


async def test_ten_megabytes_of_text_are_refused(admin: httpx.AsyncClient) -> None:
    body = json.dumps({"code": "370399000000", "name": "长" * (10 * MEBIBYTE // 3), "level": "county", "parent_id": ID})
    answer = await admin.post("/regions", content=body.encode(), headers={"Content-Type": "application/json"})
    _refused(answer, "10 MB of text")
    assert answer.json()["errors"][0]["pointer"] == "/name"
    assert len(answer.content) < 2000, "the answer does not repeat what was sent"


async def test_a_body_beyond_the_limit_is_refused(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/regions", content=b" " * (25 * MEBIBYTE), headers={"Content-Type": "application/json"})
    _refused(answer, "25 MB")
    assert answer.status_code == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(25):
            yield b" " * MEBIBYTE

    streamed = await admin.post("/regions", content=pieces(), headers={"Content-Type": "application/json"})
    _refused(streamed, "25 MB in pieces")
    assert streamed.status_code == 413
