"""Finding a request's route by the shape of its path, instead of trying the patterns of all routes in turn.

FastAPI walks through its routers twice for every request, level by level, and matches every pattern on the way; with
some two hundred routes that costs more than a page of rows. `RouteIndex` stands before them: routes whose paths have
equal length and equal literal first and third segments share a small router of their own. A path that fits none falls
through to all routes, so that 404, 405 and redirects stay what they are.
"""

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_FOUND = "wenming_api.kit.routing"

Shape = tuple[int, str, str]
"""Number of segments, the first, the third (empty where there is none or where it is a parameter)."""


class RouteIndex(BaseRoute):
    """A route that stands for many: `app.router.routes.insert(0, RouteIndex(routes, prefix="/api/v1"))`.

    It serves them; the contract is made from the routers that the application includes as usual.
    """

    def __init__(self, routes: Iterable[APIRoute], *, prefix: str) -> None:
        self._prefix = f"{prefix}/"
        grouped: dict[Shape, list[APIRoute]] = {}
        for route in routes:
            segments = route.path.strip("/").split("/")
            if not segments[0].startswith("{") and ":path}" not in route.path:
                grouped.setdefault(_shape(segments), []).append(route)
        self._routers = {shape: _router(members, prefix) for shape, members in grouped.items()}

    def _find(self, path: str) -> APIRouter | None:
        if not path.startswith(self._prefix):
            return None
        segments = path[len(self._prefix) :].split("/")
        third = segments[2] if len(segments) > 2 else ""
        exact = self._routers.get((len(segments), segments[0], third))
        return exact or self._routers.get((len(segments), segments[0], ""))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Full when the router of this shape has a route of this path and method."""
        router = self._find(scope["path"]) if scope["type"] == "http" else None
        if router is None or all(route.matches(scope)[0] is not Match.FULL for route in router.routes):
            return Match.NONE, {}
        return Match.FULL, {_FOUND: router}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the router found by `matches` serve the request."""
        await scope[_FOUND](scope, receive, send)


def _shape(segments: list[str]) -> Shape:
    third = segments[2] if len(segments) > 2 and not segments[2].startswith("{") else ""
    return len(segments), segments[0], third


def _router(routes: list[APIRoute], prefix: str) -> APIRouter:
    members = APIRouter()
    members.routes.extend(routes)
    router = APIRouter(redirect_slashes=False)
    router.include_router(members, prefix=prefix)
    return router
