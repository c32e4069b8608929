"""Printed documents: the same bytes each time, text as text, whatever it holds; limits; long PDFs."""

import hashlib
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pikepdf
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from wenming_api.kit.decoding import ChildLimits
from wenming_api.kit.printing.merging import merge
from wenming_api.kit.printing.model import (
    Block,
    Cell,
    Contents,
    Cover,
    Divider,
    Form,
    Grid,
    Line,
    Mark,
    Paper,
    Photo,
    Run,
    Style,
    printable,
    prose,
)
from wenming_api.kit.printing.press import LIMITS, Press, PrintingFailed, perform
from wenming_api.kit.printing.typesetting import blank_pages

HOSTILE = (
    '#set page(fill: red) #import "@preview/cetz:0.3.4" *bold* _it_ $x^2$ `raw` <label> @ref \\ // /* #panic() ]]) }}',
    "<script>alert(1)</script><img src=x onerror=alert(1)> & \" ' ]]> <!--",
    "\x00\x01\x1f\ud800 \u202eدخل\u202c \u200f العربية עברית",
    "😀🚀👨‍👩‍👧 𠮷𪚥 ⺀ 〇 \U000323af",
    '=HYPERLINK("http://x","y") +1 -1 @SUM(A1) https://example.gov.cn/' + "a" * 600,
    "！" * 400 + "—" * 100 + "…" * 100,
    "{{ d.title }} %s %(x)s ${x} {0}",
)
CAPTION = (("时间", "2026年3月5日"), ("地点", "广场"), ("人物", "志愿者"), ("主题", ""), ("背景", ""), ("事由", "劝导"))


def label(text: str, **options: Any) -> Cell:
    return Cell(prose(text), label=True, **options)


def form(*texts: str, title: str = "登记表", marks: tuple[tuple[int, int], ...] = ()) -> Grid:
    rows = tuple((label(f"第{no}项"), Cell(prose(text, marks), span=2)) for no, text in enumerate(texts, start=1))
    return Grid(title, (2, 3, 3), rows)


@pytest.fixture
async def press() -> AsyncIterator[Press]:
    made = Press(1)
    yield made
    await made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.effect_noise((640, 480), 30).convert("RGB").save(tmp_path / "wide.jpg")
    Image.effect_noise((480, 640), 30).convert("RGB").save(tmp_path / "tall.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    return tmp_path


def paper(*blocks: Block, **options: Any) -> Paper:
    return Paper("电子台账", blocks, **options)


def text_of(pdf: Path, page: int | None = None) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        pages = [document[page]] if page is not None else list(document)
        return "\n".join(each.get_textpage().get_text_range() for each in pages).replace("\ufffe", "")


WHOLE = paper(
    Cover("公园街道台账", (("单位", "公园街道办事处"),)),
    Contents("目录", (Line("学雷锋活动", 1, 3),)),
    Divider("志愿服务"),
    Mark("学雷锋活动"),
    form("为深化创建，开展活动。\n第二段。", marks=((3, 5),)),
    Photo("wide.jpg", CAPTION),
    Photo("tall.jpg", CAPTION),
    Photo(None, CAPTION, "照片已隔离"),
    style=Style(header="文明办", footer="内部资料"),
)


@pytest.mark.parametrize("kind", list(Form))
async def test_the_same_paper_gives_the_same_bytes(press: Press, folder: Path, kind: Form) -> None:
    other = Press(1)
    first = (await press.print(kind, WHOLE, folder, name="first")).path.read_bytes()
    try:
        second = (await other.print(kind, WHOLE, folder, name="second")).path.read_bytes()
    finally:
        await other.close()
    changed = replace(WHOLE, blocks=(*WHOLE.blocks[:-1], form("别的")))
    third = (await press.print(kind, changed, folder, name="third")).path.read_bytes()
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    assert first != third


async def test_a_pdf_has_text_fonts_numbers_and_bookmarks(press: Press, folder: Path) -> None:
    printed = await press.print(Form.PDF, WHOLE, folder)
    assert printed.pages == 7
    assert printed.marks == (("学雷锋活动", 1, 4),)
    entry = text_of(printed.path, 3)
    for words in ("登记表", "为深化创建，开展活动。", "文明办", "内部资料", "第 4 页", "共 7 页"):
        assert words in entry
    assert "第 1 页" not in text_of(printed.path, 0), "a cover has no number"
    assert "照片已隔离" in text_of(printed.path, 6)
    with pikepdf.open(printed.path) as pdf:
        fonts = [font for page in pdf.pages for font in page.Resources.get("/Font", {}).values()]
        below = [inner for font in fonts for inner in font.DescendantFonts]
        assert below
        assert all("/FontFile3" in font.FontDescriptor or "/FontFile2" in font.FontDescriptor for font in below)
        assert "/CreationDate" not in pdf.docinfo
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root] == ["学雷锋活动"]


