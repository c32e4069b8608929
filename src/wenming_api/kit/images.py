"""Photos: what they are, when and where they were taken, and copies fit to be shown.

Synchronous and memory-hungry; run it through `kit.decoding`. JPEG, PNG, WebP and HEIC are accepted, each only
when its own decoder has read it to the end.
"""

import io
import math
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from wenming_api.kit.decoding import Defect, Rejected
from wenming_api.kit.likeness import perceptual_hash
from wenming_api.kit.polyglots import check_polyglot

pillow_heif.register_heif_opener(thumbnails=False)

FORMATS: dict[str, frozenset[str]] = {
    "JPEG": frozenset({"image/jpeg"}),
    "PNG": frozenset({"image/png"}),
    "WEBP": frozenset({"image/webp"}),
    "HEIF": frozenset({"image/heic", "image/heif"}),
}
"""Decoder's name of a format → content types that may be claimed for it."""

MAX_EXIF = 1024 * 1024
"""Bytes. Real EXIF is far smaller; a larger block is not read (the photo itself may be fine)."""

_SEQUENCE_BRANDS = frozenset({b"msf1", b"hevc", b"hevx", b"avcs", b"avis"})
_BY_BYTES = ((b"\xff\xd8\xff", 0), (b"\x89PNG\r\n\x1a\n", 0), (b"WEBP", 8), (b"ftyphei", 4), (b"ftypmif1", 4))
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """`pixels`: width × height at most (a pixel bomb has more). The others: sides in pixels, of each copy the
    long one.
    """

    pixels: int = 120_000_000
    side: int = 32_000
    smallest_side: int = 16
    copy_side: int = 1920
    preview_side: int = 1280
    thumbnail_side: int = 320


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """What a camera wrote. `taken_local` is the camera's own clock without zone; `offset_minutes` its
    distance from UTC if it says so. Degrees are WGS-84.
    """

    taken_local: datetime | None = None
    offset_minutes: int | None = None
    longitude: float | None = None
    latitude: float | None = None
    camera: str | None = None

    def taken_at(self, assumed_offset_minutes: int) -> datetime | None:
        """The moment with zone; a camera that states none is taken to stand in the assumed one."""
        if self.taken_local is None:
            return None
        minutes = self.offset_minutes if self.offset_minutes is not None else assumed_offset_minutes
        return self.taken_local.replace(tzinfo=timezone(timedelta(minutes=minutes)))


@dataclass(frozen=True, slots=True)
class ImageResult:
    """A photo that its decoder has accepted. Sizes in pixels as seen (orientation applied), `size` in bytes;
    the paths are JPEG files without any metadata.
    """

    content_type: str
    width: int
    height: int
    size: int
    sha256: str
    phash: int
    exif: ExifFacts
    copy: Path
    preview: Path
    thumbnail: Path


def process_image(source: Path, claimed_type: str, outputs: Path, limits: ImageLimits | None = None) -> ImageResult:
    """Judge the photo in `source` and write its copies into the folder `outputs`.

    Raises `Rejected` when it is not a photo of the claimed type, is animated, damaged, cut short, too large
    in pixels, or carries another kind of file with it.
    """
    limits = limits or ImageLimits()
    data = source.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _open(data)
        format_name = "JPEG" if image.format == "MPO" else str(image.format)
        if claimed_type not in FORMATS[format_name]:
            raise Rejected(Defect.TYPE_MISMATCH, format_name)
        width, height = image.size
        _check_size(width, height, limits)
        _check_still(image, data)
        check_polyglot(data, format_name)
        _load(image, limits.copy_side)
        turn = _orientation(image)
        exif = read_exif(image)
        flat = _flatten(image, turn, limits.copy_side)
    copies: dict[str, Path] = {}
    for name, side, quality in (
        ("copy", limits.copy_side, 85),
        ("preview", limits.preview_side, 80),
        ("thumbnail", limits.thumbnail_side, 78),
    ):
        flat.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        copies[name] = outputs / f"{name}.jpg"
        flat.save(copies[name], "JPEG", quality=quality, optimize=True)
    if turn in {5, 6, 7, 8}:
        width, height = height, width
    return ImageResult(
        content_type=claimed_type,
        width=width,
        height=height,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        phash=perceptual_hash(flat),
        exif=exif,
        copy=copies["copy"],
        preview=copies["preview"],
        thumbnail=copies["thumbnail"],
    )


def upright(data: bytes, side: int, limits: ImageLimits | None = None) -> Image.Image:
    """The photo as it is seen: upright, sRGB, without metadata, its long side at most `side` px. Raises `Rejected`."""
    limits = limits or ImageLimits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _open(data)
        _check_size(*image.size, limits)
        _check_still(image, data)
        _load(image, side)
        return _flatten(image, _orientation(image), side)


def _open(data: bytes) -> Image.Image:
    # Our own limit speaks below, with a message of its own.
    Image.MAX_IMAGE_PIXELS = None
    try:
        return Image.open(io.BytesIO(data), formats=list(FORMATS))
    except UnidentifiedImageError as error:
        known = any(data[at : at + len(magic)] == magic for magic, at in _BY_BYTES)
        raise Rejected(Defect.BROKEN if known else Defect.UNRECOGNISED) from error
    except MemoryError:
        raise
    except Exception as error:
        raise Rejected(Defect.BROKEN, type(error).__name__) from error


