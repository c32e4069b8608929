"""Nothing that a request waits for is sent to a thread without need."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from fastapi.dependencies.models import Dependant

from wenming_api.api import routes


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from calls(dependency)


def on_the_loop(call: Callable[..., Any]) -> bool:
    made = call if inspect.isroutine(call) or inspect.isclass(call) else type(call).__call__
    return inspect.iscoroutinefunction(made) or inspect.isasyncgenfunction(made)


def test_endpoints_and_dependencies_are_async() -> None:
    """FastAPI runs plain functions and classes in a thread: make them `async`, or use `kit.http.inline`."""
    found = {
        f"{route.path}: {call}"
        for route in routes()
        for call in (route.endpoint, *calls(route.dependant))
        if not on_the_loop(call)
    }
    assert found == set()
