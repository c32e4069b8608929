"""`python -m demo [--url ADDRESS --accounts FILE]`: exits with 1 when a figure differs or a step fails."""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from demo import ledger
from demo.people import Refused
from demo.saying import WrongFigure, say
from demo.server import Server, own_server
from demo.walk import run


async def both(server: Server, book: Path | None) -> None:
    """The assessment, then the ledgers."""
    await run(server)
    await ledger.run(server, save_to=book)


def main() -> int:
    """Run the demo against a running server, or one of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="address of a running server; without it one is started")
    parser.add_argument("--accounts", type=Path, help="the JSON file of `wenming seed --accounts`")
    parser.add_argument("--book", type=Path, help="write the printed ledger book here")
    given = parser.parse_args()
    began = time.monotonic()
    try:
        if given.url:
            if given.accounts is None:
                parser.error("--url needs --accounts")
            passwords = json.loads(given.accounts.read_text(encoding="utf-8"))
            asyncio.run(both(Server(given.url.rstrip("/"), passwords), given.book))
        else:
            say("0 启动服务 …")
            with own_server() as server:
                asyncio.run(both(server, given.book))
    except (Refused, WrongFigure, AssertionError) as failure:
        print(f"✗ {failure}", file=sys.stderr)
        return 1
    say(f"\n✓ 全程 {time.monotonic() - began:.0f} 秒")
    return 0


if __name__ == "__main__":
    sys.exit(main())
