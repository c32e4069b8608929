"""Videos, workbooks and documents: what is accepted and what is told."""

import io
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest
import xlsxwriter
from PIL import Image
from tests.factories import media

from wenming_api.kit.decoding import Defect, Rejected
from wenming_api.kit.documents import DOCX, XLSX, DocumentLimits, check_document
from wenming_api.kit.videos import VideoLimits, process_video


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_video_gives_a_poster_its_length_and_a_copy(codec: str, tmp_path: Path) -> None:
    data = media.video(3.0, codec=codec)
    found = process_video(media.written(tmp_path, data), "video/mp4", tmp_path)
    assert found.codec == {"libx264": "h264", "libx265": "hevc"}[codec]
    assert found.seconds == pytest.approx(3.0, abs=0.15)
    assert (found.width, found.height, found.size) == (320, 240, len(data))
    assert found.taken_at == datetime(2026, 5, 4, 1, 30, 15, tzinfo=UTC)
    assert (found.longitude, found.latitude) == (118.0549, 36.8135)
    for path in (found.poster, found.thumbnail):
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("JPEG", (320, 240))


def test_the_copy_of_a_video_plays_and_tells_nothing(tmp_path: Path) -> None:
    data = media.video(2.0)
    assert b"loci" in data
    found = process_video(media.written(tmp_path, data), "video/mp4", tmp_path)
    stored = found.copy.read_bytes()
    assert b"loci" not in stored
    with av.open(str(found.copy)) as film:
        assert not {"location", "location-eng", "creation_time"} & film.metadata.keys()
        assert sum(1 for _ in film.decode(video=0)) == 20
    with av.open(str(found.copy)) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio"]


def test_a_silent_video_without_place(tmp_path: Path) -> None:
    data = media.video(1.0, sound=False, place=None)
    found = process_video(media.written(tmp_path, data), "video/mp4", tmp_path)
    assert (found.longitude, found.latitude) == (None, None)


@pytest.mark.parametrize(
    ("limits", "defect"),
    [
        (VideoLimits(seconds=1), Defect.TOO_LONG),
        (VideoLimits(pixels=1000), Defect.TOO_MANY_PIXELS),
        (VideoLimits(smallest_side=500), Defect.TOO_SMALL),
        (VideoLimits(streams=1), Defect.TOO_EXPENSIVE),
    ],
)
def test_limits_of_videos(limits: VideoLimits, defect: Defect, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        process_video(media.written(tmp_path, media.video()), "video/mp4", tmp_path, limits)
    assert caught.value.defect is defect


def test_another_codec_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        process_video(media.written(tmp_path, media.video(codec="mpeg4")), "video/mp4", tmp_path)
    assert caught.value.defect is Defect.UNSUPPORTED_CODEC


VIDEOS = {name: case for name, case in media.hostile().items() if case[0].startswith("video/")}


@pytest.mark.parametrize("name", VIDEOS)
def test_hostile_videos_are_rejected(name: str, tmp_path: Path) -> None:
    claimed, data = VIDEOS[name]
    with pytest.raises(Rejected) as caught:
        process_video(media.written(tmp_path, data), claimed, tmp_path)
    assert caught.value.defect in {Defect.TRUNCATED, Defect.UNRECOGNISED, Defect.POLYGLOT, Defect.BROKEN}


def test_a_video_cut_at_any_place_is_rejected(tmp_path: Path) -> None:
    data = media.video()
    for cut in range(0, len(data) - 1, 97):
        with pytest.raises(Rejected):
            process_video(media.written(tmp_path, data[:cut]), "video/mp4", tmp_path)


def workbook() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        book.add_worksheet("点位").write(0, 0, "编码")
    return target.getvalue()


def test_true_documents_are_accepted(tmp_path: Path) -> None:
    docx = media.archive(**{"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"})
    for claimed, data in {
        XLSX: workbook(),
        DOCX: docx,
        "text/csv": "编码,名称\n1,水晶街\n".encode("gb18030"),
        "application/geo+json": b'\xef\xbb\xbf {"type": "FeatureCollection", "features": []}',
        "application/pdf": b"%PDF-1.7\n1 0 obj\nendobj\n%%EOF\n",
    }.items():
        found = check_document(media.written(tmp_path, data), claimed)
        assert (found.content_type, found.size) == (claimed, len(data))


@pytest.mark.parametrize(
    ("claimed", "data", "defect"),
    [
        (XLSX, media.archive(), Defect.TYPE_MISMATCH),
        (XLSX, b"PK\x03\x04" + bytes(100), Defect.BROKEN),
        (XLSX, b"not a zip", Defect.TYPE_MISMATCH),
        (
            XLSX,
            media.archive(**{"[Content_Types].xml": b"", "xl/workbook.xml": b"", "xl/vbaProject.bin": b"x"}),
            Defect.POLYGLOT,
        ),
        ("text/csv", b"a,b\x00c", Defect.TYPE_MISMATCH),
        ("text/csv", b"\xff\xff\xff", Defect.TYPE_MISMATCH),
        ("text/csv", b"  \n", Defect.TYPE_MISMATCH),
        ("text/csv", b'{"type": 1}', Defect.TYPE_MISMATCH),
        ("application/geo+json", b"a,b\n1,2", Defect.TYPE_MISMATCH),
        ("application/pdf", b"%PDF-1.7 cut", Defect.TRUNCATED),
        ("application/pdf", b"<html>", Defect.TYPE_MISMATCH),
        ("application/x-sh", b"#!/bin/sh", Defect.UNRECOGNISED),
    ],
)
def test_false_documents_are_rejected(claimed: str, data: bytes, defect: Defect, tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        check_document(media.written(tmp_path, data), claimed)
    assert caught.value.defect is defect


def test_an_archive_that_expands_too_far_is_rejected(tmp_path: Path) -> None:
    parts = {"[Content_Types].xml": b"<a/>", "xl/workbook.xml": bytes(5_000_000)}
    for limits in (DocumentLimits(), DocumentLimits(ratio=10**9, unpacked=1_000_000), DocumentLimits(entries=1)):
        with pytest.raises(Rejected) as caught:
            check_document(media.written(tmp_path, media.archive(**parts)), XLSX, limits)
        assert caught.value.defect is Defect.EXPANDS_TOO_FAR
