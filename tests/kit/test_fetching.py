"""Fetching pages: only public addresses, judged where the connection goes, and never more than asked for."""

import asyncio
import gzip
import ipaddress
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.kit.fetching import Fetched, Fetcher, FetchRefused, public_only
from wenming_api.settings import Settings

HOST = "v.example.gov.cn"
PAGE = "<title>志愿</title>".encode()


class Site:
    """A local web server: `answers` maps paths to raw answers; `asked` are the heads of the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.hold = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.asked.append(head)
            path = head.split(" ")[1]
            writer.write(self.answers.get(path, b""))
            await writer.drain()
            if path.startswith("/slow"):
                await self.hold.wait()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def put(self, path: str, body: bytes = PAGE, *, status: int = 200, **headers: str) -> None:
        sent = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        self.answers[path] = f"HTTP/1.1 {status} OK\r\n{lines}\r\n".encode("latin-1") + body


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    made.put("/")
    yield made
    made.hold.set()
    server.close()


def names(**addresses: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A resolver; names it does not know are the local server's."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        return addresses.get(host.replace(".", "_"), ["127.0.0.1"])

    return look_up


def fetcher(site: Site, **given: Any) -> Fetcher:
    plain: dict[str, Any] = {
        "hosts": [HOST, "*.wild.cn"],
        "policy": lambda address: public_only(address) or str(address) == "127.0.0.1",
        "resolver": names(),
        "ports": {"http": site.port, "https": site.port},
        "seconds": 5.0,
    }
    return Fetcher(**plain | given)


async def refusal(by: Fetcher, url: str = f"http://{HOST}/") -> FetchRefused:
    with pytest.raises(FetchRefused) as caught:
        await by.fetch(url)
    return caught.value


async def test_a_page_is_fetched_from_the_judged_address(site: Site) -> None:
    found = await fetcher(site).fetch(f"http://{HOST}/")
    assert found == Fetched(f"http://{HOST}/", "text/html; charset=utf-8", PAGE, cut=False)
    assert f"\r\nHost: {HOST}:{site.port}\r\n" in site.asked[0]
    assert "Cookie" not in site.asked[0]
    site.put("/%E4%B8%80?a=%E4%BA%8C")
    assert (await fetcher(site).fetch(f"http://{HOST}/一?a=二#三")).body == PAGE


def test_nothing_is_fetched_unless_hosts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Fetcher(hosts=Settings().fetch.hosts).enabled
    with pytest.raises(FetchRefused, match="名单"):
        Fetcher().judge(f"http://{HOST}/")
    monkeypatch.setenv("WENMING_FETCH__HOSTS", '["*.example.gov.cn"]')
    assert Fetcher(hosts=Settings().fetch.hosts).judge(f"https://{HOST}/a").hostname == HOST


@pytest.mark.parametrize(
    "url",
    [
        "ftp://v.example.gov.cn/",
        "file:///etc/passwd",
        "gopher://v.example.gov.cn/",
        "//v.example.gov.cn/",
        "http://",
        "http://user:secret@v.example.gov.cn/",
        "http://v.example.gov.cn@10.0.0.1/",
        "http://v.example.gov.cn:22/",
        "http://v.example.gov.cn:99999/",
        "http://v.example.gov.cn:x/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://127.0.0.1/",
        "http://other.gov.cn/",
        "http://v.example.gov.cn.evil.cn/",
        "http://evil-v.example.gov.cn/",
        "http://wild.cn/",
        "http://v.example.gov.cn\\@evil.cn/",
        "http://v.example.gov.cn/a\r\nX: y",
        "http://v.example.gov.cn/ a",
        "http://v。example.gov.cn/",
        "http://v.example.gov.cn/" + "a" * 2_000,
    ],
)
async def test_urls_that_are_not_fetched(site: Site, url: str) -> None:
    assert (await refusal(fetcher(site), url)).reason
    assert site.asked == []


async def test_hosts_below_a_wildcard_and_without_letter_case(site: Site) -> None:
    for url in ("http://a.wild.cn/", "http://b.a.wild.cn./", "HTTP://V.EXAMPLE.GOV.CN/"):
        assert (await fetcher(site).fetch(url)).body == PAGE


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.8.8.8"),
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.192", "192.0.2.1"),
        *("198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "100.100.100.200", "168.63.129.16"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "2002:a00:1::"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "2001::1"),
    ],
)
async def test_addresses_that_are_not_public(site: Site, address: str) -> None:
    assert not public_only(ipaddress.ip_address(address))
    by = fetcher(site, policy=public_only, resolver=names(v_example_gov_cn=[address]))
    assert "地址" in (await refusal(by)).reason
    mixed = fetcher(site, policy=public_only, resolver=names(v_example_gov_cn=["93.184.215.14", address]))
    assert "地址" in (await refusal(mixed)).reason, "one bad address spoils all"
    assert site.asked == []


@given(st.ip_addresses())
def test_what_is_public_is_global(address: Any) -> None:
    if public_only(address):
        assert address.is_global
        assert not any((address.is_private, address.is_multicast, address.is_loopback, address.is_link_local))


def test_public_addresses_are_public() -> None:
    for each in ("8.8.8.8", "114.114.114.114", "2400:3200::1"):
        assert public_only(ipaddress.ip_address(each))


async def test_a_name_that_changes_its_mind_gains_nothing(site: Site) -> None:
    """DNS rebinding: the name is asked once, and the address that was judged is the one connected to."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    judged: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    def policy(address: Any) -> bool:
        judged.append(str(address))
        return str(address) == "127.0.0.1"

    by = fetcher(site, resolver=rebinding, policy=policy)
    assert (await by.fetch(f"http://{HOST}/")).body == PAGE
    assert judged == ["127.0.0.1", "127.0.0.1"], "before connecting, and the peer afterwards"
    assert "地址" in (await refusal(by)).reason, "the next page asks anew"


