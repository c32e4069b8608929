"""Videos: MP4 with H.264, HEVC or AV1. What they are, a poster, and a copy without the camera's notes.

Synchronous; run it through `kit.decoding`.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import av
from PIL import Image

from wenming_api.kit.decoding import Defect, Rejected
from wenming_api.kit.likeness import perceptual_hash

VIDEO_TYPES = frozenset({"video/mp4"})

_CODECS = frozenset({"h264", "hevc", "av1"})
_BRANDS = (
    b"isom",
    b"iso2",
    b"iso3",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"MSNV",
    b"dash",
    b"av01",
)
_ISO6709 = re.compile(r"^([+-]\d{1,2}(?:\.\d+)?)([+-]\d{1,3}(?:\.\d+)?)")
_POSTER_AT = 1.0  # seconds; the first frame is often black


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Seconds of playing time, pixels of a frame, number of streams; sides of the pictures in pixels."""

    seconds: float = 600.0
    pixels: int = 3840 * 2160 * 2
    streams: int = 16
    smallest_side: int = 16
    poster_side: int = 1280
    thumbnail_side: int = 320


@dataclass(frozen=True, slots=True)
class VideoResult:
    """A video its decoder has accepted. `seconds` of playing time, sizes in pixels as seen; `copy` is the
    same pictures and sound without metadata, `poster` and `thumbnail` are JPEG; `phash` is the poster's.
    """

    content_type: str
    codec: str
    seconds: float
    width: int
    height: int
    size: int
    sha256: str
    phash: int
    taken_at: datetime | None
    longitude: float | None
    latitude: float | None
    copy: Path
    poster: Path
    thumbnail: Path


def process_video(source: Path, claimed_type: str, outputs: Path, limits: VideoLimits | None = None) -> VideoResult:
    """Judge the video in `source` and write its copy and pictures into the folder `outputs`. Raises
    `Rejected`.
    """
    limits = limits or VideoLimits()
    if claimed_type not in VIDEO_TYPES:
        raise Rejected(Defect.TYPE_MISMATCH, claimed_type)
    with source.open("rb") as raw:
        size = check_boxes(raw)
    try:
        # A named format and an open file: the library must never guess a playlist and go fetch what it names.
        with (
            source.open("rb") as raw,
            av.open(raw, format="mp4", mode="r", options={"enable_drefs": "0"}) as film,
        ):
            stream, seconds = _check(film, limits)
            frame = _poster(film, stream, seconds)
            taken_at, longitude, latitude = _notes(film, stream)
            codec = stream.codec_context.name
        copy = outputs / "copy.mp4"
        played = _without_notes(source, copy)
    except (Rejected, MemoryError):
        raise
    except Exception as error:
        raise Rejected(Defect.BROKEN, f"{type(error).__name__}: {error}"[:200]) from error
    if played < seconds * 0.8 - 1:
        raise Rejected(Defect.TRUNCATED, f"{played:.1f} of {seconds:.1f} s")
    width, height = frame.size
    frame.thumbnail((limits.poster_side, limits.poster_side), Image.Resampling.LANCZOS)
    frame.save(outputs / "poster.jpg", "JPEG", quality=80, optimize=True)
    frame.thumbnail((limits.thumbnail_side, limits.thumbnail_side), Image.Resampling.LANCZOS)
    frame.save(outputs / "thumbnail.jpg", "JPEG", quality=78, optimize=True)
    digest = sha256()
    with source.open("rb") as raw:
        while chunk := raw.read(1024 * 1024):
            digest.update(chunk)
    return VideoResult(
        content_type="video/mp4",
        codec=codec,
        seconds=round(seconds, 3),
        width=width,
        height=height,
        size=size,
        sha256=digest.hexdigest(),
        phash=perceptual_hash(frame),
        taken_at=taken_at,
        longitude=longitude,
        latitude=latitude,
        copy=copy,
        poster=outputs / "poster.jpg",
        thumbnail=outputs / "thumbnail.jpg",
    )


def check_boxes(raw: BinaryIO) -> int:
    """Walk the top-level boxes; return the size in bytes. A file that is not MP4, or ends inside a box, is
    `Rejected`.
    """
    size = raw.seek(0, 2)
    kinds: list[bytes] = []
    for kind, start, length in _boxes(raw, size):
        if not kinds and kind != b"ftyp":
            raise Rejected(Defect.UNRECOGNISED)
        if kind == b"ftyp":
            raw.seek(start + 8)
            brands = raw.read(min(length - 8, 256))
            if not any(brands[at : at + 4] in _BRANDS for at in range(0, len(brands), 4)):
                raise Rejected(Defect.UNRECOGNISED, "brand")
        if not kind.isascii() or not kind.strip().isalnum():
            raise Rejected(Defect.POLYGLOT, "trailer")
        if start + length > size:
            raise Rejected(Defect.TRUNCATED)
        kinds.append(kind)
        if len(kinds) > 100_000:
            raise Rejected(Defect.TOO_EXPENSIVE, "boxes")
    if not kinds:
        raise Rejected(Defect.UNRECOGNISED)
    if b"moov" not in kinds:
        raise Rejected(Defect.TRUNCATED, "no index")
    return size


