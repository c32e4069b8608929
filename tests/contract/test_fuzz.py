"""Contract fuzzing: whatever is sent to any route, by a signed-in caller, is answered as the contract says, never with 500."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.live import LiveServer, serve
from wenming_api.cli import contract_text
from wenming_api.settings import Settings

CONTRACT: dict[str, Any] = json.loads(contract_text())
for methods in CONTRACT["paths"].values():
    for operation in methods.values():
        operation.pop("security", None)
schema = schemathesis.openapi.from_dict(CONTRACT)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def live(settings: Settings) -> Iterator[LiveServer]:
    with serve(settings) as server:
        yield server


@pytest.fixture(scope="module")
def wire() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_route_answers_as_its_contract_says(
    case: schemathesis.Case, live: LiveServer, wire: requests.Session
) -> None:
    headers = {"Authorization": f"Bearer {_token(live)}"}
    response = case.call(base_url=live.url, session=wire, headers=headers, timeout=20)
    if response.status_code == 401:
        _TOKENS.pop(live.url, None)
    case.validate_response(response, checks=CHECKS)


_TOKENS: dict[str, str] = {}


def _token(live: LiveServer) -> str:
    """A token for this server; a new one when the last was signed out or lost its session by what was sent."""
    if live.url not in _TOKENS:
        _TOKENS[live.url] = live.token()
    return _TOKENS[live.url]
