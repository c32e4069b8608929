"""Title and cover out of a page of whatever quality. Pure, bounded."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

MAX_CHARACTERS: Final = 64 * 1024
"""How much of a page is looked at; titles stand at its beginning."""

MAX_TITLE: Final = 200
_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_\-]{1,40})", re.IGNORECASE)
_CODECS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
}
_LINK: Final = re.compile(r"^https?://[^\s<>\"\\^`{|}\x00-\x20]+$")


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What a page says of its video."""

    title: str | None
    cover_url: str | None


def url_hash(url: str) -> str:
    """The key of a link: SHA-256 in hexadecimal."""
    return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()


def page_info(url: str, content_type: str, body: bytes) -> PageInfo:
    """The title (og:title before <title>) and the cover (og:image) of the page at `url`."""
    reader = _Reader()
    reader.feed(_decoded(content_type, body)[:MAX_CHARACTERS])
    title = _clean(reader.found.get("og:title", "")) or _clean("".join(reader.title))
    return PageInfo(title or None, _cover(url, reader.found.get("og:image", "")))


def _decoded(content_type: str, body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        return body.decode("utf-8-sig", "replace")
    named = _CHARSET.search(content_type.encode("latin-1", "replace")) or _CHARSET.search(body[:2_048])
    codec = _CODECS.get(named[1].decode("ascii").casefold() if named else "", "utf-8")
    return body.decode(codec, "replace")


def _clean(text: str) -> str:
    """One line without what cannot be seen."""
    shown = "".join(each if unicodedata.category(each)[0] != "C" else " " for each in text.replace("\ufffd", ""))
    return " ".join(shown.split())[:MAX_TITLE].strip()


def _cover(page: str, target: str) -> str | None:
    try:
        found = urljoin(page, target.strip()) if target.strip() else ""
    except ValueError:
        return None
    return found if len(found) <= 2_000 and _LINK.match(found) else None


class _Reader(HTMLParser):
    """Collects the first of each thing looked for."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] = {}
        self.title: list[str] = []
        self._state = "before"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A meta element, or the beginning of the title."""
        if tag == "title" and self._state == "before":
            self._state = "inside"
        elif tag == "meta":
            given = dict(attrs)
            name = (given.get("property") or given.get("name") or "").casefold()
            if name in {"og:title", "og:image"}:
                self.found.setdefault(name, (given.get("content") or "")[:4_000])

    def handle_endtag(self, tag: str) -> None:
        """The end of the title."""
        if tag == "title" and self._state == "inside":
            self._state = "after"

    def handle_data(self, data: str) -> None:
        """Text of the title."""
        if self._state == "inside":
            self.title.append(data)
