"""XLSX by XlsxWriter: a worksheet for each form, one for the photos. Synchronous."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from PIL import Image

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_WIDTH = 88
"""Characters of the default type across an A4 page."""
_LINE = 16
_PER_ROW = 900
"""Characters of one row: what a spreadsheet's tallest row (409 points) can show in a merged cell, and a little less."""
_PHOTO_WIDTH = 480


def write_xlsx(paper: dict[str, Any], pictures: Path, output: Path) -> None:
    """Write `model.Paper.as_json()` as an XLSX file. Text is never a formula nor a link."""
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(output), options) as book:
        book.set_properties({"title": paper["title"][:255], "created": _LONG_AGO})
        writer = _Writer(book, paper, pictures)
        for block in paper["blocks"]:
            if block["kind"] == "grid":
                writer.grid(block)
        writer.photos([block for block in paper["blocks"] if block["kind"] == "photo"])


class _Writer:
    def __init__(self, book: Any, paper: dict[str, Any], pictures: Path) -> None:
        self.book, self.pictures = book, pictures
        style = paper["style"]
        self.header, self.footer, self.numbers = style["header"], style["footer"], paper["numbers"]
        name = "黑体" if style["typeface"] == "sans" else "宋体"
        base = {"font_name": name, "font_size": 11, "border": 1, "text_wrap": True, "valign": "vcenter"}
        self.label = book.add_format(base | {"font_name": "黑体", "align": "center", "bg_color": "#F4F4F4"})
        self.value = book.add_format(base)
        self.centred = book.add_format(base | {"align": "center"})
        self.title = book.add_format({"font_name": "黑体", "bold": True, "font_size": 18, "align": "center"})
        self.plain = book.add_format({"font_name": name, "font_size": 11})
        self.marked = book.add_format({"font_name": name, "font_size": 11, "underline": 1, "font_color": "#D01010"})
        self.forms = 0

    def sheet(self, name: str) -> Any:
        sheet = self.book.add_worksheet(name)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        if self.header:
            sheet.set_header("&C" + self.header.replace("&", "&&")[:200])
        number = "&C第 &P 页　共 &N 页" if self.numbers else ""
        sheet.set_footer("&L" + self.footer.replace("&", "&&")[:100] + number)
        return sheet

    def grid(self, block: dict[str, Any]) -> None:
        self.forms += 1
        sheet = self.sheet(f"表{self.forms}")
        columns = block["columns"]
        widths = [share / sum(columns) * _WIDTH for share in columns]
        for position, width in enumerate(widths):
            sheet.set_column(position, position, width)
        row = 0
        if block["title"]:
            sheet.set_row(row, 30)
            self._merge(sheet, row, 0, len(columns), [(block["title"], False)], self.title)
            row += 1
        for cells in block["rows"]:
            row = self._row(sheet, row, cells, widths)

    def _row(self, sheet: Any, row: int, cells: list[dict[str, Any]], widths: list[float]) -> int:
        """Write one row of the form, as several of the worksheet when a text is too long for one; the next row."""
        parts = [_pieces(cell["prose"]) for cell in cells]
        for number in range(max(len(each) for each in parts)):
            at, height = 0, 0.0
            for cell, pieces in zip(cells, parts, strict=True):
                piece = pieces[number] if number < len(pieces) else []
                style = self.label if cell["label"] else self.centred if cell["centred"] else self.value
                self._merge(sheet, row, at, cell["span"], piece, style)
                width = sum(widths[at : at + cell["span"]])
                height = max(height, _lines("".join(text for text, _ in piece), width) * _LINE + 6)
                if number == 0:
                    height = max(height, cell["height"] * 72 / 25.4)
                at += cell["span"]
            sheet.set_row(row, min(height, 409))
            row += 1
        return row

    def _merge(self, sheet: Any, row: int, at: int, span: int, runs: list[tuple[str, bool]], style: Any) -> None:
        if span > 1:
            sheet.merge_range(row, at, row, at + span - 1, "", style)
        text = "".join(each for each, _ in runs)
        if not text:
            sheet.write_blank(row, at, None, style)
        elif len(runs) > 1 and any(marked for _, marked in runs):
            parts = [part for each, marked in runs if each for part in (self.marked if marked else self.plain, each)]
            sheet.write_rich_string(row, at, *parts, style)
        else:
            sheet.write_string(row, at, text, style)

    def photos(self, blocks: list[dict[str, Any]]) -> None:
        if not blocks:
            return
        sheet = self.sheet("照片")
        sheet.set_column(0, 0, 10)
        sheet.set_column(1, 1, 70)
        row = 0
        for number, block in enumerate(blocks, start=1):
            height = self._picture(sheet, row, block, number)
            sheet.set_row(row, height)
            row += 1
            for label, text in block["caption"]:
                sheet.write_string(row, 0, label, self.label)
                sheet.write_string(row, 1, text, self.value)
                sheet.set_row(row, min(_lines(text, 70) * _LINE + 6, 409))
                row += 1
            row += 1

    def _picture(self, sheet: Any, row: int, block: dict[str, Any], number: int) -> float:
        sheet.write_string(row, 0, f"照片{number}", self.label)
        data = None if block["file"] is None else _small(self.pictures / block["file"])
        if data is None:
            sheet.write_string(row, 1, block["missing"] or "照片无法显示", self.centred)
            return 40
        sheet.write_blank(row, 1, None, self.value)
        stream, size = data
        sheet.insert_image(row, 1, f"{number}.jpg", {"image_data": stream, "x_offset": 6, "y_offset": 6})
        return size[1] * 0.75 + 12


def _small(path: Path) -> tuple[io.BytesIO, tuple[int, int]] | None:
    """The picture as a worksheet shows it: small, upright, 96 dots per inch."""
    try:
        with Image.open(path, formats=["JPEG"]) as image:
            image.draft("RGB", (_PHOTO_WIDTH, _PHOTO_WIDTH))
            image.thumbnail((_PHOTO_WIDTH, _PHOTO_WIDTH))
            stream = io.BytesIO()
            image.convert("RGB").save(stream, "JPEG", quality=80, dpi=(96, 96))
            return stream, image.size
    except (OSError, SyntaxError, ValueError):
        return None


def _lines(text: str, width: float) -> int:
    """About how many lines a text takes in a cell of so many characters' width (a Chinese one counts twice)."""
    return sum(
        max(1, -(-sum(2 if ord(c) > 255 else 1 for c in line) // max(1, int(width)))) for line in text.split("\n")
    )


def _pieces(prose: list[Any]) -> list[list[tuple[str, bool]]]:
    """Runs of a text, in pieces that a row can show; paragraphs are lines."""
    pieces: list[list[tuple[str, bool]]] = [[]]
    left = _PER_ROW
    for position, runs in enumerate(prose):
        line = [("\n", False)] if position and pieces[-1] else []
        for whole, marked in [*line, *((run["text"], run["marked"]) for run in runs)]:
            text = whole
            while text:
                if left <= 0:
                    pieces.append([])
                    left = _PER_ROW
                piece, text = text[:left], text[left:]
                pieces[-1].append((piece, marked))
                left -= len(piece) if piece != "\n" else 30
    return pieces
