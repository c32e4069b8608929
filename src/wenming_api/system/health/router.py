"""Health, readiness and metrics (O1)."""

import asyncio
from collections.abc import Awaitable
from typing import Literal

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field

from wenming_api.access.guards import public
from wenming_api.kit.fields import Out
from wenming_api.kit.http import Router
from wenming_api.settings import Resources
from wenming_api.system.health import queries

QUEUE_LAG_LIMIT = 60.0
router = Router(tags=["运维"])


class Health(Out):
    """进程存活"""

    status: Literal["ok"]


class Check(Out):
    """一项依赖的检查结果"""

    name: Literal["database", "cache", "objects", "queue"]
    ok: bool
    required: bool = Field(description="不可用时是否停止接收请求")
    detail: str | None


class Readiness(Out):
    """能否接收请求"""

    ready: bool
    checks: list[Check]


@router.get("/healthz", summary="进程是否存活")
@public
async def health() -> Health:
    """只说明进程在运行，不检查依赖。"""
    return Health(status="ok")


@router.get("/readyz", summary="能否接收请求", responses={503: {"model": Readiness, "description": "暂不能接收请求"}})
@public
async def ready(request: Request, response: Response) -> Readiness:
    """检查数据库、缓存、对象存储与任务队列；缓存与对象存储不可用时服务降级但仍可用。"""
    resources: Resources = request.app.state.resources

    async def database() -> str | None:
        async with resources.database.read() as session:
            await queries.answers(session)
        return None

    async def queue() -> str | None:
        async with resources.database.read() as session:
            lag = await queries.queue_lag(session)
        if lag > QUEUE_LAG_LIMIT:
            raise RuntimeError(f"最早的任务已等待 {int(lag)} 秒")
        return f"{int(lag)} 秒"

    async def cache() -> str | None:
        await resources.cache.ping()
        return None

    async def objects() -> str | None:
        await resources.store.ping()
        return None

    checks = await asyncio.gather(
        _check("database", database(), required=True),
        _check("cache", cache(), required=False),
        _check("objects", objects(), required=False),
        _check("queue", queue(), required=False),
    )
    answer = Readiness(ready=all(check.ok or not check.required for check in checks), checks=list(checks))
    response.status_code = 200 if answer.ready else 503
    return answer


async def _check(
    name: Literal["database", "cache", "objects", "queue"], probe: Awaitable[str | None], *, required: bool
) -> Check:
    try:
        detail = await asyncio.wait_for(probe, 3)
    except Exception as failure:  # a probe may fail in any way; that is the answer
        return Check(name=name, ok=False, required=required, detail=str(failure)[:200] or type(failure).__name__)
    return Check(name=name, ok=True, required=required, detail=detail)


@router.get("/metrics", summary="Prometheus 指标", response_class=Response, include_in_schema=False)
@public
async def metrics() -> Response:
    """本进程的计数与时延分布。"""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
