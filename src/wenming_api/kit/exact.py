"""Exact numbers: rational arithmetic inside, ten decimal places stored, two shown.

No score ever passes through a float. A figure is computed as a ``Fraction``, stored (and hashed) as
``NUMERIC(20, 10)`` rounded half-up, and displayed by rounding the *stored* value half-up to two places.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

PLACES = 10
"""Decimal places of a stored score."""

SHOWN_PLACES = 2
"""Decimal places of a displayed score."""

_UNIT = 10**PLACES
_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_SHOWN = Decimal(1).scaleb(-SHOWN_PLACES)


def stored(value: Fraction | Decimal | int) -> Decimal:
    """The value as a score column holds it: ten decimal places, halves away from zero."""
    return Decimal(scaled(value)).scaleb(-PLACES, _WIDE)


def scaled(value: Fraction | Decimal | int) -> int:
    """As :func:`stored`, in units of the last place."""
    exact = value if isinstance(value, Fraction) else Fraction(value)
    numerator, denominator = exact.numerator, exact.denominator
    rounded: int = (2 * abs(numerator) * _UNIT + denominator) // (2 * denominator)
    return -rounded if numerator < 0 else rounded


def maybe_stored(value: Fraction | None) -> Decimal | None:
    """As :func:`stored`; nothing stays nothing."""
    return None if value is None else stored(value)


def shown(value: Decimal) -> Decimal:
    """A stored value as people read it: two decimal places, halves away from zero."""
    return value.quantize(_SHOWN, context=_WIDE)


def ratio_text(value: Fraction) -> str:
    """The shortest exact notation: ``"3"`` or ``"500/7"``; ``Fraction`` reads it back."""
    return str(value)


def decimal_text(value: Decimal) -> str:
    """A stored value in plain digits with its ten places, never with an exponent."""
    return f"{value:.{PLACES}f}"


def ranks(values: Sequence[Decimal | None]) -> list[int | None]:
    """Competition ranks, highest first: equal values share one (1, 2, 2, 4); None has none."""
    first: dict[Decimal, int] = {}
    for place, value in enumerate(sorted((value for value in values if value is not None), reverse=True), 1):
        first.setdefault(value, place)
    return [None if value is None else first[value] for value in values]


def mean(values: Iterable[Fraction]) -> Fraction | None:
    """The plain mean; None of nothing."""
    every = list(values)
    return sum(every, Fraction(0)) / len(every) if every else None


def weighted_mean(pairs: Iterable[tuple[Fraction, Fraction]]) -> Fraction | None:
    """Σ weight × value / Σ weight; None when the weights come to nothing."""
    total = weights = Fraction(0)
    for value, weight in pairs:
        total += weight * value
        weights += weight
    return total / weights if weights else None
