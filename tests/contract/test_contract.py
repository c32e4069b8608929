"""The contract as the generators of clients need it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from wenming_api.cli import CONTRACT, contract_text

DOCUMENT: dict[str, Any] = json.loads(contract_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (method, path, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]
IDS = [operation["operationId"] for _, _, operation in OPERATIONS]


def _answered(operation: dict[str, Any]) -> Iterator[str]:
    """Names of the schemas an operation answers with."""
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            text = json.dumps(response)
            yield from re.findall(r"#/components/schemas/([^\"]+)", text)


def _reachable(names: set[str]) -> set[str]:
    seen: set[str] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        seen.add(name)
        found = re.findall(r"#/components/schemas/([^\"]+)", json.dumps(SCHEMAS[name]))
        waiting |= set(found) - seen
    return seen


ANSWERS = sorted(_reachable({name for _, _, operation in OPERATIONS for name in _answered(operation)}) - {"Problem"})
REQUESTS = _reachable(
    {
        name
        for _, _, operation in OPERATIONS
        for name in re.findall(r"#/components/schemas/([^\"]+)", json.dumps(operation.get("requestBody", {})))
    }
)


def test_the_committed_contract_is_the_code_s() -> None:
    assert CONTRACT.read_text(encoding="utf-8") == contract_text(), "run `make openapi`"


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in REQUESTS])
def test_every_answered_field_is_required(name: str) -> None:
    schema = SCHEMAS[name]
    optional = set(schema.get("properties", {})) - set(schema.get("required", []))
    assert optional == set(), "a response field has no default: null is said with `| None`"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_is_described_in_chinese(name: str) -> None:
    schema = SCHEMAS[name]
    if "Page_" in name or name.startswith("Body_") or "enum" in schema:
        return
    assert re.search(r"[\u4e00-\u9fff]", schema.get("description", "") + schema.get("title", "")), (
        f"{name}: a Chinese docstring, please; it becomes the client's"
    )


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_lists_page_and_sort_the_same_way(method: str, path: str, operation: dict[str, Any]) -> None:
    if not any(name.startswith("Page_") for name in _answered(operation)):
        return
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert {"page", "size", "sort"} <= names


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_problems_are_problem_json(method: str, path: str, operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if status.startswith(("4", "5")) and path != "/readyz":
            assert set(response["content"]) == {"application/problem+json"}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_text_is_bounded(method: str, path: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        for kind in (parameter["schema"], *parameter["schema"].get("anyOf", [])):
            if kind.get("type") == "string" and not kind.keys() & {"enum", "const", "format", "pattern", "maxLength"}:
                raise AssertionError(f"{parameter['name']}: bound the text (maxLength, pattern, format or enum)")


async def test_documentation_needs_no_internet(client: httpx.AsyncClient) -> None:
    page = await client.get("http://test/docs")
    assert page.status_code == 200
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
    assets = re.findall(r"""(?:src|href)=["'](/[^"']+)["']""", page.text)
    assert len(assets) >= 2
    for asset in assets:
        assert (await client.get(f"http://test{asset}")).status_code == 200
    assert (await client.get("http://test/openapi.json")).json()["openapi"].startswith("3.1")
