"""Photos under a limit in bytes: first at lower qualities, then at half the sides, and so on.

Synchronous; run it through `kit.decoding` (task "shrink"). The same file and limit give the same bytes.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from wenming_api.kit.decoding import Defect, Rejected
from wenming_api.kit.images import upright

QUALITIES = (88, 80, 72, 64, 56, 48)
SMALLEST_LIMIT = 10 * 1024
"""Bytes. A photo of any content fits into this at the smallest sides that are tried."""
_SMALLEST_SIDE = 64


@dataclass(frozen=True, slots=True)
class ShrinkResult:
    """A JPEG without metadata that fits. Sides in pixels, `size` in bytes."""

    width: int
    height: int
    size: int
    quality: int


def shrink(source: Path, target: Path, limit: int, longest_side: int = 2560) -> ShrinkResult:
    """Write the photo in `source` as a JPEG of at most `limit` bytes to `target`.

    Raises `Rejected` when it is not a whole photo, or when it does not fit at any size worth looking at.
    """
    image = upright(source.read_bytes(), longest_side)
    while True:
        for quality in QUALITIES:
            data = _encoded(image, quality)
            if len(data) <= limit:
                target.write_bytes(data)
                return ShrinkResult(image.width, image.height, len(data), quality)
        if max(image.size) // 2 < _SMALLEST_SIDE:
            raise Rejected(Defect.TOO_EXPENSIVE, f"does not fit into {limit} bytes")
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)


def _encoded(image: Image.Image, quality: int) -> bytes:
    output = BytesIO()
    image.save(output, "JPEG", quality=quality, optimize=True)
    return output.getvalue()
