"""Photos under a limit: they fit, are upright, tell nothing about the camera, and are the same every time."""

import io
import random
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from wenming_api.kit.decoding import DecoderPool, Defect, Rejected
from wenming_api.kit.shrinking import QUALITIES, SMALLEST_LIMIT, shrink


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    """A photo that is hard to compress, lying on its side, with the camera's words in it."""
    small = Image.frombytes("RGB", (300, 200), random.Random(7).randbytes(300 * 200 * 3))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "机密相机"
    path = tmp_path / "photo.jpg"
    small.resize((1500, 1000)).save(path, "JPEG", quality=95, exif=exif)
    return path


@pytest.mark.parametrize("limit", [SMALLEST_LIMIT, 60_000, 300_000])
def test_fits_upright_without_metadata(noisy: Path, tmp_path: Path, limit: int) -> None:
    target = tmp_path / "small.jpg"
    result = shrink(noisy, target, limit)
    data = target.read_bytes()
    assert result.size == len(data) <= limit
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (result.width, result.height)
        assert image.height > image.width
        assert not image.getexif()
        assert "exif" not in image.info
    again = tmp_path / "again.jpg"
    shrink(noisy, again, limit)
    assert again.read_bytes() == data


def test_quality_goes_first_then_the_sides(noisy: Path, tmp_path: Path) -> None:
    roomy = shrink(noisy, tmp_path / "a.jpg", 5_000_000)
    assert (roomy.quality, roomy.width) == (QUALITIES[0], 1000)
    tight = shrink(noisy, tmp_path / "b.jpg", SMALLEST_LIMIT)
    assert tight.width < 1000


async def test_in_the_decoding_process(noisy: Path, tmp_path: Path) -> None:
    pool = DecoderPool(size=1)
    result = await pool.run("shrink", noisy, tmp_path / "c.jpg", 60_000)
    assert result.size <= 60_000
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(noisy.read_bytes()[:5000])
    with pytest.raises(Rejected) as caught:
        await pool.run("shrink", broken, tmp_path / "d.jpg", 60_000)
    assert caught.value.defect is Defect.TRUNCATED
    await pool.close()
