"""Guarded fetching of web pages that users name: to public addresses only, bounded, and off unless hosts are allowed.

A name is resolved once and every address it has is judged; the connection goes to a judged address, while `Host` and
the TLS server name stay those of the URL, so that a name which answers differently the second time (DNS rebinding)
gains nothing. Every redirect is judged anew as if a user had typed it.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import punctuation
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

PORTS: Final = {"http": 80, "https": 443}
MAX_REDIRECTS: Final = 3
MAX_HEADER_BYTES: Final = 32 * 1024
MAX_URL: Final = 2_000
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LABEL: Final = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$")
_CHUNK: Final = 16 * 1024

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressPolicy = Callable[[IPAddress], bool]
"""Whether a connection to an address is allowed."""
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name."""


class FetchRefused(Exception):
    """A page is not fetched, or not any further. `reason` is Chinese, for the user; `again` when trying later may
    help."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.again = reason, again


_NETWORKS: Final = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32"),
        *("2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
"""What is never fetched from: this host and network, private and shared ranges, link-local (metadata services), ranges
for documents and tests, multicast, reserved ones, cloud platforms' own, and IPv6 forms that carry an IPv4 address."""


def public_only(address: IPAddress) -> bool:
    """Whether an address is one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return False
    if any(address in network for network in _NETWORKS if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives for a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page: where it was found in the end, its content type and (the beginning of) its body."""

    url: str
    content_type: str
    body: bytes
    cut: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches pages of the hosts allowed (`example.gov.cn`, `*.example.gov.cn` for all below it); of none by default.

    `seconds` limits everything together, `max_bytes` the body as it comes and once more when it is unpacked.
    `policy`, `resolver`, `ports` and `tls` are there for tests with a local server.
    """

    hosts: Sequence[str] = ()
    seconds: float = 10.0
    max_bytes: int = 512 * 1024
    policy: AddressPolicy = public_only
    resolver: Resolver = resolve
    ports: Mapping[str, int] = field(default_factory=lambda: dict(PORTS))
    tls: ssl.SSLContext | None = None

    @property
    def enabled(self) -> bool:
        """Whether any host is allowed."""
        return bool(self.hosts)

    async def fetch(self, url: str, *, types: Sequence[str] = ("text/html", "application/xhtml+xml")) -> Fetched:
        """The page at a URL, of one of the content types. The body may be cut at `max_bytes`.

        Raises:
            FetchRefused: the URL, its host, an address, or what came is not acceptable.
        """
        try:
            async with asyncio.timeout(self.seconds):
                return await self._follow(url, types)
        except TimeoutError as error:
            raise FetchRefused("网页在规定时间内没有答复", again=True) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise FetchRefused("无法连接该网站", again=True) from error

    async def _follow(self, url: str, types: Sequence[str]) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            parts = self.judge(url)
            answer = await self._get(parts)
            if answer.status in _REDIRECTS:
                target = answer.headers.get("location", "")
                if not target:
                    raise FetchRefused("网页转到了无效的地址")
                url = _joined(url, target)
                continue
            if answer.status != 200:
                raise FetchRefused(f"网站答复 {answer.status}", again=answer.status >= 500 or answer.status == 429)
            content_type = answer.headers.get("content-type", "")
            if content_type.split(";")[0].strip().casefold() not in types:
                raise FetchRefused("链接不是网页")
            return Fetched(url, content_type, answer.body, answer.cut)
        raise FetchRefused("网页转址次数过多")

    def judge(self, url: str) -> SplitResult:
        """The parts of a URL that may be fetched. Raises `FetchRefused`."""
        if len(url) > MAX_URL or any(ord(each) <= 32 or ord(each) == 127 for each in url):
            raise FetchRefused("链接含有不允许的字符或过长")
        try:
            parts = urlsplit(quote(url, safe=punctuation))
            port = parts.port
        except ValueError as error:
            raise FetchRefused("链接格式不正确") from error
        if parts.scheme not in PORTS:
            raise FetchRefused("只读取 http、https 链接")
        if "@" in parts.netloc or "\\" in url:
            raise FetchRefused("链接中不能带有用户名或反斜杠")
        if port is not None and port != self.ports[parts.scheme]:
            raise FetchRefused("只读取标准端口的网页")
        host = (parts.hostname or "").removesuffix(".")
        if not all(_LABEL.match(label) for label in host.split(".")) or len(host) > 253:
            raise FetchRefused("链接的主机名不正确")
        if not any(_matches(host, allowed.casefold()) for allowed in self.hosts):
            raise FetchRefused("该网站不在允许读取的名单内")
        return parts

    async def _get(self, parts: SplitResult) -> _Answer:
        host, port = (parts.hostname or "").removesuffix("."), self.ports[parts.scheme]
        address = await self._address(host, port)
        secure = (self.tls or ssl.create_default_context()) if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            str(address), port, ssl=secure, server_hostname=host if secure else None, limit=MAX_HEADER_BYTES
        )
        try:
            peer = ipaddress.ip_address(writer.get_extra_info("peername")[0])
            if peer != address or not self.policy(peer):
                raise FetchRefused("该网站的地址不允许访问")
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            named = host if port == PORTS[parts.scheme] else f"{host}:{port}"
            writer.write(
                f"GET {target} HTTP/1.1\r\nHost: {named}\r\nUser-Agent: wenming\r\nAccept: text/html\r\n"
                "Accept-Encoding: identity\r\nConnection: close\r\n\r\n".encode("ascii")
            )
            await writer.drain()
            return await self._answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                writer.transport.abort()

    async def _address(self, host: str, port: int) -> IPAddress:
        try:
            found = [ipaddress.ip_address(each) for each in await self.resolver(host, port)]
        except (OSError, ValueError, UnicodeError) as error:
            raise FetchRefused("找不到该网站", again=True) from error
        if not found:
            raise FetchRefused("找不到该网站", again=True)
        if not all(self.policy(each) for each in found):
            raise FetchRefused("该网站的地址不允许访问")
        return found[0]

    async def _answer(self, reader: asyncio.StreamReader) -> _Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
            raise FetchRefused("网站的答复不完整或过大") from error
        status, headers = _head(head)
        if status != 200:
            return _Answer(status, headers, b"", cut=False)
        if headers.get("transfer-encoding", "").strip().casefold() == "chunked":
            body, cut = await self._chunks(reader)
        else:
            body, cut = await self._rest(reader, headers.get("content-length"))
        body, more = self._unpacked(body, headers.get("content-encoding", "identity").strip().casefold())
        return _Answer(status, headers, body, cut or more)

    async def _rest(self, reader: asyncio.StreamReader, length: str | None) -> tuple[bytes, bool]:
        wanted = int(length) if length and length.isascii() and length.isdigit() and len(length) < 16 else None
        kept = bytearray()
        while len(kept) <= self.max_bytes and (wanted is None or len(kept) < wanted):
            piece = await reader.read(_CHUNK)
            if not piece:
                break
            kept += piece
        return bytes(kept[: self.max_bytes]), len(kept) > self.max_bytes

    async def _chunks(self, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        kept = bytearray()
        while len(kept) <= self.max_bytes:
            try:
                line = (await reader.readuntil(b"\r\n")).split(b";")[0].strip()
                size = int(line, 16) if re.fullmatch(rb"[0-9A-Fa-f]{1,8}", line) else -1
            except asyncio.LimitOverrunError as error:
                raise FetchRefused("网站的答复不正确") from error
            if size < 0:
                raise FetchRefused("网站的答复不正确")
            if size == 0:
                return bytes(kept), False
            while size and len(kept) <= self.max_bytes:
                piece = await reader.read(min(size, _CHUNK))
                if not piece:
                    raise FetchRefused("网站的答复不完整或过大")
                kept += piece
                size -= len(piece)
            if not size:
                await reader.readexactly(2)
        return bytes(kept[: self.max_bytes]), True

    def _unpacked(self, body: bytes, encoding: str) -> tuple[bytes, bool]:
        """The body as text was written; a server may pack what nobody asked it to pack."""
        if encoding in {"", "identity"}:
            return body, False
        if encoding not in {"gzip", "deflate"}:
            raise FetchRefused("网页的压缩方式不支持")
        unpacker = zlib.decompressobj(wbits=47)
        try:
            return unpacker.decompress(body, self.max_bytes), bool(unpacker.unconsumed_tail)
        except zlib.error as error:
            raise FetchRefused("网页的压缩内容已损坏") from error


def _matches(host: str, allowed: str) -> bool:
    if allowed.startswith("*."):
        return host.endswith(allowed[1:]) and len(host) > len(allowed) - 1
    return host == allowed


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target).split("#")[0]
    except ValueError as error:
        raise FetchRefused("网页转到了无效的地址") from error


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    status = re.match(r"^HTTP/1\.[01] (\d{3})(?: |$)", first)
    if status is None:
        raise FetchRefused("网站的答复不正确")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().casefold(), value.strip())
    return int(status[1]), headers
