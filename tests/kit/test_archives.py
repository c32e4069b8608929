"""Archives: readable by others, the same bytes every time, continued after any part, names that do no harm."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wenming_api.kit.archives import (
    LONGEST_NAME,
    ArchiveWriter,
    Entry,
    central_record,
    end_records,
    facts_of,
    local_header,
    member_name,
    name_key,
    safe_component,
)


class Kept:
    """Parts as an object store would keep them; says no after so many."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.parts: dict[int, bytes] = {}
        self.fails_at = fails_at

    async def __call__(self, number: int, data: bytes) -> None:
        if number == self.fails_at:
            raise ConnectionError
        self.parts[number] = data

    @property
    def data(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))


async def written(members: dict[str, bytes], send: Kept, part_size: int) -> None:
    writer = ArchiveWriter(send=send, part_size=part_size)
    entries = [await writer.add(name, data, facts_of(data)) for name, data in members.items()]
    assert await writer.finish(entries) == writer.offset


async def test_others_read_it(tmp_path: Path) -> None:
    path = tmp_path / "大图.jpg"
    path.write_bytes(b"x" * 3_000_000)
    kept = Kept()
    writer = ArchiveWriter(send=kept, part_size=1_000_000)
    entries = [
        await writer.add("台账/照片 1.jpg", path, facts_of(path)),
        await writer.add("台账/空.txt", b"", facts_of(b"")),
    ]
    await writer.finish(entries)
    with zipfile.ZipFile(io.BytesIO(kept.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["台账/照片 1.jpg", "台账/空.txt"]
        assert archive.read("台账/照片 1.jpg") == path.read_bytes()
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert [len(part) for part in kept.parts.values()][:3] == [1_000_000] * 3


MEMBERS = st.dictionaries(st.text("甲乙ab", min_size=1, max_size=6), st.binary(max_size=300), max_size=8)


@given(MEMBERS, st.integers(1, 200), st.data())
@settings(max_examples=150)
async def test_continued_after_any_part_it_is_the_same(
    members: dict[str, bytes], part_size: int, data: st.DataObject
) -> None:
    whole = Kept()
    await written(members, whole, part_size)
    stop = data.draw(st.integers(1, len(whole.parts)))
    broken = Kept(fails_at=stop)
    with pytest.raises(ConnectionError):
        await written(members, broken, part_size)
    assert len(broken.parts) == stop - 1

    skip, entries, at = (stop - 1) * part_size, [], 0
    left = list(members.items())
    while left:
        entry = Entry(left[0][0], len(left[0][1]), facts_of(left[0][1]).crc, at)
        if entry.end > skip:
            break
        entries.append(entry)
        left, at = left[1:], entry.end
    broken.fails_at = None
    writer = ArchiveWriter(send=broken, part_size=part_size, at=at, skip=skip)
    for name, content in left:
        entries.append(await writer.add(name, content, facts_of(content)))
    await writer.finish(entries)
    assert broken.data == whole.data


def test_beyond_four_gibibytes_and_65535_members() -> None:
    large = 5 * 1024**3
    assert len(local_header("a", large, 1)) == 30 + 1 + 20
    assert len(local_header("a", 5, 1)) == 31
    assert central_record(Entry("a", large, 1, large)).endswith(b"".join(large.to_bytes(8, "little") for _ in range(3)))
    assert end_records(count=70_000, size=1, offset=1).startswith(b"PK\6\6")
    assert end_records(count=7, size=1, offset=1).startswith(b"PK\5\6")
    small = [Entry(str(no), 0, 0, 0) for no in range(70_000)]
    directory = b"".join(map(central_record, small))
    archive = local_header("0", 0, 0) + directory
    archive += end_records(count=len(small), size=len(directory), offset=31)
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert len(found.namelist()) == 70_000


async def test_a_changed_source_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    facts = facts_of(path)
    path.write_bytes(b"123456")
    with pytest.raises(ValueError, match="changed"):
        await ArchiveWriter(send=Kept(), part_size=100).add("a", path, facts)


def test_only_whole_parts_are_continued() -> None:
    with pytest.raises(ValueError):
        ArchiveWriter(send=Kept(), part_size=10, at=0, skip=15)
    with pytest.raises(ValueError):
        ArchiveWriter(send=Kept(), part_size=10, at=11, skip=10)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\x00b", "ab"),
        ("CON", "_CON"),
        ("com1.txt", "_com1.txt"),
        ("尾点. ", "尾点"),
        ("", "未命名"),
        ("..", "未命名"),
        ("C:\\x", "C__x"),
        ("图\u202egpj.exe", "图gpj.exe"),
        ("两\n行", "两行"),
        ("\ud800坏", "坏"),
    ],
)
def test_hostile_names(text: str, safe: str) -> None:
    assert safe_component(text) == safe


@given(st.text(max_size=400))
@settings(max_examples=300)
def test_any_name_becomes_one_component(text: str) -> None:
    name = safe_component(text)
    assert 0 < len(name.encode()) <= LONGEST_NAME + 1
    assert not set(name) & set('<>:"/\\|?*\x00')
    assert name.strip(". ") == name
    assert safe_component(name) == name


def test_long_names_keep_their_ending() -> None:
    name = safe_component("长" * 200 + ".docx")
    assert name.endswith("长.docx")
    assert len(name.encode()) <= LONGEST_NAME
    assert member_name("a/b", "..") == "a_b/未命名"
    assert name_key("A.JPG") == name_key("a.jpg")
