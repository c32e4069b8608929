"""Workbooks and documents: whether a file is what it claims, without opening it for good.

Accepted: XLSX and DOCX (ZIP with the expected parts, bounded when unpacked), CSV and GeoJSON (text), PDF.
Synchronous; run it through `kit.decoding`.
"""

import codecs
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from wenming_api.kit.decoding import Defect, Rejected

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

WORKBOOK_TYPES = frozenset({XLSX, "text/csv", "application/geo+json"})
DOCUMENT_TYPES = frozenset({"application/pdf", DOCX})

_PARTS = {XLSX: "xl/workbook.xml", DOCX: "word/document.xml"}


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bytes after unpacking, files inside, and how many times larger than packed any of them may be."""

    unpacked: int = 512 * 1024 * 1024
    entries: int = 10_000
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """A file that is what it claims. `size` in bytes."""

    content_type: str
    size: int
    sha256: str


def check_document(source: Path, claimed_type: str, limits: DocumentLimits | None = None) -> DocumentResult:
    """Judge a workbook or document. Raises `Rejected`."""
    limits = limits or DocumentLimits()
    data = source.read_bytes()
    if claimed_type in _PARTS:
        _check_zip(source, _PARTS[claimed_type], limits)
    elif claimed_type == "application/pdf":
        if not data.startswith(b"%PDF-"):
            raise Rejected(Defect.TYPE_MISMATCH)
        if b"%%EOF" not in data[-2048:]:
            raise Rejected(Defect.TRUNCATED)
    elif claimed_type in WORKBOOK_TYPES:
        _check_text(data, json=claimed_type == "application/geo+json")
    else:
        raise Rejected(Defect.UNRECOGNISED, claimed_type)
    return DocumentResult(claimed_type, len(data), sha256(data).hexdigest())


def _check_zip(source: Path, part: str, limits: DocumentLimits) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        with source.open("rb") as raw:
            packed = raw.read(4) == b"PK\x03\x04"
        raise Rejected(Defect.BROKEN if packed else Defect.TYPE_MISMATCH) from error
    if len(entries) > limits.entries or sum(entry.file_size for entry in entries) > limits.unpacked:
        raise Rejected(Defect.EXPANDS_TOO_FAR)
    for entry in entries:
        if entry.file_size > 1024 * 1024 and entry.file_size > entry.compress_size * limits.ratio:
            raise Rejected(Defect.EXPANDS_TOO_FAR, entry.filename[:100])
    names = {entry.filename for entry in entries}
    if not {"[Content_Types].xml", part} <= names:
        raise Rejected(Defect.TYPE_MISMATCH)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise Rejected(Defect.POLYGLOT, "macros")


def _check_text(data: bytes, *, json: bool) -> None:
    if b"\x00" in data or not data.strip():
        raise Rejected(Defect.TYPE_MISMATCH)
    for encoding in ("utf-8",) if json else ("utf-8", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            decoder.decode(data, final=True)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Rejected(Defect.TYPE_MISMATCH, "encoding")
    start = data.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if json != (start == b"{"):
        raise Rejected(Defect.TYPE_MISMATCH)
