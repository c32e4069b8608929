"""The real server on a loopback port, in a thread of its own, for tests that need HTTP as it is on the wire."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import uvicorn

from tests.factories.callers import make_user
from tests.factories.places import make_unit
from wenming_api.access.tokens import TokenIssuer
from wenming_api.app import create_app, create_resources
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.settings import Settings
from wenming_api.system.sessions.models import Session


@dataclass
class LiveServer:
    """A running server."""

    url: str
    server: uvicorn.Server
    settings: Settings
    issuer: TokenIssuer

    def token(self) -> str:
        """An access token of a new user who holds every permission on every row."""

        async def make() -> str:
            database = Database(str(self.settings.database.url), pool_size=2)
            try:
                async with database.transaction() as session:
                    user = await make_user(session, unit=await make_unit(session))
                    started = Session(user_id=user.id, expires_at=clock.now() + timedelta(hours=2))
                    session.add(started)
                return self.issuer.issue(
                    user_id=user.id, session_id=started.id, at=clock.now(), lives_for=timedelta(hours=2)
                )
            finally:
                await database.dispose()

        return asyncio.run(make())


@contextlib.contextmanager
def serve(settings: Settings) -> Iterator[LiveServer]:
    """Serve until the block ends."""
    resources = create_resources(settings)
    app = create_app(settings, resources)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    ready = threading.Event()

    async def run() -> None:
        await resources.store.prepare()
        task = asyncio.create_task(server.serve())
        while not server.started and not task.done():  # noqa: ASYNC110 (uvicorn has no event to wait for)
            await asyncio.sleep(0.01)
        ready.set()
        await task
        await resources.store.close()
        await resources.cache.close()
        await resources.reader.close()
        await resources.writer.close()
        await resources.database.dispose()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="live-server", daemon=True)
    thread.start()
    if not ready.wait(20):
        raise RuntimeError("the server did not start")
    port = server.servers[0].sockets[0].getsockname()[1]
    live = LiveServer(f"http://127.0.0.1:{port}", server, settings, app.state.issuer)
    try:
        yield live
    finally:
        server.should_exit = True
        thread.join(20)