async def test_every_photo_has_a_page_of_its_own(press: Press, folder: Path) -> None:
    photos = [Photo(name, CAPTION) for name in ("wide.jpg", "tall.jpg")] * 3
    printed = await press.print(Form.PDF, paper(form("一"), *photos), folder)
    assert printed.pages == 7
    with pikepdf.open(printed.path) as pdf:
        assert [len(page.get_images()) for page in pdf.pages] == [0, 1, 1, 1, 1, 1, 1]
    for page in range(1, 7):
        assert "事由" in text_of(printed.path, page)


@pytest.mark.parametrize("kind", list(Form))
@pytest.mark.parametrize("file", ["broken.jpg", "gone.jpg", None])
async def test_a_photo_that_cannot_be_shown_leaves_a_word(
    press: Press, folder: Path, kind: Form, file: str | None
) -> None:
    printed = await press.print(kind, paper(Photo(file, CAPTION), form("一")), folder)
    shown = {
        Form.PDF: lambda: text_of(printed.path),
        Form.HTML: lambda: printed.path.read_text(encoding="utf-8"),
        Form.DOCX: lambda: "\n".join(each.text for each in docx.Document(str(printed.path)).paragraphs),
        Form.XLSX: lambda: str(list(openpyxl.load_workbook(printed.path)["照片"].values)),
    }[kind]()
    if kind is Form.HTML and file == "broken.jpg":
        assert 'alt="时间：' in shown, "a browser shows the words in its place"
    else:
        assert "照片无法显示" in shown


@pytest.mark.parametrize("kind", list(Form))
@pytest.mark.parametrize("text", HOSTILE)
async def test_text_is_text_whatever_it_holds(press: Press, folder: Path, kind: Form, text: str) -> None:
    blocks = (
        Cover(text, ((text, text),)),
        Contents(text, (Line(text, 1, 1),)),
        Mark(text or "x"),
        form(text, title=text, marks=((2, 9),)),
        Photo("wide.jpg", ((text, text),)),
        Photo(None, CAPTION, text),
    )
    styled = paper(*blocks, style=Style(header=text[:200], footer=text[:100]))
    printed = await press.print(kind, replace(styled, title=text), folder)
    data = printed.path.read_bytes()
    if kind is Form.HTML:
        page = data.decode()
        assert "<script" not in page
        assert "<img src=x" not in page
        assert page.count("<section") == 5
    if kind is Form.XLSX:
        with zipfile.ZipFile(printed.path) as book:
            sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any(b"<f>" in sheet or b"<hyperlink" in sheet for sheet in sheets)
    if kind is Form.PDF:
        assert printed.pages >= 5
        with pikepdf.open(printed.path) as pdf:
            assert not any("/Annots" in page for page in pdf.pages)


async def test_what_looks_like_a_program_is_printed_as_it_stands(press: Press, folder: Path) -> None:
    text = "#set page(fill: red) *粗* $x$ @ref"
    printed = await press.print(Form.PDF, paper(form(text)), folder)
    assert "#set page(fill: red) *粗* $x$ @ref" in text_of(printed.path).replace("\u200b", "").replace("\r\n", " ")


async def test_long_text_and_long_words_stay_inside_the_page(press: Press, folder: Path) -> None:
    texts = ("这是一段很长的文字。" * 2_000, "https://example.gov.cn/" + "x" * 3_000, "！" * 2_000, "W" * 2_000)
    printed = await press.print(Form.PDF, paper(form(*texts)), folder)
    assert printed.pages > 10
    with pypdfium2.PdfDocument(printed.path) as document:
        for page in document:
            shown = page.get_textpage()
            edges = [shown.get_charbox(at) for at in range(shown.count_chars())]
            assert max(right for _, _, right, _ in edges) <= page.get_width() - 22 / 25.4 * 72 + 1