def _check_size(width: int, height: int, limits: ImageLimits) -> None:
    if width * height > limits.pixels or max(width, height) > limits.side:
        raise Rejected(Defect.TOO_MANY_PIXELS, f"{width}x{height}")
    if min(width, height) < limits.smallest_side:
        raise Rejected(Defect.TOO_SMALL, f"{width}x{height}")


def _check_still(image: Image.Image, data: bytes) -> None:
    """One picture, not a film. A JPEG with further pictures behind it (MPO: depth, gain map) and a HEIC with
    several still pictures count as their first.
    """
    if image.format in {"PNG", "WEBP"} and getattr(image, "n_frames", 1) > 1:
        raise Rejected(Defect.ANIMATED)
    if image.format == "HEIF" and data[8:12] in _SEQUENCE_BRANDS:
        raise Rejected(Defect.ANIMATED)


def _load(image: Image.Image, side: int) -> None:
    """Decode to the last byte; a JPEG in the smallest of its scales that still serves the largest copy."""
    try:
        if image.format in {"JPEG", "MPO"}:
            image.draft(None, (side, side))
        image.load()
    except MemoryError:
        raise
    except Exception as error:
        note = str(error)[:200]
        cut = any(word in note.lower() for word in ("truncated", "end of file", "ended prematurely"))
        raise Rejected(Defect.TRUNCATED if cut else Defect.BROKEN, note) from error


def _orientation(image: Image.Image) -> int:
    try:
        value = int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1
    return value if value in _TURNS else 1


def _flatten(image: Image.Image, turn: int, side: int) -> Image.Image:
    """An upright sRGB picture without alpha and without anything the file said about itself."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        # Pillow clips where it should scale.
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    elif image.mode in {"I", "F"}:
        image = image.convert("F").point(lambda value: value * (1 / 257)).convert("L")
    elif image.mode in {"P", "PA"} or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode == "1":
        image = image.convert("L")
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if image.mode in {"RGBA", "LA", "La", "RGBa", "RGBX"}:
        image = image.convert("RGBA")
        ground = Image.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A"))
        image = ground
    if profile and image.mode in {"RGB", "CMYK"}:
        image = _to_srgb(image, profile)
    image = image.convert("RGB")
    if turn in _TURNS:
        image = image.transpose(_TURNS[turn])
    flat = Image.frombytes("RGB", image.size, image.tobytes())
    assert not flat.info
    return flat


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:
        return image
    return converted or image


def read_exif(image: Image.Image) -> ExifFacts:
    """Time, place and camera from EXIF. Whatever is damaged or out of range counts as absent."""
    block = image.info.get("exif")
    if isinstance(block, bytes) and len(block) > MAX_EXIF:
        return ExifFacts()
    try:
        exif = image.getexif()
        details = dict(exif.get_ifd(ExifTags.IFD.Exif))
        place = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
        maker, model = exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)
        stamp = exif.get(ExifTags.Base.DateTime)
    except MemoryError:
        raise
    except Exception:
        return ExifFacts()
    taken, offset = None, None
    for value, zone in (
        (details.get(ExifTags.Base.DateTimeOriginal), details.get(ExifTags.Base.OffsetTimeOriginal)),
        (details.get(ExifTags.Base.DateTimeDigitized), details.get(ExifTags.Base.OffsetTimeDigitized)),
        (stamp, details.get(ExifTags.Base.OffsetTime)),
    ):
        taken = parse_exif_time(value)
        if taken is not None:
            offset = parse_exif_offset(zone)
            break
    longitude = _degrees(place.get(ExifTags.GPS.GPSLongitude), place.get(ExifTags.GPS.GPSLongitudeRef), "EW", 180)
    latitude = _degrees(place.get(ExifTags.GPS.GPSLatitude), place.get(ExifTags.GPS.GPSLatitudeRef), "NS", 90)
    if longitude is None or latitude is None or (longitude == 0 and latitude == 0):
        longitude = latitude = None
    return ExifFacts(taken, offset, longitude, latitude, _camera(maker, model))


def parse_exif_time(value: Any) -> datetime | None:
    """`2026:05:04 09:30:00` as a time without zone; `None` for anything else, and for years before 1990."""
    if not isinstance(value, str):
        return None
    text = value.strip("\x00 ").replace("-", ":")[:19]
    try:
        parsed = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - EXIF keeps the zone elsewhere
    except ValueError:
        return None
    return parsed if parsed.year >= 1990 else None


def parse_exif_offset(value: Any) -> int | None:
    """`+08:00` or `Z` in minutes; `None` for anything else, and beyond fourteen hours."""
    if not isinstance(value, str):
        return None
    text = value.strip("\x00 ")
    if text == "Z":
        return 0
    digits = text[1:3] + text[4:6]
    if len(text) != 6 or text[0] not in "+-" or text[3] != ":" or not (digits.isascii() and digits.isdigit()):
        return None
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 14 * 60 or int(digits[2:]) > 59:
        return None
    return -minutes if text[0] == "-" else minutes


def _degrees(parts: Any, direction: Any, letters: str, limit: int) -> float | None:
    if not isinstance(direction, str) or direction.strip("\x00 ").upper() not in set(letters):
        return None
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value) or min(degrees, minutes, seconds) < 0 or value > limit:
        return None
    return round(-value if direction.strip("\x00 ").upper() == letters[1] else value, 7)


def _camera(maker: Any, model: Any) -> str | None:
    words = [text for text in (maker, model) if isinstance(text, str)]
    clean = "".join(letter if letter.isprintable() else " " for letter in " ".join(words))
    return " ".join(clean.encode(errors="ignore").decode().split())[:100] or None