async def test_nothing_is_sent_to_a_peer_that_is_refused(site: Site) -> None:
    verdicts = iter([True, False])
    assert "地址" in (await refusal(fetcher(site, policy=lambda _: next(verdicts)))).reason
    assert site.asked == []


async def test_redirects_are_judged_as_if_typed(site: Site) -> None:
    site.put("/a", status=302, Location="/b?x=1")
    site.put("/b?x=1", status=301, Location=f"//{HOST}/#part")
    found = await fetcher(site).fetch(f"http://{HOST}/a")
    assert (found.url, found.body) == (f"http://{HOST}/", PAGE)
    asked = len(site.asked)
    for target in (
        *("http://169.254.169.254/latest", "http://other.gov.cn/", "ftp://v.example.gov.cn/", "javascript:alert(1)"),
        *("http://u:p@v.example.gov.cn/", "http://v.example.gov.cn:22/", "http://[::1]/", "http://[", ""),
    ):
        site.put("/away", status=307, Location=target)
        await refusal(fetcher(site), f"http://{HOST}/away")
    site.put("/inside", status=302, Location="http://in.wild.cn/")
    by = fetcher(site, resolver=names(in_wild_cn=["10.0.0.1"]))
    assert "地址" in (await refusal(by, f"http://{HOST}/inside")).reason
    assert len(site.asked) == asked + 10


async def test_redirects_come_to_an_end(site: Site) -> None:
    site.put("/loop", status=302, Location="/loop")
    assert "转址" in (await refusal(fetcher(site), f"http://{HOST}/loop")).reason
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    ("status", "content_type", "again"),
    [(404, "text/html", False), (503, "text/html", True), (200, "video/mp4", False), (200, "", False)],
)
async def test_answers_that_are_no_pages(site: Site, status: int, content_type: str, again: bool) -> None:
    site.put("/", status=status, Content_Type=content_type)
    assert (await refusal(fetcher(site))).again is again


async def test_huge_bodies_are_cut(site: Site) -> None:
    site.put("/", b"a" * 300_000)
    found = await fetcher(site, max_bytes=1_000).fetch(f"http://{HOST}/")
    assert (len(found.body), found.cut) == (1_000, True)
    site.put("/", b"a" * 300_000, Content_Length="")
    assert len((await fetcher(site, max_bytes=1_000).fetch(f"http://{HOST}/")).body) == 1_000
    pieces = b"".join(b"%x\r\n%s\r\n" % (50_000, b"b" * 50_000) for _ in range(6)) + b"0\r\n\r\n"
    site.put("/", pieces, Content_Length="", Transfer_Encoding="chunked")
    assert len((await fetcher(site, max_bytes=60_000).fetch(f"http://{HOST}/")).body) == 60_000
    whole = await fetcher(site).fetch(f"http://{HOST}/")
    assert (whole.body, whole.cut) == (b"b" * 300_000, False)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
async def test_what_is_packed_is_unpacked_within_bounds(site: Site, pack: Callable[[bytes], bytes]) -> None:
    encoding = "gzip" if pack is gzip.compress else "deflate"
    site.put("/", pack(PAGE), Content_Encoding=encoding)
    assert (await fetcher(site).fetch(f"http://{HOST}/")).body == PAGE
    site.put("/", pack(b"a" * 50_000_000), Content_Encoding=encoding)
    bomb = await fetcher(site, max_bytes=100_000).fetch(f"http://{HOST}/")
    assert (len(bomb.body), bomb.cut) == (100_000, True)
    site.put("/", b"not packed", Content_Encoding=encoding)
    assert "损坏" in (await refusal(fetcher(site))).reason
    site.put("/", PAGE, Content_Encoding="br")
    assert "压缩" in (await refusal(fetcher(site))).reason


async def test_a_slow_server_is_left(site: Site) -> None:
    site.answers["/slow"] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\nabc"
    for path in ("/slow", "/slow-head"):
        problem = await refusal(fetcher(site, seconds=0.3), f"http://{HOST}{path}")
        assert ("规定时间" in problem.reason, problem.again) == (True, True)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 100_000,
    ],
)
async def test_answers_that_are_no_http(site: Site, answer: bytes) -> None:
    site.answers["/"] = answer
    await refusal(fetcher(site))


async def test_who_cannot_be_reached(site: Site) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError

    async def nothing(host: str, port: int) -> Sequence[str]:
        return []

    for resolver in (unknown, nothing):
        assert (await refusal(fetcher(site, resolver=resolver))).again
    assert (await refusal(fetcher(site, ports={"http": 1}))).again
    assert (await refusal(fetcher(site), f"https://{HOST}/")).again, "no TLS there"
