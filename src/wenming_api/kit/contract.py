"""The OpenAPI contract: what FastAPI derives, made precise for the clients generated from it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from wenming_api.kit.problems import ProblemDocument


def contract(app: FastAPI, *, tags: list[dict[str, str]], is_public: Any) -> dict[str, Any]:
    """The document of `app`: the Problem schema, bearer security on every route that is not public."""
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
    for schema in schemas.values():
        # The docstring of an enum of the rules is for developers; its values are explained where they are used.
        if "enum" in schema:
            schema.pop("description", None)
    return document
