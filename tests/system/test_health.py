"""Health, readiness, metrics, and what every answer carries."""

import httpx

from wenming_api.kit.cache import Cache
from wenming_api.settings import Resources


async def test_the_process_is_alive(client: httpx.AsyncClient) -> None:
    answer = await client.get("http://test/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_readiness_checks_every_server(client: httpx.AsyncClient) -> None:
    answer = await client.get("http://test/readyz")
    assert answer.status_code == 200
    checks = {check["name"]: check["ok"] for check in answer.json()["checks"]}
    assert checks == {"database": True, "cache": True, "objects": True, "queue": True}


async def test_a_lost_cache_degrades_but_does_not_stop(client: httpx.AsyncClient, resources: Resources) -> None:
    kept = resources.cache
    resources.cache = Cache("redis://127.0.0.1:1/0")
    try:
        answer = (await client.get("http://test/readyz")).json()
    finally:
        await resources.cache.close()
        resources.cache = kept
    assert answer["ready"] is True
    assert {check["name"] for check in answer["checks"] if not check["ok"]} == {"cache"}


async def test_metrics_count_requests_by_route(client: httpx.AsyncClient) -> None:
    await client.get("http://test/healthz")
    text = (await client.get("http://test/metrics")).text
    assert 'route="/healthz"' in text


async def test_every_answer_carries_its_request_id_and_safe_headers(client: httpx.AsyncClient) -> None:
    given = await client.get("/me", headers={"X-Request-ID": "abcdef-123456"})
    assert given.headers["x-request-id"] == "abcdef-123456"
    assert given.json()["request_id"] == "abcdef-123456"
    forged = await client.get("/me", headers={"X-Request-ID": "<script>"})
    assert forged.headers["x-request-id"] != "<script>"
    assert forged.headers["x-content-type-options"] == "nosniff"
    assert forged.headers["cache-control"] == "no-store"


async def test_unknown_addresses_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    missing = await client.get("/nowhere")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await client.delete("/regions")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["content-type"] == "application/problem+json"
