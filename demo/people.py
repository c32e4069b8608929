"""Signed-in people who use the service over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

from demo.server import Server


class Refused(Exception):
    """The service answered with a problem."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        try:
            self.problem: dict[str, Any] = response.json()
        except ValueError:
            self.problem = {"detail": response.text[:300]}
        request = response.request
        super().__init__(f"{request.method} {request.url.path} → {self.status} {self.problem}")


@dataclass
class Person:
    """One signed-in user."""

    username: str
    http: httpx.AsyncClient
    me: dict[str, Any]

    @classmethod
    async def sign_in(cls, server: Server, username: str) -> "Person":
        """Sign in with the account's one-time password."""
        http = httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=60)
        body = {"username": username, "password": server.passwords[username]}
        tokens = _checked(await http.post("/auth/login", json=body))
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        return cls(username, http, _checked(await http.get("/me")))

    async def get(self, path: str, **query: Any) -> Any:
        """What a GET answers."""
        return _checked(await self.http.get(path, params=query))

    async def all(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list, page by page."""
        items: list[Any] = []
        page = 1
        while True:
            found = await self.get(path, page=page, size=100, **query)
            items += found["items"]
            if len(items) >= found["total"] or not found["items"]:
                return items
            page += 1

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **query: Any) -> Any:
        """What a POST answers; with `key` as its Idempotency-Key."""
        headers = {"Idempotency-Key": key} if key else {}
        return _checked(await self.http.post(path, json=body, params=query, headers=headers))

    async def patch(self, path: str, body: Any, *, version: int) -> Any:
        """What a PATCH of the given version answers."""
        return _checked(await self.http.patch(path, json=body, headers={"If-Match": f'"{version}"'}))

    async def put(self, path: str, body: Any, *, version: int) -> Any:
        """What a PUT of the given version answers."""
        return _checked(await self.http.put(path, json=body, headers={"If-Match": f'"{version}"'}))

    async def refused(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The problem that a request is answered with; anything else is an error of the demo."""
        response = await self.http.request(method, path, json=body)
        if response.is_success:
            raise AssertionError(f"{method} {path} should have been refused")
        return Refused(response).problem | {"status": response.status_code}

    async def close(self) -> None:
        """Close the connections."""
        await self.http.aclose()


def _checked(response: httpx.Response) -> Any:
    if not response.is_success:
        raise Refused(response)
    if not response.content:
        return None
    if response.headers.get("content-type", "").startswith("application/json"):
        return response.json()
    return response.content
