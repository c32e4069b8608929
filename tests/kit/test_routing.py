"""The index answers exactly as the routers behind it do."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.routing import APIRoute

from wenming_api.kit.routing import RouteIndex


def routers() -> list[APIRouter]:
    sites = APIRouter(prefix="/sites", tags=["x"])
    nested = APIRouter(prefix="/assessments/{assessment_id}")

    @sites.get("")
    async def list_sites() -> str:
        return "list"

    @sites.post("", status_code=201)
    async def make_site() -> str:
        return "made"

    @sites.get("/map")
    async def map_() -> str:
        return "map"

    @sites.get("/{site_id}")
    async def site(site_id: int) -> str:
        return f"site {site_id}"

    @sites.get("/{site_id}/{part}")
    async def part(site_id: int, part: str) -> str:
        return f"part {part} of {site_id}"

    @nested.get("/sheets/{sheet_id}")
    async def sheet(assessment_id: str, sheet_id: str) -> str:
        return f"sheet {assessment_id} {sheet_id}"

    @nested.get("/sheets")
    async def sheets(assessment_id: str) -> str:
        return f"sheets {assessment_id}"

    @nested.get("/draws/{draw_id}")
    async def draw(assessment_id: str, draw_id: str) -> str:
        raise HTTPException(409, draw_id)

    @nested.post("/{verb}")
    async def move(assessment_id: str, verb: str) -> str:
        return f"{verb} {assessment_id}"

    return [sites, nested]


def application(*, indexed: bool) -> FastAPI:
    app = FastAPI()
    api = APIRouter(prefix="/api/v1")
    mine = routers()
    for router in mine:
        api.include_router(router)
    app.include_router(api)
    if indexed:
        routes = [route for router in mine for route in router.routes if isinstance(route, APIRoute)]
        app.router.routes.insert(0, RouteIndex(routes, prefix="/api/v1"))
    return app


REQUESTS = [
    ("GET", "/api/v1/sites"),
    ("POST", "/api/v1/sites"),
    ("DELETE", "/api/v1/sites"),
    ("GET", "/api/v1/sites/"),
    ("GET", "/api/v1/sites/map"),
    ("GET", "/api/v1/sites/7"),
    ("GET", "/api/v1/sites/seven"),
    ("GET", "/api/v1/sites/7/history"),
    ("GET", "/api/v1/sites/7/8/9"),
    ("GET", "/api/v1/assessments/a%20b/sheets/%E7%82%B9"),
    ("GET", "/api/v1/assessments/a/draws/d"),
    ("PUT", "/api/v1/assessments/a/draws/d"),
    ("POST", "/api/v1/assessments/a/start"),
    ("POST", "/api/v1/assessments/a/sheets"),
    ("GET", "/api/v1/assessments/a/start"),
    ("GET", "/api/v1"),
    ("GET", "/api/v1/"),
    ("GET", "/api/v1//"),
    ("GET", "/elsewhere"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_same_answer(method: str, path: str) -> None:
    answers = []
    for indexed in (False, True):
        transport = httpx.ASGITransport(application(indexed=indexed))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.request(method, path)
            answers.append(
                (answer.status_code, answer.content, answer.headers.get("allow"), answer.headers.get("location"))
            )
    assert answers[0] == answers[1]


def test_contract_names_every_route_once() -> None:
    assert application(indexed=True).openapi() == application(indexed=False).openapi()
