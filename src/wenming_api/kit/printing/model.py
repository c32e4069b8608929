"""What a printed document consists of. Pure values; lengths in millimetres, sizes of type in points."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Form(StrEnum):
    """文档格式：HTML、PDF、DOCX、XLSX"""

    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """The content type of its bytes."""
        office = "application/vnd.openxmlformats-officedocument"
        return {
            "html": "text/html; charset=utf-8",
            "pdf": "application/pdf",
            "docx": f"{office}.wordprocessingml.document",
            "xlsx": f"{office}.spreadsheetml.sheet",
        }[self.value]


class Typeface(StrEnum):
    """正文字体：宋体（serif）或黑体（sans）；标题一律黑体"""

    SERIF = "serif"
    SANS = "sans"


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one dress; `marked` is underlined in red (the passage that proves the indicator)."""

    text: str
    marked: bool = False


Prose = tuple[tuple[Run, ...], ...]
"""Paragraphs of runs."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a form: a label or what was filled in. `span` in columns, `height` at least so many millimetres."""

    prose: Prose
    label: bool = False
    span: int = 1
    height: float = 0
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A form on a page of its own: title and rows of cells. `columns` are relative widths that the spans add up to."""

    title: str
    columns: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kind: str = "grid"


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo on a page of its own, centred, above its caption (label, text).

    `file` is its name in the folder of pictures; when it cannot be shown, `missing` says why in its place.
    """

    file: str | None
    caption: tuple[tuple[str, str], ...]
    missing: str = ""
    kind: str = "photo"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that bookmarks and contents lead to: the page where the next block begins. Levels count from 1."""

    text: str
    level: int = 1
    kind: str = "mark"


@dataclass(frozen=True, slots=True)
class Cover:
    """A title page with lines (label, text) below."""

    title: str
    lines: tuple[tuple[str, str], ...]
    kind: str = "cover"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the contents and the page it leads to."""

    text: str
    level: int
    page: int


@dataclass(frozen=True, slots=True)
class Contents:
    """A table of contents."""

    title: str
    lines: tuple[Line, ...]
    kind: str = "contents"


@dataclass(frozen=True, slots=True)
class Divider:
    """A page that opens a section: its title, and what it holds."""

    title: str
    note: str = ""
    kind: str = "divider"


Block = Grid | Photo | Mark | Cover | Contents | Divider


@dataclass(frozen=True, slots=True)
class Style:
    """Looks of a document on A4: margins (top, right, bottom, left) in millimetres, sizes in points."""

    typeface: Typeface = Typeface.SERIF
    title_size: float = 18
    text_size: float = 11
    caption_size: float = 10.5
    margins: tuple[float, float, float, float] = (25, 22, 22, 25)
    header: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A document. `numbers` prints 第 n 页 共 m 页 on every page but the cover."""

    title: str
    blocks: tuple[Block, ...]
    style: Style = field(default_factory=Style)
    numbers: bool = True

    def as_json(self) -> dict[str, Any]:
        """The document as plain values, every text of it printable."""
        cleaned: dict[str, Any] = _clean(asdict(self))
        return cleaned


_HIDDEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_UNPRINTABLE = {"Cc", "Cs", "Cn"}


def printable(text: str) -> str:
    """Text that every form can hold: no marks that turn the direction of writing, a � for what is no character."""
    text = _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    "))
    return "".join(
        "\ufffd" if letter != "\n" and unicodedata.category(letter) in _UNPRINTABLE else letter for letter in text
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value


def prose(text: str, marks: Iterable[tuple[int, int]] = ()) -> Prose:
    """Paragraphs of a text, one a line; `marks` are the passages [start, end) to underline, in characters of it."""
    edges = _merged(marks, len(text))
    paragraphs: list[tuple[Run, ...]] = []
    position = 0
    for line in text.split("\n"):
        paragraphs.append(tuple(_runs(line, position, edges)))
        position += len(line) + 1
    return tuple(paragraphs)


def _merged(marks: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in marks):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _runs(line: str, offset: int, edges: Sequence[tuple[int, int]]) -> Iterable[Run]:
    at = 0
    for start, end in edges:
        first, last = max(start - offset, at), min(end - offset, len(line))
        if last <= first:
            continue
        if first > at:
            yield Run(line[at:first])
        yield Run(line[first:last], marked=True)
        at = last
    if at < len(line) or not line:
        yield Run(line[at:])
