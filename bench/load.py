"""A load generator in a process of its own: keep-alive connections, each sending one request after the other.

It is written on bare asyncio protocols, so that one core of it outruns any server of one core: what is measured is the
server. Run as `python -m bench.load SPECIFICATION` by `measure`, it prints its findings as JSON.
"""

import asyncio
import json
import pickle
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import uvloop

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
BODILESS = {204, 304}


@dataclass(frozen=True)
class Stats:
    """What one load showed. Times in milliseconds; `errors` counts unexpected answers and broken connections."""

    requests: int
    seconds: float
    rps: float
    p50_ms: float
    p95_ms: float
    errors: int
    statuses: dict[str, int]
    first_error: str


def request(method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = {
        "Host": "bench",
        **({"Content-Length": str(len(body))} if body or method != "GET" else {}),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def measure(
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int = 32,
    seconds: float = 5.0,
    warm_up: float = 1.0,
    once: bool = False,
    expected: Sequence[int] = (200,),
) -> Stats:
    """Send `requests` round and round for `seconds` after `warm_up`; with `once`, each at most one time."""
    with tempfile.NamedTemporaryFile(suffix=".load") as file:
        pickle.dump(
            {
                "port": port,
                "requests": list(requests),
                "connections": connections,
                "seconds": seconds,
                "warm_up": warm_up,
                "once": once,
                "expected": list(expected),
            },
            file,
        )
        file.flush()
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", file.name],
            stdout=subprocess.PIPE,
            check=True,
            timeout=seconds + warm_up + 120,
        )
    return Stats(**json.loads(done.stdout))


class _Client(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, notes status and time, sends the next."""

    def __init__(self, requests: Iterator[bytes], expected: frozenset[int], finished: asyncio.Future[None]) -> None:
        self._requests = requests
        self._expected = expected
        self._finished = finished
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._sent = 0.0
        self.times: list[tuple[float, float]] = []
        self.statuses: Counter[str] = Counter()
        self.errors = 0
        self.first_error = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class does not derive from it
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        following = next(self._requests, None)
        if following is None:
            self._transport.close()
            return
        self._buffer = b""
        self._sent = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        status = int(self._buffer[9:12])
        length = CONTENT_LENGTH.search(self._buffer, 0, head)
        if status in BODILESS:
            complete = True
        elif length is not None:
            complete = len(self._buffer) >= head + 4 + int(length.group(1))
        else:
            complete = self._buffer.endswith(b"0\r\n\r\n")
        if not complete:
            return
        now = time.perf_counter()
        self.times.append((now, now - self._sent))
        self.statuses[str(status)] += 1
        if status not in self._expected:
            self.errors += 1
            self.first_error = self.first_error or self._buffer[:2_000].decode(errors="replace")
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.errors += 1
            self.first_error = self.first_error or repr(exc)
        if not self._finished.done():
            self._finished.set_result(None)


async def _run(spec: dict[str, Any]) -> Stats:
    loop = asyncio.get_running_loop()
    source: Iterator[bytes] = iter(spec["requests"]) if spec["once"] else cycle(spec["requests"])
    began = time.perf_counter()
    counted_from, until = began + spec["warm_up"], began + spec["warm_up"] + spec["seconds"]

    def bounded() -> Iterator[bytes]:
        while time.perf_counter() < until and (following := next(source, None)) is not None:
            yield following

    shared = bounded()
    ends = [loop.create_future() for _ in range(spec["connections"])]
    clients: list[_Client] = []
    for end in ends:
        client = _Client(shared, frozenset(spec["expected"]), end)
        clients.append(client)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", spec["port"])
    await asyncio.gather(*ends)
    ended = min(time.perf_counter(), max((at for client in clients for at, _ in client.times), default=until))
    times = sorted(took for client in clients for at, took in client.times if counted_from <= at <= until)
    seconds = max(min(ended, until) - counted_from, 1e-9)
    statuses: Counter[str] = Counter()
    for client in clients:
        statuses.update(client.statuses)
    return Stats(
        requests=len(times),
        seconds=round(seconds, 3),
        rps=round(len(times) / seconds, 1),
        p50_ms=round(_quantile(times, 0.5) * 1000, 3),
        p95_ms=round(_quantile(times, 0.95) * 1000, 3),
        errors=sum(client.errors for client in clients),
        statuses=dict(statuses),
        first_error=next((client.first_error for client in clients if client.first_error), ""),
    )


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def main() -> None:
    """Entry point of the process that makes the load."""
    spec = pickle.loads(Path(sys.argv[1]).read_bytes())
    print(json.dumps(asdict(uvloop.run(_run(spec)))))


if __name__ == "__main__":
    main()