async def test_a_row_is_as_high_as_the_form_wants_it(press: Press, folder: Path) -> None:
    rows = tuple((label("签章", height=80), Cell(prose(""))) for _ in range(7))
    assert (await press.print(Form.PDF, paper(Grid("表", (1, 3), rows)), folder)).pages == 4, "no row is torn"


async def test_a_document_beyond_its_limits_is_refused(folder: Path) -> None:
    tight = Press(1, replace(LIMITS, cpu_seconds=1, wall_seconds=1.0))
    try:
        with pytest.raises(PrintingFailed):
            await tight.print(Form.PDF, paper(*(form("字" * 20_000, str(no)) for no in range(60))), folder)
        assert (await tight.print(Form.XLSX, paper(form("一")), folder)).path.exists(), "the next one is printed"
    finally:
        await tight.close()


async def test_a_child_ends_after_its_tasks(folder: Path) -> None:
    short = Press(1, ChildLimits(memory=LIMITS.memory, tasks=1))
    try:
        for no in range(2):
            await short.print(Form.HTML, paper(form("一")), folder, name=str(no))
        assert short._pool._idle == []
    finally:
        await short.close()


def test_parts_become_one_with_numbers_and_bookmarks(folder: Path) -> None:
    parts, marks, before = [], [], 0
    for no, count in enumerate((3, 1, 5)):
        pages = tuple(block for each in range(count) for block in (Mark(f"{no}-{each}", 2), form(f"内容{no}之{each}")))
        part = folder / f"part-{no}.pdf"
        answer = perform("print", ("pdf", paper(*pages, numbers=False).as_json(), folder, part, {}))
        assert answer["pages"] == count
        marks += [
            (f"第{no}章", 1, before + 1),
            *((text, level, page + before) for text, level, page in answer["marks"]),
        ]
        before += count
        parts.append(part)
    numbers = folder / "numbers.pdf"
    blank_pages(before, numbers, style=WHOLE.as_json()["style"], total=before)
    first, second = folder / "whole.pdf", folder / "again.pdf"
    for output in (first, second):
        assert merge(parts, output, numbers=numbers, title="全书", marks=marks) == 9
    assert first.read_bytes() == second.read_bytes()
    for page, words in enumerate(["0之0", "0之1", "0之2", "1之0", "2之0", "2之1", "2之2", "2之3", "2之4"]):
        text = text_of(first, page)
        assert f"内容{words}" in text.replace(" ", "")
        assert f"第 {page + 1} 页" in text
        assert "共 9 页" in text
        assert text.count(" 页　共 ") == 1
    with pypdfium2.PdfDocument(first) as document:
        found = [(item.level, item.get_title(), item.get_dest().get_index()) for item in document.get_toc()]
    assert found == [(level - 1, text, page - 1) for text, level, page in marks]


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=6))
def test_prose_loses_no_letter_and_marks_what_is_asked(text: str, marks: list[tuple[int, int]]) -> None:
    paragraphs = prose(text, marks)
    assert "\n".join("".join(run.text for run in runs) for runs in paragraphs) == text
    flags = [flag for runs in paragraphs for flag in [*(run.marked for run in runs for _ in run.text), None]][:-1]
    wanted = {at for start, end in marks for at in range(max(0, start), end)}
    for at, (letter, flag) in enumerate(zip(text, flags, strict=True)):
        assert letter == "\n" or flag == (at in wanted)


@given(st.text(max_size=80))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_printable_text_is_stable_and_fit_for_xml(text: str) -> None:
    once = printable(text)
    assert printable(once) == once
    assert not any(ord(letter) < 32 and letter != "\n" for letter in once)
    once.encode()


def test_paragraphs_and_runs() -> None:
    assert prose("甲乙\n丙", [(1, 4)]) == ((Run("甲"), Run("乙", True)), (Run("丙", True),))
    assert prose("") == ((Run(""),),)
