"""`wenming …`: the commands of operators and developers."""

import asyncio
import functools
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from wenming_api.kit.validation import message_of
from wenming_api.settings import Settings

main = typer.Typer(no_args_is_help=True, add_completion=False, help="文明城市创建管理系统")
CONTRACT = Path("openapi/v1.json")
STANDALONE = {"HOST", "PORT", "DATA_DIR"}


def configured() -> Settings:
    """The settings of the environment, or their faults, one a line, and the end."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors():
            name = "__".join(str(part) for part in fault["loc"]).upper()
            variable = name if name in STANDALONE else f"WENMING_{name}"
            typer.echo(f"✗ 配置有误 {variable}：{message_of(fault)}", err=True)
        raise typer.Exit(2) from None


@functools.cache
def contract_text() -> str:
    """The contract as committed: made without a server, keys in the order the code gives."""
    from wenming_api.app import create_app, openapi
    from wenming_api.settings import DatabaseSettings, StorageSettings

    nowhere = Settings(
        database=DatabaseSettings(url="postgresql+asyncpg://nobody@/nowhere"),
        storage=StorageSettings(endpoint="http://localhost", access_key="-", secret_key="-"),  # noqa: S106
    )
    return json.dumps(openapi(create_app(nowhere)), ensure_ascii=False, indent=1) + "\n"


@main.command()
def openapi(check: Annotated[bool, typer.Option(help="只比较，不写入；有差异则退出码为 1")] = False) -> None:
    """Write the OpenAPI contract to openapi/v1.json."""
    text = contract_text()
    if check:
        if not CONTRACT.exists() or CONTRACT.read_text(encoding="utf-8") != text:
            typer.echo("openapi/v1.json differs from the code: run `make openapi` and look at the difference", err=True)
            raise typer.Exit(1)
        return
    CONTRACT.parent.mkdir(exist_ok=True)
    CONTRACT.write_text(text, encoding="utf-8")
    typer.echo(f"{CONTRACT}: {len(text)} characters")


@main.command()
def migrate(revision: str = "head") -> None:
    """Bring the database to a revision, as its owner."""
    from wenming_api.kit.migrate import migrate as run

    url = configured().database.owner_url
    if url is None:
        raise typer.BadParameter("set WENMING_DATABASE__OWNER_URL")
    run(url, revision)


@main.command()
def seed(
    demo: Annotated[bool, typer.Option(help="同时装入演示城市（淄博）的数据与用户")] = True,
    accounts: Annotated[
        Path | None,
        typer.Option(envvar="WENMING_ACCOUNTS_FILE", help="把新账号的一次性密码另存为 JSON 文件（仅本人可读）"),
    ] = None,
) -> None:
    """Load base data, the bootstrap accounts and the demo city; what is there already stays as it is."""
    from wenming_api.seeding.run import load, show

    settings = configured()
    if settings.database.url is None:
        raise typer.BadParameter("set WENMING_DATABASE__URL")
    show(asyncio.run(load(settings.database.url, demo=demo)), save_to=accounts)


@main.command()
def dev(workers: Annotated[int, typer.Option(min=1, max=64, help="API 进程数")] = 1) -> None:
    """Start all: servers not configured, migrations, seed data, API and worker (HOST, PORT, DATA_DIR)."""
    from wenming_api.dev import run

    raise typer.Exit(run(configured(), workers=workers))


@main.command()
def bench(
    scale: Annotated[float, typer.Option(envvar="SCALE", min=0.001, max=5, help="数据量，1 = 一百万条得分")] = 1.0,
    only: Annotated[str, typer.Option(envvar="ONLY", help="只跑名称含此文字的负载")] = "",
) -> None:
    """Measure the real server on generated data; needs a clone, for the harness is no part of the package."""
    root = Path(__file__).parents[2]
    if not (root / "bench" / "__main__.py").exists():
        raise typer.BadParameter("run it in a clone: the harness is the folder bench/ beside src/")
    command = [sys.executable, "-m", "bench", "--scale", str(scale), "--only", only]
    raise typer.Exit(subprocess.run(command, cwd=root, check=False).returncode)  # noqa: S603


@main.command()
def serve(
    workers: int = 1, fd: Annotated[int | None, typer.Option(help="已在监听的套接字（由监管进程传入）")] = None
) -> None:
    """Serve the API."""
    import uvicorn

    from wenming_api.kit.logs import configure

    settings = configured()
    configure(settings.log_level)
    options: dict[str, Any] = {
        "factory": True,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "h11_max_incomplete_event_size": 64 * 1024,
        "timeout_keep_alive": 30,
        "timeout_graceful_shutdown": 10,
    }
    application = "wenming_api.app:from_environment"
    if fd is None:
        uvicorn.run(application, host=settings.host, port=settings.port, workers=workers, **options)
    else:
        uvicorn.Server(uvicorn.Config(application, **options)).run(sockets=[socket.socket(fileno=fd)])


@main.command()
def worker() -> None:
    """Run queued jobs and periodic work until told to stop."""
    from wenming_api.app import create_resources
    from wenming_api.kit.logs import configure
    from wenming_api.worker import run

    settings = configured()
    configure(settings.log_level)

    async def work() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        resources = create_resources(settings)
        try:
            await run(resources, stopping)
        finally:
            await resources.store.close()
            await resources.cache.close()
            await resources.database.dispose()

    asyncio.run(work())


@main.command("verify-audit")
def verify_audit(
    anchor: Annotated[str | None, typer.Option(help="库外保存的链头：<封存号>:<十六进制>")] = None,
) -> None:
    """Verify the sealed audit log; names the first bad row and exits with 1 when there is one."""
    from wenming_api.kit.db import Database
    from wenming_api.system.audit.queries import Verification, verify

    settings = configured().database
    url = settings.sealer_url or settings.owner_url or settings.url
    if url is None:
        raise typer.BadParameter("set WENMING_DATABASE__SEALER_URL")
    seal, _, head = (anchor or "0:").partition(":")

    async def check() -> Verification:
        database = Database(url, pool_size=2)
        try:
            async with database.snapshot() as session:
                return await verify(session, anchor=bytes.fromhex(head) if head else None, anchor_seal=int(seal or 0))
        finally:
            await database.dispose()

    found = asyncio.run(check())
    typer.echo(f"entries {found.entries}, seals {found.seals}, unsealed {found.unsealed}")
    typer.echo(f"head {found.seals}:{found.head.hex()}")
    if found.fault:
        typer.echo(f"BAD {found.fault}", err=True)
        raise typer.Exit(1)
    typer.echo("ok")


if __name__ == "__main__":
    main()
