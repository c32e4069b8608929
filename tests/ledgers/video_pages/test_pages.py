"""Titles and covers of video links: read after saving, shown beside the record, which does not change."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from tests.factories.places import make_county, make_unit
from tests.factories.records import content, make_catalogue

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.fetching import Fetcher
from wenming_api.ledgers.video_pages.models import VideoPage
from wenming_api.ledgers.video_pages.rules import MAX_TITLE, PageInfo, page_info
from wenming_api.settings import Resources
from wenming_api.system.roles.rules import DataScope
from wenming_api.worker import drain

URL = "http://v.example.gov.cn/play/1024"
PAGE = (
    '<head><title>标题</title><meta property="og:title" content="志愿 &amp; 服务">'
    "<meta property=og:image content=/c.jpg>"
)


@pytest.mark.parametrize(
    ("content_type", "body", "title"),
    [
        ("text/html; charset=utf-8", "<title> 志愿\n服务 </title>".encode(), "志愿 服务"),
        ("text/html; charset=GB2312", "<title>志愿</title>".encode("gbk"), "志愿"),
        ("text/html", '<meta charset="gbk"><title>志愿</title>'.encode("gbk"), "志愿"),
        ("text/html", b"\xef\xbb\xbf" + "<title>志愿</title>".encode(), "志愿"),
        ("text/html; charset=rot13", "<title>志愿</title>".encode(), "志愿"),
        ("text/html; charset=utf-8", b"<title>a\xff\x00b</title>", "a b"),
        ("text/html", b"<title>first</title><title>second</title>", "first"),
        (
            "text/html",
            b"<meta property='og:title' content='first'><meta property='og:title' content='second'>",
            "first",
        ),
        ("text/html", b"<title></title>", None),
        ("text/html", b"", None),
    ],
)
def test_titles_of_pages_of_whatever_quality(content_type: str, body: bytes, title: str | None) -> None:
    assert page_info(URL, content_type, body).title == title


@pytest.mark.parametrize(
    ("image", "cover"),
    [
        ("/c.jpg", "http://v.example.gov.cn/c.jpg"),
        ("https://img.example.cn/c.jpg", "https://img.example.cn/c.jpg"),
        ("javascript:alert(1)", None),
        ("data:image/png;base64,AAAA", None),
        ("http://[", None),
        ("/c d.jpg", None),
        ("/" + "a" * 3_000, None),
        ("", None),
    ],
)
def test_covers_are_links(image: str, cover: str | None) -> None:
    assert page_info(URL, "text/html", f'<meta property="og:image" content="{image}">'.encode()).cover_url == cover


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<!--", "<![CDATA[", "<div>", "&", "<title>", "</", "<meta ", "<!DOCTYPE", "<?"]
)
def test_bombs_of_html_do_no_harm(piece: str) -> None:
    found = page_info(URL, "text/html", (piece * 200_000).encode())
    assert len(found.title or "") <= MAX_TITLE


@given(st.text(max_size=40), st.binary(max_size=300))
def test_any_bytes_give_a_short_title_or_none(content_type: str, body: bytes) -> None:
    found = page_info(URL, content_type, b"<title>" + body)
    assert found.title is None or 0 < len(found.title) <= MAX_TITLE
    assert "\x00" not in (found.title or "")


def test_a_page_says_both() -> None:
    assert page_info(URL, "text/html", PAGE.encode()) == PageInfo("志愿 & 服务", "http://v.example.gov.cn/c.jpg")


@pytest.fixture
async def unit(database: Database) -> Any:
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session))


@pytest.fixture
async def nodes(database: Database, unit: Any) -> Any:
    async with database.transaction() as session:
        return await make_catalogue(session, unit)


@pytest.fixture
async def clerk(as_user: Any, unit: Any) -> httpx.AsyncClient:
    may = [Permission.RECORDS_READ, Permission.RECORDS_WRITE]
    made: httpx.AsyncClient = await as_user(may, scope=DataScope.UNIT, unit=unit)
    return made


async def read_by(resources: Resources, answer: bytes) -> int:
    """Let a worker read what waits from a local site; how often the site was asked."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ports = {"http": server.sockets[0].getsockname()[1], "https": 1}
    fetcher = Fetcher(hosts=["v.example.gov.cn"], policy=lambda _: True, resolver=here, ports=ports)
    await drain(replace(resources, fetcher=fetcher))
    server.close()
    return asked


def html(body: str, status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{body}".encode()


async def written(client: httpx.AsyncClient, *nodes: Any, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/ledgers/records", json={"content": content(*nodes, **changes)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_what_the_page_says_is_shown_and_the_record_stays(
    clerk: httpx.AsyncClient, nodes: Any, resources: Resources, statements: Any
) -> None:
    videos = [{"url": URL}, {"url": "http://v.example.gov.cn/2", "title": "自拟"}]
    made = await written(clerk, nodes["1-1"], videos=videos)
    unread = {"title": None, "cover_url": None, "fetched_at": None, "failure": None}
    assert made["videos"] == [unread | {"url": each["url"]} for each in videos]
    assert await read_by(resources, html(PAGE)) == 1, "a video that has a title is not asked for"
    place = f"/ledgers/records/{made['id']}"
    with statements() as sent:
        seen = (await clerk.get(place)).json()
    assert sent.count == 1
    first, second = seen["videos"]
    assert (first["title"], first["cover_url"], first["failure"]) == (
        "志愿 & 服务",
        "http://v.example.gov.cn/c.jpg",
        None,
    )
    assert first["fetched_at"] is not None
    assert second == unread | {"url": videos[1]["url"]}
    assert {**seen, "videos": made["videos"]} == made, "content, hash and version are what they were"
    await written(clerk, nodes["1-2"], videos=[{"url": URL}])
    assert await read_by(resources, html(PAGE)) == 0, "a link is read once"


async def test_why_a_page_was_not_read_is_told_and_it_is_tried_again(
    clerk: httpx.AsyncClient, nodes: Any, resources: Resources
) -> None:
    made = await written(clerk, nodes["1-1"], videos=[{"url": URL}, {"url": "http://elsewhere.cn/1"}])
    assert await read_by(resources, html("", status=404)) == 1
    seen = (await clerk.get(f"/ledgers/records/{made['id']}")).json()["videos"]
    assert [each["failure"] for each in seen] == ["网站答复 404", "该网站不在允许读取的名单内"]
    await written(clerk, nodes["1-2"], videos=[{"url": URL}])
    assert await read_by(resources, html("<p>")) == 1
    await written(clerk, nodes["1-2"], videos=[{"url": URL}])
    seen = (await clerk.get(f"/ledgers/records/{made['id']}")).json()["videos"]
    assert seen[0]["failure"] == "网页没有标题"
    assert await read_by(resources, html(PAGE)) == 1
    seen = (await clerk.get(f"/ledgers/records/{made['id']}")).json()["videos"]
    assert (seen[0]["title"], seen[0]["failure"]) == ("志愿 & 服务", None)


async def test_nothing_is_read_unless_hosts_are_allowed(
    clerk: httpx.AsyncClient, nodes: Any, resources: Resources, database: Database
) -> None:
    await written(clerk, nodes["1-1"], videos=[{"url": URL}])
    assert not resources.fetcher.enabled
    await drain(resources)
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(VideoPage)) == 0
