"""create_app: wiring only; nothing happens on import."""

import contextlib
import gc
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from wenming_api import __version__
from wenming_api.access.middleware import PrincipalMiddleware
from wenming_api.access.tokens import TokenIssuer, new_signing_key
from wenming_api.api import api, operations, routes, versioned_routes
from wenming_api.catalog.fields import FIELDS
from wenming_api.catalog.patterns import PATTERNS
from wenming_api.kit import handlers
from wenming_api.kit.bare import Reader, Writer
from wenming_api.kit.cache import Cache
from wenming_api.kit.contract import contract
from wenming_api.kit.db import Database
from wenming_api.kit.fetching import Fetcher
from wenming_api.kit.hot import HotAnswers
from wenming_api.kit.http import operation_id
from wenming_api.kit.invalidation import Listener
from wenming_api.kit.middleware import RequestContext
from wenming_api.kit.routing import RouteIndex
from wenming_api.kit.storage import ObjectStore
from wenming_api.kit.validation import explain_patterns
from wenming_api.settings import Resources, Settings
from wenming_api.system.sessions.service import Identifier

TAGS = [
    {"name": "登录", "description": "登录、刷新、本人信息"},
    {"name": "系统管理", "description": "区域、单位、用户、角色、字典、文件、审计"},
    {"name": "文明城市创建管理", "description": "测评体系、点位、测评、抽选、测评表、成绩"},
    {"name": "短信平台与消息", "description": "消息"},
    {"name": "统计分析决策", "description": "进度、排名、统计"},
    {"name": "运维", "description": "健康检查与指标"},
]
# The documentation's assets come from a package and are served from here: no browser fetches them from elsewhere.
STATIC = Path(str(resources.files("fastapi_offline"))) / "static"


def create_resources(settings: Settings) -> Resources:
    """The resources of one process; nothing is connected yet."""
    database_url = settings.database.url
    storage = settings.storage
    if database_url is None or storage.endpoint is None or not storage.access_key or not storage.secret_key:
        raise RuntimeError("WENMING_DATABASE__URL and WENMING_STORAGE__ENDPOINT/ACCESS_KEY/SECRET_KEY must be set")
    return Resources(
        settings=settings,
        database=Database(database_url, pool_size=settings.database.pool_size),
        reader=Reader(database_url, size=settings.database.pool_size),
        writer=Writer(database_url, size=settings.database.pool_size),
        cache=Cache(settings.cache.url),
        store=ObjectStore(
            endpoint=storage.endpoint,
            public_endpoint=storage.public_endpoint,
            access_key=storage.access_key.get_secret_value(),
            secret_key=storage.secret_key.get_secret_value(),
            bucket=storage.bucket,
            region=storage.region,
        ),
        listener=Listener(database_url),
        fetcher=Fetcher(hosts=settings.fetch.hosts, seconds=settings.fetch.seconds),
    )


def create_app(settings: Settings, held: Resources | None = None) -> FastAPI:
    """The ASGI application. Without `held` resources it makes its own and closes them when it stops."""
    used = held or create_resources(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await used.listener.start()
        yield
        await used.listener.stop()
        if held is None:
            await used.decoders.close()
            await used.press.close()
            await used.store.close()
            await used.cache.close()
            await used.reader.close()
            await used.writer.close()
            await used.database.dispose()

    app = FastAPI(
        title="文明城市创建管理系统 API",
        version=__version__,
        description="市文明办创建全国文明城市的业务系统：模拟测评、电子台账、活动、积分与排名。",
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are in kit.middleware
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=False,
    )
    signing_key = settings.sessions.signing_key
    issuer = TokenIssuer(signing_key.get_secret_value() if signing_key else new_signing_key())
    app.state.resources = used
    app.state.issuer = issuer
    handlers.install(app)
    explain_patterns(PATTERNS)
    app.include_router(api)
    for router in operations:
        app.include_router(router)
    app.router.routes.insert(0, RouteIndex(versioned_routes(), prefix=api.prefix))
    _serve_documentation(app)
    identifier = Identifier(database=used.database, issuer=issuer, listener=used.listener)
    app.state.identifier = identifier
    app.add_middleware(HotAnswers, invalidations=used.listener)
    app.add_middleware(PrincipalMiddleware, identify=identifier)
    app.add_middleware(
        RequestContext,
        max_body_bytes=settings.max_body_bytes,
        max_public_body_bytes=settings.max_public_body_bytes,
    )
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]
    return app


def from_environment() -> FastAPI:
    """The application of a server process (uvicorn's factory)."""
    settings = Settings()
    if settings.sessions.signing_key is None:
        raise RuntimeError("WENMING_SESSIONS__SIGNING_KEY must be set: all processes sign with the same key")
    app = create_app(settings)
    _spare_what_stays()
    return app


def _spare_what_stays() -> None:
    """Keep the collector off the routes and schemas, which live as long as the process: walking them again and again
    costs a third of a request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def openapi(app: FastAPI) -> dict[str, Any]:
    """The contract of the application, made once."""
    if app.openapi_schema is None:
        public = [operation_id(route) for route in routes() if getattr(route.endpoint, "public", False)]
        app.openapi_schema = contract(app, tags=TAGS, is_public=public, words=FIELDS)
    return app.openapi_schema


def _serve_documentation(app: FastAPI) -> None:
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url="/static/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger-ui.css",
            swagger_favicon_url="/static/favicon.png",
        )
