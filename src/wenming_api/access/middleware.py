"""Puts the principal of a request on its state; pure ASGI, paid on every request."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from wenming_api.access.principal import Principal

Identify = Callable[[str], Awaitable[Principal | None]]


class PrincipalMiddleware:
    """Reads `Authorization: Bearer …` and asks `identify` whose token it is; the guards do the refusing."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self.app = app
        self.identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http":
            principal = None
            for name, value in scope["headers"]:
                if name == b"authorization" and value[:7].lower() == b"bearer ":
                    try:
                        principal = await self.identify(value[7:].decode("latin-1"))
                    except Exception as failure:  # the guard raises it, where it is turned into an answer
                        scope.setdefault("state", {})["not_identified"] = failure
                    break
            scope.setdefault("state", {})["principal"] = principal
        await self.app(scope, receive, send)
