"""Contract fuzzing: whatever a signed-in caller sends to any route is answered as the contract says, never with 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live import LiveServer
from wenming_api.cli import contract_text

CONTRACT: dict[str, Any] = json.loads(contract_text())
for methods in CONTRACT["paths"].values():
    for operation in methods.values():
        operation.pop("security", None)
# The coverage phase walks every boundary of every parameter, hundreds of requests a route: it is the long form.
quick = schemathesis.openapi.from_dict(
    CONTRACT, config=SchemathesisConfig.from_dict({"phases": {"coverage": {"enabled": False}}})
)
deep = schemathesis.openapi.from_dict(CONTRACT)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def wire() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@quick.parametrize()
@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_route_answers_as_its_contract_says(
    case: schemathesis.Case, live: LiveServer, wire: requests.Session
) -> None:
    _send(case, live, wire)


@pytest.mark.long
@deep.parametrize()
@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_boundary_of_every_route(case: schemathesis.Case, live: LiveServer, wire: requests.Session) -> None:
    _send(case, live, wire)


def _send(case: schemathesis.Case, live: LiveServer, wire: requests.Session) -> None:
    response = case.call(
        base_url=live.url, session=wire, headers={"Authorization": f"Bearer {_token(live)}"}, timeout=20
    )
    if response.status_code == 401:
        _TOKENS.pop(live.url, None)
    case.validate_response(response, checks=CHECKS)


_TOKENS: dict[str, str] = {}


def _token(live: LiveServer) -> str:
    """A token for this server; a new one when the last was signed out or lost its session by what was sent."""
    if live.url not in _TOKENS:
        _TOKENS[live.url] = live.token()
    return _TOKENS[live.url]
