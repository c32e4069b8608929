"""Structured logs: one JSON object a line, with the request's id where there is one."""

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from wenming_api.kit import context


def _with_request_id(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    id_ = context.request_id.get()
    if id_ and "request_id" not in event:
        event["request_id"] = id_
    return event


def _as_json(event: MutableMapping[str, Any], **_: Any) -> bytes:
    return orjson.dumps(event, default=repr)


class AccessLog:
    """One line for each request, of the same form as every other, but not through structlog's processors, which cost
    twice as much as all else that is done for an answer from memory.
    """

    def __init__(self) -> None:
        self.enabled = False

    def write(self, **event: Any) -> None:
        """Write the line, when the level asks for it."""
        if self.enabled:
            line = event | {"event": "request", "level": "info", "timestamp": datetime.now(UTC).isoformat()}
            sys.stderr.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            sys.stderr.buffer.flush()


access = AccessLog()


def configure(level: str) -> None:
    """Write logs of this process as JSON lines to standard error, from `level` upwards."""
    minimum = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_request_id,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    access.enabled = minimum <= logging.INFO
    logging.basicConfig(level=max(minimum, logging.WARNING), stream=sys.stderr, format="%(message)s", force=True)
