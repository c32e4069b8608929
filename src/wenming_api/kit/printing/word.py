"""DOCX by python-docx: the same forms and photo pages, to be edited further. Synchronous."""

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from PIL import Image

_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - a document that names no moment is the same every time
_SERIF, _SANS = "宋体", "黑体"
_PHOTO_HEIGHT = 150
_PAGE_WIDTH, _PAGE_HEIGHT = 210, 297


def write_docx(paper: dict[str, Any], pictures: Path, output: Path) -> None:
    """Write `model.Paper.as_json()` as a DOCX file."""
    writer = _Writer(paper, pictures)
    for block in paper["blocks"]:
        writer.add(block)
    buffer = io.BytesIO()
    writer.document.save(buffer)
    _same_every_time(buffer, output)


def _same_every_time(packed: io.BytesIO, output: Path) -> None:
    """Pack again without the moment of packing."""
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".jpg") else zipfile.ZIP_DEFLATED
            target.writestr(entry, source.read(name))


class _Writer:
    def __init__(self, paper: dict[str, Any], pictures: Path) -> None:
        self.pictures = pictures
        self.style = paper["style"]
        self.font = _SANS if self.style["typeface"] == "sans" else _SERIF
        self.document: Any = Document()
        self.begun = False
        core = self.document.core_properties
        core.title, core.author, core.comments = paper["title"][:255], "", ""
        core.created = core.modified = _LONG_AGO
        normal = self.document.styles["Normal"]
        normal.font.size = Pt(self.style["text_size"])
        _typeface(normal.element, self.font)
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(_PAGE_WIDTH), Mm(_PAGE_HEIGHT)
        top, right, bottom, left = self.style["margins"]
        section.top_margin, section.right_margin = Mm(top), Mm(right)
        section.bottom_margin, section.left_margin = Mm(bottom), Mm(left)
        self.width = _PAGE_WIDTH - left - right
        section.different_first_page_header_footer = bool(paper["blocks"]) and paper["blocks"][0]["kind"] == "cover"
        self._small(section.header.paragraphs[0], self.style["header"])
        foot = section.footer.paragraphs[0]
        self._small(foot, self.style["footer"] + "　" if self.style["footer"] else "")
        if paper["numbers"]:
            for words, code in (("第 ", "PAGE"), (" 页　共 ", "NUMPAGES"), (" 页", "")):
                self._small(foot, words)
                if code:
                    _field(foot, code)

    def add(self, block: dict[str, Any]) -> None:
        if block["kind"] == "mark":
            return
        if self.begun:
            self.document.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
        self.begun = True
        getattr(self, f"_{block['kind']}")(block)

    def _small(self, paragraph: Any, text: str) -> None:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        if text:
            paragraph.add_run(text).font.size = Pt(9)

    def _title(self, text: str, size: float, *, before: float = 0) -> None:
        paragraph = self.document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Mm(before), Mm(5)
        run = paragraph.add_run(text)
        run.font.size, run.font.bold = Pt(size), True
        _typeface(run._element, _SANS)

    def _grid(self, block: dict[str, Any]) -> None:
        if block["title"]:
            self._title(block["title"], self.style["title_size"])
        columns = block["columns"]
        table = self._table(len(block["rows"]), columns)
        for row, cells in zip(table.rows, block["rows"], strict=True):
            at = 0
            for cell in cells:
                place = row.cells[at]
                if cell["span"] > 1:
                    place = place.merge(row.cells[at + cell["span"] - 1])
                at += cell["span"]
                if cell["height"]:
                    row.height, row.height_rule = Mm(cell["height"]), WD_ROW_HEIGHT_RULE.AT_LEAST
                self._fill(place, cell)

    def _table(self, rows: int, columns: list[int]) -> Any:
        table = self.document.add_table(rows, len(columns), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        for column, share in zip(table.columns, columns, strict=True):
            width = Mm(self.width * share / sum(columns))
            column.width = width
            for cell in column.cells:
                cell.width = width
        return table

    def _fill(self, place: Any, cell: dict[str, Any]) -> None:
        place.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
        many = len(cell["prose"]) > 1
        for position, runs in enumerate(cell["prose"]):
            paragraph = place.paragraphs[0] if position == 0 else place.add_paragraph()
            if cell["label"] or cell["centred"]:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            elif many:
                paragraph.paragraph_format.first_line_indent = Pt(self.style["text_size"] * 2)
            for each in runs:
                run = paragraph.add_run(each["text"])
                if cell["label"]:
                    _typeface(run._element, _SANS)
                if each["marked"]:
                    _underline_red(run)
        if cell["label"]:
            _shade(place)

    def _photo(self, block: dict[str, Any]) -> None:
        paragraph = self.document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        path = self.pictures / block["file"] if block["file"] is not None else None
        size = _fitting(path, self.width) if path is not None else None
        if size is None:
            run = paragraph.add_run(f"\n\n\n［{block['missing'] or '照片无法显示'}］\n\n\n")
            run.font.color.rgb = RGBColor(0x77, 0x77, 0x77)
        else:
            paragraph.add_run().add_picture(str(path), width=Mm(size[0]), height=Mm(size[1]))
        table = self._table(len(block["caption"]), [1, 6])
        for row, (label, text) in zip(table.rows, block["caption"], strict=True):
            self._fill(row.cells[0], _plain(label, label=True))
            self._fill(row.cells[1], _plain(text))

    def _cover(self, block: dict[str, Any]) -> None:
        self._title(block["title"], 30, before=60)
        self.document.add_paragraph().paragraph_format.space_after = Mm(40)
        for label, text in block["lines"]:
            paragraph = self.document.add_paragraph()
            paragraph.paragraph_format.left_indent = Mm(20)
            run = paragraph.add_run(f"{label}：{text}")
            run.font.size = Pt(14)

    def _contents(self, block: dict[str, Any]) -> None:
        self._title(block["title"], self.style["title_size"])
        for line in block["lines"]:
            paragraph = self.document.add_paragraph(f"{line['text']}\t{line['page']}")
            paragraph.paragraph_format.left_indent = Mm((line["level"] - 1) * 5)
            paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(self.width))

    def _divider(self, block: dict[str, Any]) -> None:
        self._title(block["title"], 24, before=90)
        self.document.add_paragraph(block["note"]).alignment = WD_ALIGN_PARAGRAPH.CENTER


