"""The provable draw (C3.2), byte for byte: commitment, frame, seed, order; and the life of a draw. Pure.

Nobody can choose, predict or quietly repeat a draw: the secret is committed to before the frame is frozen,
the seed binds secret, public value and frame, and the order inside a stratum follows from seed and site id
alone.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_SITE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRET = re.compile(r"[0-9a-f]{64}")
_PUBLIC_VALUE = re.compile(r"[\x20-\x7e]*")


class FrameSite(NamedTuple):
    """One site of the frame: lower-case UUID, type code, stratum (`region_code|site_type_code`)."""

    site_id: str
    site_type_code: str
    stratum: str


@dataclass(frozen=True, slots=True)
class StratumDraw:
    """What a draw gives in one stratum: site ids in drawn order, the rest in order as the reserve."""

    drawn: tuple[str, ...]
    reserve: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A stratum that has fewer sites than its quota asks for."""

    stratum: str
    quota: int
    available: int


class QuotaAboveFrameError(ValueError):
    """Some strata have fewer sites than their quota; all of them are listed, nothing is drawn."""

    def __init__(self, shortfalls: tuple[Shortfall, ...]) -> None:
        super().__init__("配额超过抽样框")
        self.shortfalls = shortfalls


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def commitment_of(secret: str) -> str:
    """The published promise to use this secret.

    Raises:
        ValueError: the secret is not 64 lower-case hex digits.
    """
    if not _SECRET.fullmatch(secret):
        raise ValueError("secret must be 64 lower-case hex digits")
    return _digest(secret)


def stratum_of(region_code: str, site_type_code: str) -> str:
    """The stratum's name.

    Raises:
        ValueError: a code holds a character that separates fields or lines of the frame.
    """
    if any(mark in code for code in (region_code, site_type_code) for mark in ",|\n\r"):
        raise ValueError("a code of the frame may hold neither comma, bar nor line break")
    return f"{region_code}|{site_type_code}"


def frame_text(sites: Iterable[FrameSite]) -> str:
    """The frozen frame: one line per site, sorted by id, each ended by one line feed.

    Raises:
        ValueError: an id that is no lower-case UUID, or the same id twice.
    """
    ordered = sorted(sites)
    for site, following in zip(ordered, ordered[1:] + ordered[:1], strict=True):
        if not _SITE_ID.fullmatch(site.site_id):
            raise ValueError(f"not a lower-case UUID: {site.site_id!r}")
        if len(ordered) > 1 and site.site_id == following.site_id:
            raise ValueError(f"a site stands in the frame twice: {site.site_id}")
    return "".join(f"{site_id},{site_type},{stratum}\n" for site_id, site_type, stratum in ordered)


def frame_sites(text: str) -> list[FrameSite]:
    """The sites of a frozen frame, in its order."""
    return [FrameSite(*line.split(",", 2)) for line in text.splitlines()]


def frame_hash_of(text: str) -> str:
    """The published fingerprint of a frozen frame."""
    return _digest(text)


def seed_of(secret: str, public_value: str, frame_hash: str) -> str:
    """The seed that orders every stratum; `public_value` is empty when none was named.

    Raises:
        ValueError: the public value is not printable ASCII.
    """
    if not _PUBLIC_VALUE.fullmatch(public_value):
        raise ValueError("公共随机值只能由可见的 ASCII 字符组成")
    return _digest(f"{secret}:{public_value}:{frame_hash}")


def order_strata(sites: Iterable[FrameSite], seed: str) -> dict[str, list[str]]:
    """The site ids of every stratum in drawing order, strata by name."""
    keyed: dict[str, list[tuple[str, str]]] = {}
    start = hashlib.sha256(f"{seed}:".encode())
    for site_id, _, stratum in sites:
        key = start.copy()
        key.update(site_id.encode())
        keyed.setdefault(stratum, []).append((key.hexdigest(), site_id))
    return {stratum: [site_id for _, site_id in sorted(keyed[stratum])] for stratum in sorted(keyed)}


def draw_sites(
    sites: Iterable[FrameSite],
    seed: str,
    quotas: Mapping[str, int],
    *,
    take_all: frozenset[str] = frozenset(),
) -> dict[str, StratumDraw]:
    """Draw `quotas[stratum]` sites in every stratum of the frame; the rest in order are its reserve.

    Args:
        quotas: sites wanted per stratum; a stratum that is not named gives none.
        take_all: strata that give what they have when they have too few.

    Raises:
        QuotaAboveFrameError: some other stratum has fewer sites than wanted, an empty one included.
    """
    orders = order_strata(sites, seed)
    short = tuple(
        Shortfall(stratum, quota, len(orders.get(stratum, ())))
        for stratum, quota in sorted(quotas.items())
        if stratum not in take_all and quota > len(orders.get(stratum, ()))
    )
    if short:
        raise QuotaAboveFrameError(short)
    return {
        stratum: StratumDraw(tuple(order[: quotas.get(stratum, 0)]), tuple(order[quotas.get(stratum, 0) :]))
        for stratum, order in orders.items()
    }


