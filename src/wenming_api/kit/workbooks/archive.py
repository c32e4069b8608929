"""An XLSX file is a zip of XML: look through it before any library trusts it.

``inspect`` inflates each member itself within the limits, reads the XML for its extent, and hands on a
*rebuilt* archive that holds exactly the bytes that were looked at. Zip tricks (wrong sizes, doubled names,
hidden data) and cells placed at the far corner of the sheet (which make a reader allocate the whole grid)
end here.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from wenming_api.kit.workbooks.problems import WorkbookEncrypted, WorkbookProblem, WorkbookTooLarge
from wenming_api.kit.workbooks.tables import Limits

_CHUNK = 1 << 20
_BROKEN_ZIP = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError, zlib.error)
_REFERENCE = re.compile(r"([A-Za-z]{1,7})([0-9]{1,9})")
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"


@dataclass(slots=True)
class SheetExtent:
    """How far the cells of one sheet reach (1-based), and which cells are formulas as (row, column)."""

    rows: int = 0
    columns: int = 0
    formulas: set[tuple[int, int]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Archive:
    """A workbook's rebuilt zip and the extent of every sheet by its name."""

    data: bytes
    sheets: dict[str, SheetExtent]


def is_ole(data: bytes) -> bool:
    """Whether the file is an OLE container: an encrypted workbook or the old .xls."""
    return data.startswith(_OLE_MAGIC)


def is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def inspect(data: bytes, limits: Limits) -> Archive:
    """Check a zip file within ``limits`` and rebuild it; raises a :class:`WorkbookProblem`."""
    try:
        members = _inflate(data, limits)
    except _BROKEN_ZIP as error:
        raise WorkbookProblem("文件已损坏，不是有效的 XLSX 工作簿") from error
    except (ValueError, RuntimeError) as error:
        raise WorkbookProblem("文件结构异常，不是有效的 XLSX 工作簿") from error
    extents: dict[str, SheetExtent] = {}
    sheet_parts: list[tuple[str, str]] = []
    relations: dict[str, str] = {}
    rebuilt = io.BytesIO()
    with zipfile.ZipFile(rebuilt, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            part = _XmlPart(name, limits)
            if not part.read(content):
                continue  # pictures, printer settings, macros: nothing a table needs
            extents[name] = part.extent
            if name == "xl/workbook.xml":
                sheet_parts = part.sheets
            elif name == "xl/_rels/workbook.xml.rels":
                relations = part.relations
            archive.writestr(name, content)
    if not sheet_parts:
        raise WorkbookProblem("文件不是 XLSX 工作簿，或其中没有工作表")
    sheets = {
        sheet: extents[target]
        for sheet, relation in sheet_parts
        if (target := _resolve(relations.get(relation, ""))) in extents
    }
    return Archive(rebuilt.getvalue(), sheets)


def _inflate(data: bytes, limits: Limits) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    left = limits.uncompressed_bytes
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > limits.members:
            raise WorkbookTooLarge(f"文件内部条目超过 {limits.members} 个")
        for entry in entries:
            if entry.flag_bits & 1:
                raise WorkbookEncrypted("工作簿已加密，请取消密码后重新上传")
            if entry.filename in members:
                raise WorkbookProblem("文件结构异常：内部条目重复")
            content = b"".join(_bounded_chunks(archive, entry, left))
            left -= len(content)
            members[entry.filename] = content
    return members


def _bounded_chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise WorkbookTooLarge("文件解压后过大，疑似压缩炸弹")
            yield chunk


def _resolve(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


class _XmlPart:
    """Reads one member: the extent of its cells, its sheets, its relations."""

    def __init__(self, name: str, limits: Limits) -> None:
        self._name = name
        self._limits = limits
        self.extent = SheetExtent()
        self.sheets: list[tuple[str, str]] = []
        self.relations: dict[str, str] = {}
        self._row = 0
        self._column = 0

    def read(self, content: bytes) -> bool:
        """Whether the member is XML; raises when it is beyond the limits or uses a document type."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            if self.extent.rows or b"sheetData" in content:
                raise WorkbookProblem("工作表内容已损坏") from error
            return False
        return True

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(" ")[2]
        if tag == "c":
            self._cell(attributes.get("r"))
        elif tag == "f":
            self.extent.formulas.add((self._row, self._column))
        elif tag == "row":
            position = attributes.get("r", "")
            self._row = int(position) if position.isdecimal() and len(position) < 10 else self._row + 1
            self._column = 0
            self._grow()
        elif tag == "sheet":
            relation = next((v for k, v in attributes.items() if k.rpartition(" ")[2] == "id"), "")
            self.sheets.append((attributes.get("name", ""), relation))
        elif tag == "Relationship":
            self.relations[attributes.get("Id", "")] = attributes.get("Target", "")

    def _cell(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
        else:
            found = _REFERENCE.fullmatch(reference)
            if found is None:
                raise WorkbookProblem("工作表内容已损坏：单元格位置无效")
            self._row = int(found[2])
            self._column = _column_number(found[1])
        self._grow()

    def _grow(self) -> None:
        extent = self.extent
        extent.rows = max(extent.rows, self._row)
        extent.columns = max(extent.columns, self._column)
        # One more row than the limit for the header.
        if extent.rows > self._limits.rows + 1:
            raise WorkbookTooLarge(f"行数超过 {self._limits.rows} 行")
        if extent.columns > self._limits.columns:
            raise WorkbookTooLarge(f"列数超过 {self._limits.columns} 列")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _refuse_doctype(*_: object) -> None:
    raise WorkbookProblem("文件结构异常：不允许文档类型声明")
