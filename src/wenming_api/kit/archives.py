"""ZIP archives written as a stream, in parts, with bounded memory, so that an interrupted one is continued.

Members are stored, not compressed: photos and documents are compressed already, and the bytes then depend on nothing
but names and contents. Times are fixed, names are UTF-8, sizes stand in the local headers (no data descriptors), ZIP64
is used where it must be. The same members in the same order give the same bytes on every machine.

What is written is a function of the members alone. So an archive of which the first `skip` bytes are kept goes on from
the member that these bytes end in: it is written again from its beginning, and what is kept already falls away.

    writer = ArchiveWriter(send=upload_part, part_size=8 * MEBIBYTE)
    entry = await writer.add(name, source, facts_of(source))
    await writer.finish(entries)
"""

import asyncio
import re
import struct
import unicodedata
import zlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_CHUNK = 1 << 20
_FOUR_GIB = 0xFFFFFFFF
_MANY = 0xFFFF
_UTF8 = 0x0800
_DATE = (1980 - 1980) << 9 | 1 << 5 | 1
"""1 January 1980, the first day that a ZIP can name, in the format of MS-DOS."""
_FILE_MODE = 0o100644 << 16
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR_64 = struct.Struct("<4sIQI")

LONGEST_NAME = 180
"""Bytes of UTF-8 in one component of a name: leaves room for what unpackers add."""

_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$")
_FORBIDDEN = set('<>:"/\\|?*')


class NameTaken(ValueError):
    """Two members of one archive would have the same name for somebody (letter case and form of letters ignored)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a member's content: bytes, CRC-32, SHA-256 in hexadecimal."""

    size: int
    crc: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as the central directory names it; `offset` is where its local header begins."""

    name: str
    size: int
    crc: int
    offset: int

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + len(local_header(self.name, self.size, self.crc)) + self.size


def safe_component(text: str, *, fallback: str = "未命名") -> str:
    """Text as one component of a member's name that no system takes for anything else.

    Separators, control characters, marks that turn the direction of writing, names that Windows reserves, leading and
    trailing dots and blanks are gone; a long name keeps its ending.
    """
    kept = "".join(
        "_" if letter in _FORBIDDEN else letter
        for letter in unicodedata.normalize("NFC", text)
        if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )
    kept = " ".join(kept.split()).strip(". ")
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    if len(kept.encode()) > LONGEST_NAME:
        stem, dot, ending = kept.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending.encode()) <= 12 else ""
        stem = stem if ending else kept
        stem = stem.encode()[: LONGEST_NAME - len(ending.encode())].decode(errors="ignore")
        kept = stem.rstrip(". ") + ending
    return kept or fallback


def member_name(*components: str) -> str:
    """A member's name of components, each made safe."""
    return "/".join(safe_component(component) for component in components)


def name_key(name: str) -> str:
    """Two members of the same key are one file for some unpackers."""
    return unicodedata.normalize("NFKC", name).casefold()


def facts_of(source: Path | bytes) -> Facts:
    """Size and checksums. Blocking."""
    if isinstance(source, bytes):
        return Facts(len(source), zlib.crc32(source), sha256(source).hexdigest())
    size, crc, digest = 0, 0, sha256()
    with source.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
            digest.update(chunk)
    return Facts(size, crc, digest.hexdigest())


def local_header(name: str, size: int, crc: int) -> bytes:
    """What stands before a member's content."""
    raw = name.encode()
    extra = struct.pack("<HHQQ", 1, 16, size, size) if size >= _FOUR_GIB else b""
    shown = _FOUR_GIB if extra else size
    version = 45 if extra else 20
    head = _LOCAL.pack(b"PK\3\4", version, _UTF8, 0, 0, _DATE, crc, shown, shown, len(raw), len(extra))
    return head + raw + extra


def central_record(entry: Entry) -> bytes:
    """A member's line in the directory at the end."""
    raw = entry.name.encode()
    large = [value for value in (entry.size, entry.size, entry.offset) if value >= _FOUR_GIB]
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = 45 if extra else 20
    size, offset = min(entry.size, _FOUR_GIB), min(entry.offset, _FOUR_GIB)
    return (
        _CENTRAL.pack(
            *(b"PK\1\2", 3 << 8 | version, version, _UTF8, 0, 0, _DATE, entry.crc),
            *(size, size, len(raw), len(extra), 0, 0, 0, _FILE_MODE, offset),
        )
        + raw
        + extra
    )


def end_records(*, count: int, size: int, offset: int) -> bytes:
    """What closes an archive whose directory of `count` lines takes `size` bytes from `offset` on."""
    ended = b""
    if count >= _MANY or size >= _FOUR_GIB or offset >= _FOUR_GIB:
        ended += _END_64.pack(b"PK\6\6", 44, 3 << 8 | 45, 45, 0, 0, count, count, size, offset)
        ended += _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1)
    shown = min(count, _MANY)
    return ended + _END.pack(b"PK\5\6", 0, 0, shown, shown, min(size, _FOUR_GIB), min(offset, _FOUR_GIB), 0)


Send = Callable[[int, bytes], Awaitable[None]]
"""Takes part number (from 1) and its bytes; all parts but the last have the same size."""


class ArchiveWriter:
    """Writes members one after the other and sends the archive off in parts; holds one part and one chunk in memory.

    To continue, give `at`: the offset of the member to be written next, and `skip`: how many bytes of the archive are
    kept already, a multiple of `part_size`, not before `at` unless they are equal.
    """

    def __init__(self, *, send: Send, part_size: int, at: int = 0, skip: int = 0) -> None:
        if skip % part_size or at > skip:
            raise ValueError("an archive is continued from a member that begins within whole parts")
        self._send = send
        self._part_size = part_size
        self._skip = skip
        self._part = skip // part_size + 1
        self._buffer = bytearray()
        self.offset = at
        """Bytes of the archive made so far, whether sent or waiting."""

    async def add(self, name: str, source: Path | bytes, facts: Facts) -> Entry:
        """Write a member whose facts are known. Raises `ValueError` when its content is not what the facts say."""
        entry = Entry(name, facts.size, facts.crc, self.offset)
        await self._write(local_header(name, facts.size, facts.crc))
        if isinstance(source, bytes):
            await self._write(source)
        else:
            with source.open("rb") as stream:
                while chunk := await asyncio.to_thread(stream.read, _CHUNK):
                    await self._write(chunk)
        if self.offset != entry.end:
            raise ValueError(f"{name} changed while it was written")
        return entry

    async def finish(self, entries: Iterable[Entry]) -> int:
        """Write the directory and send what is left; return the archive's size in bytes."""
        began, count = self.offset, 0
        for entry in entries:
            await self._write(central_record(entry))
            count += 1
        await self._write(end_records(count=count, size=self.offset - began, offset=began))
        if self._buffer:
            await self._send_part(len(self._buffer))
        return self.offset

    async def _write(self, data: bytes) -> None:
        known = min(max(self._skip - self.offset, 0), len(data))
        self.offset += len(data)
        self._buffer += memoryview(data)[known:]
        while len(self._buffer) >= self._part_size:
            await self._send_part(self._part_size)

    async def _send_part(self, size: int) -> None:
        part = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        number, self._part = self._part, self._part + 1
        await self._send(number, part)