class DrawState(StrEnum):
    """Where a draw (抽选) stands. `void` is final, and nothing is ever deleted."""

    COMMITTED = "committed"
    FROZEN = "frozen"
    DRAWN = "drawn"
    EFFECTIVE = "effective"
    VOID = "void"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return {
            DrawState.COMMITTED: "已承诺",
            DrawState.FROZEN: "抽样框已冻结",
            DrawState.DRAWN: "已抽选",
            DrawState.EFFECTIVE: "已生效",
            DrawState.VOID: "已作废",
        }[self]


class Proposal(StrEnum):
    """What one person has proposed and a second one has to confirm."""

    EFFECTIVE = "effective"
    VOID = "void"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"effective": "提请生效", "void": "提请作废"}[self.value]


class DrawAction(StrEnum):
    """What moves a draw on; also the last segment of the route that does it."""

    FREEZE = "freeze"
    DRAW = "draw"
    PROPOSE_EFFECTIVE = "propose-effective"
    CONFIRM_EFFECTIVE = "confirm-effective"
    PROPOSE_VOID = "propose-void"
    CONFIRM_VOID = "confirm-void"
    REJECT = "reject"


class Standing(NamedTuple):
    """A draw's place in its life: the state, and what is proposed on top of it."""

    state: DrawState
    proposal: Proposal | None = None

    @property
    def label(self) -> str:
        """The standing's Chinese name."""
        waiting = {Proposal.EFFECTIVE: "，已提请生效", Proposal.VOID: "，已提请作废", None: ""}
        return f"{self.state.label}{waiting[self.proposal]}"


@dataclass(frozen=True, slots=True)
class DrawTransition:
    """A row of the table: from any of the sources to the target state (None keeps it) with the proposal."""

    action: DrawAction
    label: str
    sources: frozenset[Standing]
    target: DrawState | None
    proposal: Proposal | None = None


_LIVE = (DrawState.COMMITTED, DrawState.FROZEN, DrawState.DRAWN, DrawState.EFFECTIVE)


def _rows() -> Iterable[DrawTransition]:
    none = {state: Standing(state) for state in _LIVE}
    effective = Standing(DrawState.DRAWN, Proposal.EFFECTIVE)
    void = frozenset(Standing(state, Proposal.VOID) for state in _LIVE)
    committed, frozen, drawn = none[DrawState.COMMITTED], none[DrawState.FROZEN], none[DrawState.DRAWN]
    yield DrawTransition(DrawAction.FREEZE, "冻结抽样框", frozenset({committed}), DrawState.FROZEN)
    yield DrawTransition(DrawAction.DRAW, "抽选", frozenset({frozen}), DrawState.DRAWN)
    yield DrawTransition(DrawAction.PROPOSE_EFFECTIVE, "提请生效", frozenset({drawn}), None, Proposal.EFFECTIVE)
    yield DrawTransition(DrawAction.CONFIRM_EFFECTIVE, "确认生效", frozenset({effective}), DrawState.EFFECTIVE)
    yield DrawTransition(DrawAction.PROPOSE_VOID, "提请作废", frozenset(none.values()), None, Proposal.VOID)
    yield DrawTransition(DrawAction.CONFIRM_VOID, "确认作废", void, DrawState.VOID)
    yield DrawTransition(DrawAction.REJECT, "退回提请", void | {effective}, None)


DRAW_TRANSITIONS: Mapping[DrawAction, DrawTransition] = {row.action: row for row in _rows()}
"""The whole state machine of a draw. What is not in it cannot happen."""

TWO_PEOPLE = frozenset({DrawAction.CONFIRM_EFFECTIVE, DrawAction.CONFIRM_VOID})
"""Nobody does these on his own proposal."""


def draw_refusal_of(action: DrawAction, standing: Standing, *, same_person: bool = False) -> str | None:
    """Why `action` cannot be taken; None when it can.

    Args:
        same_person: whoever acts is the one who proposed.
    """
    row = DRAW_TRANSITIONS[action]
    if standing.state is DrawState.VOID:
        return "抽选已作废，状态不可再变更"
    if standing not in row.sources:
        return f"当前为“{standing.label}”，不能{row.label}"
    if same_person and action in TWO_PEOPLE:
        return "提请人不能自己确认，须由另一人确认"
    return None


def next_standing(action: DrawAction, standing: Standing, *, same_person: bool = False) -> Standing:
    """The standing `action` leads to.

    Raises:
        ValueError: the table does not list the step, or one person tries to do both halves of it.
    """
    refusal = draw_refusal_of(action, standing, same_person=same_person)
    if refusal is not None:
        raise ValueError(refusal)
    row = DRAW_TRANSITIONS[action]
    return Standing(row.target or standing.state, row.proposal)


class DrawSiteStatus(StrEnum):
    """What a site of the frame is in a draw."""

    DRAWN = "drawn"
    RESERVE = "reserve"
    REPLACED = "replaced"
    REPLACEMENT = "replacement"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"drawn": "抽中", "reserve": "备选", "replaced": "已被替换", "replacement": "替换进入"}[self.value]


IN_FIELD = frozenset({DrawSiteStatus.DRAWN, DrawSiteStatus.REPLACEMENT})
"""The sites that are assessed."""
