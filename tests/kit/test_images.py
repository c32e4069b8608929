"""Photos: what is accepted, what is read from them, and what the copies still tell."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageChops, ImageCms, ImageEnhance
from tests.factories import media

from wenming_api.kit.decoding import Defect, Rejected
from wenming_api.kit.images import (
    ExifFacts,
    ImageLimits,
    ImageResult,
    parse_exif_offset,
    parse_exif_time,
    process_image,
)
from wenming_api.kit.likeness import SAME, distance, from_signed, perceptual_hash, to_signed

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}


def process(folder: Path, data: bytes, claimed: str = "image/jpeg", **limits: int) -> ImageResult:
    return process_image(media.written(folder, data), claimed, folder, ImageLimits(**limits))


def rejection(folder: Path, data: bytes, claimed: str = "image/jpeg", **limits: int) -> Defect:
    with pytest.raises(Rejected) as caught:
        process(folder, data, claimed, **limits)
    assert not list(folder.glob("*.jpg"))
    return caught.value.defect


@pytest.mark.parametrize("kind", TYPES)
def test_a_photo_gives_time_place_hash_and_copies(kind: str, tmp_path: Path) -> None:
    data = media.photo(kind, size=(1600, 1200))
    found = process(tmp_path, data, TYPES[kind])
    assert (found.width, found.height, found.size) == (1600, 1200, len(data))
    taken = datetime(2026, 5, 4, 9, 30, 15)  # noqa: DTZ001 - cameras know no zone
    assert found.exif == ExifFacts(taken, 480, 118.0549, 36.8135, "Wenming Phone 1")
    assert found.exif.taken_at(0) == datetime(2026, 5, 4, 1, 30, 15, tzinfo=UTC)
    sides = {"copy": 1600, "preview": 1280, "thumbnail": 320}
    for name, side in sides.items():
        with Image.open(tmp_path / f"{name}.jpg") as copy:
            assert (copy.format, max(copy.size)) == ("JPEG", side)
            assert not copy.getexif()
            assert not {"exif", "icc_profile", "comment", "xmp", "photoshop"} & copy.info.keys()


def test_the_copies_carry_no_comment_profile_or_trailer(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = media.photo("JPEG", icc_profile=profile, comment=b"secret words") + b"motion photo trailer, secret words"
    found = process(tmp_path, data)
    for path in (found.copy, found.preview, found.thumbnail):
        stored = path.read_bytes()
        assert b"secret" not in stored
        assert b"Wenming" not in stored
        assert b"ICC_PROFILE" not in stored


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int, tmp_path: Path) -> None:
    upright = media.picture(3, (400, 300))
    back = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    stored = upright
    for turn in back:
        stored = stored.transpose(turn)
    target = io.BytesIO()
    stored.save(target, "JPEG", quality=95, exif=media.exif(orientation=orientation).tobytes())
    found = process(tmp_path, target.getvalue())
    assert (found.width, found.height) == (400, 300)
    with Image.open(found.copy) as copy:
        assert copy.size == (400, 300)
        difference = ImageChops.difference(copy.convert("L"), upright.convert("L"))
        assert sum(difference.tobytes()) / (400 * 300) < 4


def test_a_large_jpeg_is_decoded_at_a_smaller_scale(tmp_path: Path) -> None:
    found = process(tmp_path, media.photo(size=(4000, 3000)), copy_side=500, preview_side=400)
    assert (found.width, found.height) == (4000, 3000)
    with Image.open(found.copy) as copy:
        assert copy.size == (500, 375)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def test_unusual_colours_become_plain_ones(tmp_path: Path) -> None:
    base = media.picture(5, (200, 150))
    deep = Image.new("I;16", (200, 150))
    deep.frombytes(b"".join(int(value * 257).to_bytes(2, "little") for value in base.convert("L").tobytes()))
    veil = base.convert("RGBA")
    veil.putalpha(Image.new("L", base.size, 255))
    kinds = {
        "CMYK": (saved(base.convert("CMYK"), "JPEG", quality=95), "image/jpeg", base),
        "grey": (saved(base.convert("L"), "JPEG", quality=95), "image/jpeg", base.convert("L")),
        "16 bits": (saved(deep, "PNG"), "image/png", base.convert("L")),
        "palette": (saved(base.quantize(256), "PNG"), "image/png", base),
        "alpha": (saved(veil, "PNG"), "image/png", base),
        "one bit": (saved(base.convert("1"), "PNG"), "image/png", base.convert("1")),
    }
    for name, (data, claimed, wanted) in kinds.items():
        found = process(tmp_path, data, claimed)
        with Image.open(found.copy) as copy:
            assert copy.mode == "RGB", name
            difference = ImageChops.difference(copy.convert("L"), wanted.convert("L"))
            assert sum(difference.tobytes()) / (200 * 150) < 12, name


def test_transparent_ground_becomes_white(tmp_path: Path) -> None:
    found = process(tmp_path, saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG"), "image/png")
    with Image.open(found.copy) as copy:
        assert copy.getpixel((25, 25)) == (255, 255, 255)


HOSTILE = {name: case for name, case in media.hostile().items() if case[0].startswith("image/")}
EXPECTED = {
    "truncated JPEG": {Defect.TRUNCATED},
    "PNG bomb": {Defect.TOO_MANY_PIXELS},
    "JPEG and ZIP": {Defect.POLYGLOT},
    "JPEG and page": {Defect.POLYGLOT},
    "JPEG and program": {Defect.POLYGLOT},
    "SVG named .jpg": {Defect.UNRECOGNISED},
    "page": {Defect.UNRECOGNISED},
    "archive": {Defect.UNRECOGNISED},
    "broken HEIC": {Defect.BROKEN},
    "truncated HEIC": {Defect.BROKEN, Defect.TRUNCATED},
    "animated PNG": {Defect.ANIMATED},
    "animated WebP": {Defect.ANIMATED},
    "PNG called JPEG": {Defect.TYPE_MISMATCH},
    "JPEG called HEIC": {Defect.TYPE_MISMATCH},
    "noise": {Defect.UNRECOGNISED},
    "JPEG start and noise": {Defect.BROKEN},
    "one pixel": {Defect.TOO_SMALL},
}


def test_every_hostile_photo_has_an_expectation() -> None:
    assert HOSTILE.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_photos_are_rejected(name: str, tmp_path: Path) -> None:
    claimed, data = HOSTILE[name]
    assert rejection(tmp_path, data, claimed) in EXPECTED[name]


def test_a_pdf_hidden_in_front_is_found(tmp_path: Path) -> None:
    data = media.photo(comment=b"%PDF-1.4 1 0 obj")
    assert data.index(b"%PDF-") < 1024
    assert rejection(tmp_path, data) is Defect.POLYGLOT


def test_an_archive_behind_other_bytes_is_found(tmp_path: Path) -> None:
    data = media.photo("PNG") + bytes(5000) + media.archive()
    assert rejection(tmp_path, data, "image/png") is Defect.POLYGLOT


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_harmless_trailer_is_accepted(kind: str, tmp_path: Path) -> None:
    data = media.photo(kind) + b"SEFT" + bytes(range(64, 90)) * 100
    if kind == "HEIF":
        data = media.photo(kind)
    assert process(tmp_path, data, TYPES[kind]).width == 640


def test_a_film_behind_the_photo_is_accepted(tmp_path: Path) -> None:
    assert process(tmp_path, media.photo() + media.video()).width == 640


def test_several_pictures_in_one_jpeg_count_as_the_first(tmp_path: Path) -> None:
    target = io.BytesIO()
    media.picture(1).save(target, "MPO", save_all=True, append_images=[media.picture(2)])
    alone = process(tmp_path, saved(media.picture(1), "JPEG"))
    assert distance(process(tmp_path, target.getvalue()).phash, alone.phash) <= SAME


def test_a_huge_exif_block_is_not_read_but_the_photo_accepted(tmp_path: Path) -> None:
    block = media.exif(extra={0x927C: b"x" * 2_000_000})
    found = process(tmp_path, media.photo("PNG", meta=block), "image/png")
    assert found.exif == ExifFacts()


@pytest.mark.parametrize(
    "damage",
    [b"Exif\x00\x00", b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff", b"Exif\x00\x00II*\x00" + b"\xff" * 60],
    ids=["empty", "many entries", "far offset"],
)
def test_a_damaged_exif_block_says_nothing(damage: bytes, tmp_path: Path) -> None:
    data = saved(media.picture(1), "JPEG", exif=damage)
    assert process(tmp_path, data).exif == ExifFacts()


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ((118.05, 36.8), (118.05, 36.8)),
        ((-0.1278, 51.5074), (-0.1278, 51.5074)),
        ((151.2093, -33.8688), (151.2093, -33.8688)),
        ((0.0, 0.0), (None, None)),
        (None, (None, None)),
    ],
)
def test_places(place: tuple[float, float] | None, wanted: tuple[float | None, float | None], tmp_path: Path) -> None:
    found = process(tmp_path, media.photo(meta=media.exif(place=place))).exif
    assert (found.longitude, found.latitude) == pytest.approx(wanted, abs=1e-6)


def test_impossible_places_are_absent(tmp_path: Path) -> None:
    for degrees in ((91.0, 0.0, 0.0), (10.0, float("inf"), 0.0), (0.0, 0.0, 0.0)):
        block = media.exif()
        gps = block.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSLatitude] = degrees
        gps[ExifTags.GPS.GPSLongitude] = (0.0, 0.0, 0.0)
        found = process(tmp_path, media.photo(meta=block)).exif
        assert (found.longitude, found.latitude) == (None, None)
        assert found.taken_local is not None


def test_a_camera_without_zone_takes_the_assumed_one(tmp_path: Path) -> None:
    found = process(tmp_path, media.photo(meta=media.exif(offset=None))).exif
    assert found.offset_minutes is None
    assert found.taken_at(480) == datetime(2026, 5, 4, 1, 30, 15, tzinfo=UTC)
    assert process(tmp_path, media.photo(meta=Image.Exif())).exif.taken_at(480) is None


@given(
    st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.from_regex(r"\d{4}:\d{2}:\d{2} \d{2}:\d{2}:\d{2}"))
)
def test_any_time_is_read_or_absent(value: Any) -> None:
    parsed = parse_exif_time(value)
    assert parsed is None or parsed.year >= 1990


@given(st.integers(-14 * 60, 14 * 60))
def test_offsets_are_read_back(minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    assert parse_exif_offset(f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}") == minutes


@given(st.one_of(st.text(max_size=8), st.sampled_from(["+99:00", "+08:60", "0800", "+８:00", "+0800", "\x00"])))
def test_other_offsets_are_absent(text: str) -> None:
    parsed = parse_exif_offset(text)
    assert parsed is None or abs(parsed) <= 14 * 60


def variants(image: Image.Image) -> dict[str, Image.Image]:
    small = image.resize((image.width // 3, image.height // 3))
    with Image.open(io.BytesIO(saved(small, "JPEG", quality=40))) as again:
        again.load()
    return {
        "same": image,
        "small": small,
        "compressed again": again,
        "brighter": ImageEnhance.Brightness(image).enhance(1.15),
        "less contrast": ImageEnhance.Contrast(image).enhance(0.8),
    }


@pytest.mark.parametrize("seed", range(12))
def test_a_changed_copy_stays_alike(seed: int) -> None:
    image = media.picture(seed)
    own = perceptual_hash(image)
    assert 0 <= own < 1 << 64
    for name, variant in variants(image).items():
        assert distance(own, perceptual_hash(variant)) <= SAME, name


def test_different_photos_are_not_alike() -> None:
    hashes = [perceptual_hash(media.picture(seed)) for seed in range(40)]
    alike = [(a, b) for a in range(40) for b in range(a) if distance(hashes[a], hashes[b]) <= SAME]
    assert alike == []


GOLDEN = "0503020f173fbf3e"


def test_the_hash_is_fixed() -> None:
    """Stored hashes are compared for years: the same picture must give the same bits on every machine."""
    pattern = Image.frombytes(
        "L", (32, 32), bytes((x * x + x * y * 3 + 7 * y) % 256 for y in range(32) for x in range(32))
    )
    assert f"{perceptual_hash(pattern):016x}" == GOLDEN
    assert perceptual_hash(Image.new("RGB", (50, 50), "red")) == 0


@given(st.integers(0, (1 << 64) - 1))
def test_hashes_fit_a_signed_column(value: int) -> None:
    assert -(1 << 63) <= to_signed(value) < 1 << 63
    assert from_signed(to_signed(value)) == value
