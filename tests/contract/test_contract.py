"""The contract as the generators of clients need it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from wenming_api.catalog.fields import FIELDS
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
    if name.startswith("Body_"):
        return
    assert re.search(r"[\u4e00-\u9fff]", schema.get("description", "") + schema.get("title", "")), (
        f"{name}: a Chinese docstring, please; it becomes the client's"
    )


def test_schema_names_do_not_clash() -> None:
    assert [name for name in SCHEMAS if "__" in name] == [], "two domains call a schema the same: rename one"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_field_is_described(name: str) -> None:
    silent = [
        field
        for field, schema in SCHEMAS[name].get("properties", {}).items()
        if not schema.keys() & {"description", "$ref", "const"}
    ]
    assert silent == [], f"{name}: describe the fields, or give a name that many share a word in catalog/fields.py"


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=IDS)
def test_every_parameter_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    parameters = operation.get("parameters", [])
    silent = [p["name"] for p in parameters if not p.get("description") and p["in"] != "path"]
    assert silent == []


def test_shared_words_are_alphabetical_and_used() -> None:
    assert list(FIELDS) == sorted(FIELDS)
    named = {name for schema in SCHEMAS.values() for name in schema.get("properties", {})}
    named |= {p["name"] for _, _, operation in OPERATIONS for p in operation.get("parameters", [])}
    assert set(FIELDS) - named == set()


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_what_is_sent_is_bounded(name: str) -> None:
    """Text, lists and numbers of requests have limits that clients can check before they send."""
    loose: list[str] = []

    def walk(schema: dict[str, Any], path: str) -> None:
        kind = schema.get("type")
        limits = {
            "string": {"maxLength", "enum", "const", "format", "pattern", "contentMediaType"},
            "array": {"maxItems"},
            "integer": {"maximum", "exclusiveMaximum"},
            "number": {"maximum", "exclusiveMaximum"},
        }
        if kind in limits and not schema.keys() & limits[kind]:
            loose.append(path)
        for inner in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
            walk(inner, path)
        if "items" in schema:
            walk(schema["items"], f"{path}[]")
        for field, inner in schema.get("properties", {}).items():
            walk(inner, f"{path}.{field}")

    walk(SCHEMAS[name], name)
    assert loose == []


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
