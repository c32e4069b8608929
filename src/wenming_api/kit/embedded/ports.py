"""Ports: finding free ones, keeping them from start to start, and letting one out to the local network."""

import asyncio
import contextlib
import ipaddress
import random
import socket
import threading
from collections.abc import Sequence

from wenming_api.kit.embedded.errors import EmbeddedError, PortBusy

LOOPBACK = "127.0.0.1"
FIRST, LAST = 10_500, 22_400
"""Below the ephemeral ports even with `shift` added: no outgoing connection takes one by chance."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    try:
        listen(host, port).close()
    except PortBusy:
        return False
    return True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that a child process can inherit. Raises `PortBusy`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except PermissionError as error:
        listener.close()
        raise EmbeddedError(f"无权监听端口 {host}:{port}，请用 PORT=… 选一个大于 1024 的端口。") from error
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror) or "assign" in str(error):
            raise EmbeddedError(f"地址 {host} 不属于本机，请检查 HOST。") from error
        raise PortBusy(host, port) from error
    return listener


def choose(count: int, *, preferred: Sequence[int] = (), shift: int = 0) -> list[int]:
    """`count` free loopback ports: the preferred ones when all are free, else random ones.

    With `shift`, `port + shift` is free as well (SeaweedFS derives its gRPC ports so).
    """

    def usable(port: int) -> bool:
        return is_free(port) and (not shift or is_free(port + shift))

    if len(preferred) == count and all(usable(port) for port in preferred):
        return list(preferred)
    chosen: list[int] = []
    for port in random.sample(range(FIRST, LAST), 2_000):
        if len(chosen) == count:
            return chosen
        if usable(port):
            chosen.append(port)
    raise EmbeddedError("没有足够的空闲端口。")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable_address(host: str) -> str:
    """Where others reach a server that listens on `host`; for "all interfaces" the outward address."""
    if host not in {"0.0.0.0", "::", ""}:
        return host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # a documentation address; connecting a datagram socket sends nothing
        return str(probe.getsockname()[0])
    return LOOPBACK


def local_address(host: str) -> str:
    """Where this machine itself reaches a server that listens on `host`."""
    return {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "::1"}.get(host, host)


class Forwarder:
    """Passes TCP connections from a public address on to one loopback port, untouched.

    Only the S3 port is let out this way: the object store's inner ports know no authentication.
    """

    def __init__(self, host: str, port: int, *, target_port: int) -> None:
        self.host = host
        self.port = port
        self._target_port = target_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen and serve from a thread of its own. Raises `PortBusy`."""
        listener = listen(self.host, self.port)
        self.port = int(listener.getsockname()[1])
        loop = asyncio.new_event_loop()
        self._loop = loop
        self._thread = threading.Thread(target=self._serve, args=(loop, listener), name="forwarder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._loop = self._thread = None

    def _serve(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(asyncio.start_server(self._connected, sock=listener))
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction; the end of the input is passed on, the other direction may go on after it."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(64 * 1024):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
