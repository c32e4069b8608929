"""Photos, videos and hostile files, generated: nothing binary lies in the repository."""

import io
import random
import struct
import zipfile
import zlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import av
import pillow_heif
from PIL import ExifTags, Image, ImageDraw

pillow_heif.register_heif_opener()


def picture(seed: int = 1, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """A picture with large shapes, different for each seed and the same for the same seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        w, h = chance.randrange(size[0] // 8, size[0] // 2), chance.randrange(size[1] // 8, size[1] // 2)
        draw.ellipse((x - w, y - h, x + w, y + h), fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


def exif(
    *,
    taken: datetime | None = datetime(2026, 5, 4, 9, 30, 15),  # noqa: DTZ001 - cameras know no zone
    offset: str | None = "+08:00",
    place: tuple[float, float] | None = (118.0549, 36.8135),
    orientation: int = 1,
    extra: dict[int, Any] | None = None,
) -> Image.Exif:
    """EXIF as a phone writes it; `place` is (longitude, latitude) in degrees."""
    block = Image.Exif()
    block[ExifTags.Base.Orientation] = orientation
    block[ExifTags.Base.Make] = "Wenming"
    block[ExifTags.Base.Model] = "Phone 1"
    details = block.get_ifd(ExifTags.IFD.Exif)
    if taken:
        details[ExifTags.Base.DateTimeOriginal] = taken.strftime("%Y:%m:%d %H:%M:%S")
    if offset:
        details[ExifTags.Base.OffsetTimeOriginal] = offset
    if place:
        gps = block.get_ifd(ExifTags.IFD.GPSInfo)
        longitude, latitude = place
        gps[ExifTags.GPS.GPSLongitudeRef] = "E" if longitude >= 0 else "W"
        gps[ExifTags.GPS.GPSLatitudeRef] = "N" if latitude >= 0 else "S"
        gps[ExifTags.GPS.GPSLongitude] = _sexagesimal(abs(longitude))
        gps[ExifTags.GPS.GPSLatitude] = _sexagesimal(abs(latitude))
    for tag, value in (extra or {}).items():
        block[tag] = value
    return block


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    return float(whole), float(minutes), round((degrees - whole - minutes / 60) * 3600, 5)


def photo(
    kind: str = "JPEG",
    *,
    seed: int = 1,
    size: tuple[int, int] = (640, 480),
    meta: Image.Exif | None = None,
    **save: Any,
) -> bytes:
    """A photo file: kind is JPEG, PNG, WEBP or HEIF."""
    target = io.BytesIO()
    picture(seed, size).save(target, kind, exif=(exif() if meta is None else meta).tobytes(), **save)
    return target.getvalue()


@cache
def video(
    seconds: float = 2.0,
    *,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    place: str | None = "+36.8135+118.0549/",
    sound: bool = True,
    seed: int = 1,
) -> bytes:
    """An MP4 of moving shapes, ten frames a second."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as film:
        film.metadata["creation_time"] = "2026-05-04T01:30:15Z"
        if place:
            film.metadata["location"] = place
        stream: Any = film.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        voice: Any = film.add_stream("aac", rate=16000) if sound else None
        base = picture(seed, size)
        for number in range(int(seconds * 10)):
            frame = base.copy()
            ImageDraw.Draw(frame).rectangle((number * 5, 10, number * 5 + 30, 40), fill="red")
            for packet in stream.encode(av.VideoFrame.from_image(frame)):
                film.mux(packet)
        if voice is not None:
            silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            silence.sample_rate = 16000
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            for number in range(int(seconds * 16000 / 1024)):
                silence.pts = number * 1024
                for packet in voice.encode(silence):
                    film.mux(packet)
            for packet in voice.encode(None):
                film.mux(packet)
        for packet in stream.encode(None):
            film.mux(packet)
    return target.getvalue()


def png_bomb(side: int = 30_000) -> bytes:
    """A PNG of side × side black pixels in well under a megabyte."""
    row = b"\x00" * (1 + side // 8)
    deflater = zlib.compressobj(9)
    body = b"".join([*(deflater.compress(row) for _ in range(side)), deflater.flush()])

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def archive(**members: bytes) -> bytes:
    """A ZIP with these members."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in (members or {"note.txt": b"hello"}).items():
            file.writestr(name, data)
    return target.getvalue()


def animation(kind: str = "PNG") -> bytes:
    """Three pictures in one PNG or WEBP."""
    target = io.BytesIO()
    frames = [picture(seed, (64, 64)) for seed in (1, 2, 3)]
    frames[0].save(target, kind, save_all=True, append_images=frames[1:], duration=100)
    return target.getvalue()


def hostile() -> dict[str, tuple[str, bytes]]:
    """Files that are not what they claim: what it is → (claimed content type, bytes)."""
    jpeg, heic, film = photo(), photo("HEIF"), video()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    playlist = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nhttp://127.0.0.1:9/steal\n#EXT-X-ENDLIST\n"
    return {
        "truncated JPEG": ("image/jpeg", jpeg[: len(jpeg) // 2]),
        "PNG bomb": ("image/png", png_bomb()),
        "JPEG and ZIP": ("image/jpeg", jpeg + archive()),
        "JPEG and page": ("image/jpeg", jpeg + b"<html><script>alert(1)</script></html>"),
        "JPEG and program": ("image/jpeg", jpeg + b"MZ\x90\x00" + bytes(200)),
        "SVG named .jpg": ("image/jpeg", svg),
        "page": ("image/png", b"<!doctype html><script>alert(1)</script>"),
        "archive": ("image/jpeg", archive()),
        "broken HEIC": ("image/heic", heic[:200] + bytes(len(heic) - 200)),
        "truncated HEIC": ("image/heic", heic[: len(heic) * 2 // 3]),
        "animated PNG": ("image/png", animation("PNG")),
        "animated WebP": ("image/webp", animation("WEBP")),
        "PNG called JPEG": ("image/jpeg", photo("PNG")),
        "JPEG called HEIC": ("image/heic", jpeg),
        "noise": ("image/jpeg", random.Random(7).randbytes(5000)),
        "JPEG start and noise": ("image/jpeg", b"\xff\xd8\xff\xe0" + random.Random(8).randbytes(5000)),
        "one pixel": ("image/png", tiny()),
        "truncated MP4": ("video/mp4", film[: len(film) // 2]),
        "playlist called MP4": ("video/mp4", playlist),
        "photo called MP4": ("video/mp4", jpeg),
        "HEIC called MP4": ("video/mp4", heic),
        "MP4 start and noise": ("video/mp4", film[:40] + random.Random(9).randbytes(5000)),
        "archive called XLSX": (XLSX, archive()),
        "bomb called XLSX": (XLSX, archive(**{"[Content_Types].xml": b"<a/>", "xl/workbook.xml": bytes(50_000_000)})),
        "page called PDF": ("application/pdf", b"<html></html>"),
    }


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def tiny() -> bytes:
    """A PNG of one pixel: nobody's evidence."""
    target = io.BytesIO()
    Image.new("RGB", (1, 1)).save(target, "PNG")
    return target.getvalue()


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    """The bytes as a file."""
    path = folder / name
    path.write_bytes(data)
    return path
