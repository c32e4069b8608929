"""The OpenAPI contract: what FastAPI derives, made precise for the clients generated from it."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from wenming_api.kit.problems import ProblemDocument

_DECIMAL = {"pattern": r"^-?[0-9]{1,16}(\.[0-9]{1,10})?$", "maxLength": 30}
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def contract(app: FastAPI, *, tags: list[dict[str, str]], is_public: Any, words: Mapping[str, str]) -> dict[str, Any]:
    """The document of `app`: the Problem schema, bearer security on every route that is not public.

    `words` describe fields and parameters whose schema says nothing about them.
    """
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=tags,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "登录返回的访问令牌"}
    }
    public = set(is_public)
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status[0] in "45" and "application/json" in response.get("content", {}):
                    del response["content"]["application/json"]
            if not operation.get("parameters") and "requestBody" not in operation:
                operation["responses"].pop("422", None)
            if "requestBody" not in operation:
                operation["responses"].pop("400", None)
            operation["security"] = [] if operation["operationId"] in public else [{"bearer": []}]
    schemas.pop("ProblemDocument", None)
    _explain_enums(schemas)
    _explain_pages(schemas)
    _explain_parameters(document["paths"], schemas, words)
    for schema in schemas.values():
        _explain_fields(schema, words)
        _bound_decimals(schema)
    return document


def _explain_enums(schemas: dict[str, Any]) -> None:
    """Values with their Chinese labels; names for generated code, which cannot make any out of `-name`."""
    known: dict[tuple[str, ...], type[StrEnum]] = {}
    for kind in _subclasses(StrEnum):
        # Two enums may share name and values; the one that knows its labels speaks for both.
        key = (kind.__name__, *(member.value for member in kind))
        if key not in known or hasattr(kind, "label"):
            known[key] = kind
    for name, schema in schemas.items():
        found = known.get((name, *schema["enum"])) if "enum" in schema else None
        if found is None:
            continue
        said = schema.pop("description", "")
        schema["x-enum-varnames"] = [member.name for member in found]
        if hasattr(found, "label"):
            labels = [str(getattr(member, "label")) for member in found]  # noqa: B009 (no field of StrEnum)
            schema["x-enum-descriptions"] = labels
            said = "；".join(f"{member.value} {label}" for member, label in zip(found, labels, strict=True))
        # The docstring of an enum of the rules is for developers, that of one made for requests for users.
        if _CHINESE.match(said) or hasattr(found, "label"):
            schema["description"] = said


def _explain_pages(schemas: dict[str, Any]) -> None:
    for schema in schemas.values():
        items = schema.get("properties", {}).get("items", {}).get("items", {}).get("$ref")
        if items and "total_exact" in schema["properties"]:
            of = schemas[items.rpartition("/")[2]].get("description", "").partition("\n")[0]
            schema["description"] = f"一页：{of}" if of else "一页结果"


def _explain_parameters(paths: dict[str, Any], schemas: dict[str, Any], words: Mapping[str, str]) -> None:
    """A parameter that says nothing of itself says what its values are."""
    for methods in paths.values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter.get("description"):
                    continue
                found = words.get(parameter["name"])
                for kind in (parameter["schema"], *parameter["schema"].get("anyOf", [])):
                    found = schemas.get(kind.get("$ref", "").rpartition("/")[2], {}).get("description") or found
                if parameter["name"] == "sort":
                    found = "排序；“-”开头为倒序"
                if found:
                    parameter["description"] = found


def _explain_fields(schema: dict[str, Any], words: Mapping[str, str]) -> None:
    for name, field in schema.get("properties", {}).items():
        if "description" not in field and "$ref" not in field and name in words:
            field["description"] = words[name]


def _bound_decimals(node: Any) -> None:
    """Exact decimals travel as text: say which text, where pydantic says only that it is one."""
    if isinstance(node, list):
        for each in node:
            _bound_decimals(each)
        return
    if not isinstance(node, dict):
        return
    kinds = node.get("anyOf", [])
    if any(kind.get("type") == "number" for kind in kinds):
        for kind in kinds:
            if kind == {"type": "string"}:
                kind.update(_DECIMAL)
    for each in node.values():
        _bound_decimals(each)


def _subclasses(kind: type[StrEnum]) -> Iterator[type[StrEnum]]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)
