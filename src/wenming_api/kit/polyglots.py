"""Files that are two things at once: a photo for one reader and a page, archive or program for another.

Phones do append data to their photos (motion photos, depth maps, maker's trailers), so a trailer by itself is
fine; a trailer that another program would run or unpack is not.
"""

import re

from wenming_api.kit.decoding import Defect, Rejected

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_ACTIVE = re.compile(rb"<\s*(?:!doctype|html|script|svg|iframe|body|\?php)|#!\s*/", re.IGNORECASE)
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"PK\x03\x04",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"%PDF-",
    b"\xca\xfe\xba\xbe",
)
_ZIP_END = b"PK\x05\x06"
_PDF_READERS_LOOK = 1024


def check_polyglot(data: bytes, format_name: str) -> None:
    """Raise `Rejected` when a photo also reads as an archive, document, page or program."""
    if b"%PDF-" in data[:_PDF_READERS_LOOK]:
        raise Rejected(Defect.POLYGLOT, "pdf")
    tail = data[end_of_picture(data, format_name) :]
    if any(tail.startswith(magic) for magic in _PROGRAMS) or _ACTIVE.search(tail[:4096]):
        raise Rejected(Defect.POLYGLOT, "trailer")
    at = data.rfind(_ZIP_END, max(0, len(data) - 65_557))
    if at >= 0 and at + 22 + int.from_bytes(data[at + 20 : at + 22], "little") == len(data):
        raise Rejected(Defect.POLYGLOT, "zip")


def end_of_picture(data: bytes, format_name: str) -> int:
    """Where the first picture of the file ends, in bytes; the length of the data when its structure does not
    say.
    """
    ends = {"JPEG": _end_of_jpeg, "PNG": _end_of_png, "WEBP": _end_of_webp, "HEIF": end_of_boxes}
    return min(ends[format_name](data), len(data))


def _end_of_jpeg(data: bytes) -> int:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == 0xD9:
            return position + 2
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:
            found = _MARKER.search(data, position)
            if found is None:
                return len(data)
            position = found.start()
    return position + 2 if data[position : position + 2] == b"\xff\xd9" else len(data)


def _end_of_png(data: bytes) -> int:
    position = 8
    while position + 8 <= len(data):
        kind = data[position + 4 : position + 8]
        position += 12 + int.from_bytes(data[position : position + 4], "big")
        if kind == b"IEND":
            return position
    return len(data)


def _end_of_webp(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


def end_of_boxes(data: bytes) -> int:
    """End of the last whole box of an ISO base media file (HEIC, MP4) whose name is made of letters."""
    position = 0
    while position + 8 <= len(data):
        size, kind = int.from_bytes(data[position : position + 4], "big"), data[position + 4 : position + 8]
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        if size == 0 or not kind.isalnum():
            return len(data) if size == 0 and kind.isalnum() else position
        if size < 8 or position + size > len(data):
            return position
        position += size
    return position
