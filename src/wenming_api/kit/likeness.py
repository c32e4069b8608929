"""Perceptual hash: 64 bits that stay nearly the same when a photo is scaled, compressed again or brightened.

The DCT kind (pHash): the picture in grey at 32 × 32, its two-dimensional cosine transform, of that the 8 × 8
lowest frequencies row by row; a bit is 1 where the coefficient lies above the median of the 63 without the
mean brightness. The first coefficient (the mean) is the highest bit and always 0. The cosines are whole
numbers, so every machine computes the same bits. Two photos with at most `SAME` differing bits are taken for
the same picture.
"""

import math

from PIL import Image

SAME = 6
"""Differing bits up to which two photos are called alike."""

_SIDE = 32
_LOW = 8
_COSINES = [
    [round(math.cos((2 * x + 1) * u * math.pi / (2 * _SIDE)) * (1 << 16)) for x in range(_SIDE)] for u in range(_LOW)
]


def perceptual_hash(image: Image.Image) -> int:
    """The hash of an upright picture, as an unsigned 64-bit number."""
    grey = list(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX).tobytes())
    rows = [
        [sum(c * v for c, v in zip(cosine, grey[y * _SIDE : (y + 1) * _SIDE], strict=True)) for cosine in _COSINES]
        for y in range(_SIDE)
    ]
    low = [sum(c * rows[y][u] for y, c in enumerate(cosine)) for cosine in _COSINES for u in range(_LOW)]
    ranked = sorted(low[1:])
    middle = ranked[len(ranked) // 2]
    bits = 0
    for coefficient in [middle, *low[1:]]:
        bits = bits << 1 | (coefficient > middle)
    return bits


def distance(one: int, other: int) -> int:
    """Number of differing bits, 0 to 64."""
    return (one ^ other).bit_count()


def to_signed(value: int) -> int:
    """The same 64 bits as a database's signed bigint."""
    return value - (1 << 64) if value >> 63 else value


def from_signed(value: int) -> int:
    """The unsigned number behind a signed bigint."""
    return value & ((1 << 64) - 1)