def _boxes(raw: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    position = 0
    while position < size:
        raw.seek(position)
        head = raw.read(16)
        if len(head) < 8:
            yield head[4:8] or b"\x00", position, 8
            return
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - position
        if length < 8:
            yield b"\x00", position, 8
            return
        yield head[4:8], position, length
        position += length


def _check(film: Any, limits: VideoLimits) -> tuple[Any, float]:
    if len(film.streams) > limits.streams:
        raise Rejected(Defect.TOO_EXPENSIVE, "streams")
    if not film.streams.video:
        raise Rejected(Defect.TYPE_MISMATCH, "no pictures")
    stream = film.streams.video[0]
    if (
        stream.codec_context is None
        or stream.codec_context.name.removeprefix("lib").replace("dav1d", "av1") not in _CODECS
    ):
        raise Rejected(Defect.UNSUPPORTED_CODEC)
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.pixels:
        raise Rejected(Defect.TOO_MANY_PIXELS, f"{width}x{height}")
    if min(width, height) < limits.smallest_side:
        raise Rejected(Defect.TOO_SMALL, f"{width}x{height}")
    seconds = float(film.duration or 0) / 1_000_000
    if seconds <= 0:
        raise Rejected(Defect.BROKEN, "no playing time")
    if seconds > limits.seconds:
        raise Rejected(Defect.TOO_LONG, f"{seconds:.0f} s")
    return stream, seconds


def _poster(film: Any, stream: Any, seconds: float) -> Image.Image:
    """The picture at one second, or the first that decodes; upright."""
    stream.codec_context.thread_count = 1
    if seconds > _POSTER_AT * 2:
        with suppress(av.error.FFmpegError):
            film.seek(int(_POSTER_AT * 1_000_000))
    for frame in film.decode(stream):
        picture: Image.Image = frame.to_image()
        turned = -int(getattr(frame, "rotation", 0) or 0) % 360
        turns = {
            90: Image.Transpose.ROTATE_270,
            180: Image.Transpose.ROTATE_180,
            270: Image.Transpose.ROTATE_90,
        }
        return picture.transpose(turns[turned]) if turned in turns else picture
    raise Rejected(Defect.BROKEN, "no picture decodes")


def _notes(film: Any, stream: Any) -> tuple[datetime | None, float | None, float | None]:
    notes = {**stream.metadata, **film.metadata}
    taken_at = None
    for name in ("com.apple.quicktime.creationdate", "creation_time"):
        with suppress(ValueError, TypeError):
            parsed = datetime.fromisoformat(str(notes[name])) if name in notes else None
            if parsed is not None and parsed.year >= 1990:
                taken_at = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
                break
    for name in ("com.apple.quicktime.location.ISO6709", "location", "location-eng"):
        if found := _ISO6709.match(str(notes.get(name, ""))):
            latitude, longitude = float(found[1]), float(found[2])
            if abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude or longitude):
                return taken_at, longitude, latitude
    return taken_at, None, None


def _without_notes(source: Path, target: Path) -> float:
    """Copy pictures and sound, packet by packet, and nothing else; return the seconds of pictures that were
    there.
    """
    played = 0.0
    with (
        source.open("rb") as raw,
        av.open(raw, format="mp4", mode="r", options={"enable_drefs": "0"}) as film,
        av.open(str(target), mode="w", format="mp4", options={"movflags": "+faststart"}) as copy,
    ):
        wanted = [film.streams.video[0], *film.streams.audio[:1]]
        outputs = {}
        for stream in wanted:
            with suppress(ValueError, av.error.FFmpegError):
                outputs[stream.index] = copy.add_stream_from_template(stream)
        if wanted[0].index not in outputs:
            raise Rejected(Defect.UNSUPPORTED_CODEC)
        for output in outputs.values():
            output.metadata.clear()
        for packet in film.demux([stream for stream in wanted if stream.index in outputs]):
            if packet.dts is None:
                continue
            index = packet.stream.index
            if index == wanted[0].index and packet.pts is not None and packet.time_base is not None:
                played = max(played, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            packet.stream = outputs[index]
            copy.mux(packet)
    return played
