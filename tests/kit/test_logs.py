"""Every request leaves one line of JSON, in the form of all other lines."""

import json

import pytest

from wenming_api.kit.logs import AccessLog

ANSWERED = {"method": "GET", "path": "/区域", "status": 200, "ms": 1.5, "request_id": "abc"}


def test_line_of_a_request(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    log = AccessLog()
    log.enabled = True
    log.write(**ANSWERED)
    line = json.loads(capfdbinary.readouterr().err)
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {**ANSWERED, "event": "request", "level": "info"}


def test_nothing_is_written_below_the_level(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    AccessLog().write(**ANSWERED)
    assert capfdbinary.readouterr().err == b""