def _plain(text: str, *, label: bool = False) -> dict[str, Any]:
    return {"prose": [[{"text": text, "marked": False}]], "label": label, "centred": False}


def _fitting(path: Path, width: float) -> tuple[float, float] | None:
    """Width and height in millimetres of the largest form that fits, no larger than 96 dots per inch."""
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            pixels = image.size
    except (OSError, SyntaxError, ValueError):
        return None
    natural = pixels[0] / 96 * 25.4, pixels[1] / 96 * 25.4
    scale = min(1.0, width / natural[0], _PHOTO_HEIGHT / natural[1])
    return natural[0] * scale, natural[1] * scale


def _typeface(element: Any, name: str) -> None:
    fonts = element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:eastAsia", "w:ascii", "w:hAnsi"):
        fonts.set(qn(attribute), name)


def _underline_red(run: Any) -> None:
    run.font.underline = True
    run._element.rPr.find(qn("w:u")).set(qn("w:color"), "D01010")


def _shade(place: Any) -> None:
    shade = OxmlElement("w:shd")
    for name, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", "F4F4F4")):
        shade.set(qn(name), value)
    place._tc.get_or_add_tcPr().append(shade)


def _field(paragraph: Any, code: str) -> None:
    for kind in ("begin", None, "end"):
        run = paragraph.add_run()
        run.font.size = Pt(9)
        if kind is None:
            element = OxmlElement("w:instrText")
            element.text = code
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._element.append(element)
