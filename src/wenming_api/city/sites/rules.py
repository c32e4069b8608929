"""Rules of sites (点位): states, codes, coordinates, which fields a change touched. Functions C2.5, C3.2."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from wenming_api.kit.geo import Box, Crs, Position, rounded, to_wgs84

CODE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,39}$"
"""Codes of sites and of site types: letters, digits, dot, hyphen, underscore; up to 40 characters."""

MAX_MAP_FEATURES: Final = 5_000
"""Most single sites a map answers with; beyond, it answers with clusters."""

INDUSTRY: Final = "industry"
"""The dictionary that industry codes are of."""

CLUSTER_CELLS: Final = 24
"""Cells along one side of the grid that sites are clustered by."""


class SiteState(StrEnum):
    """A site takes part in draws while it is active; one found closed is inactive and keeps its history."""

    ACTIVE = "active"
    INACTIVE = "inactive"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return "启用" if self is SiteState.ACTIVE else "停用"


class SiteAction(StrEnum):
    """What can be done to a site; also the kind of an entry in its history."""

    CREATE = "create"
    UPDATE = "update"
    IMPORT = "import"
    DISABLE = "disable"
    ENABLE = "enable"

    @property
    def label(self) -> str:
        """Name shown to users."""
        return _ACTION_LABELS[self]


_ACTION_LABELS = {
    SiteAction.CREATE: "新增",
    SiteAction.UPDATE: "修改",
    SiteAction.IMPORT: "导入",
    SiteAction.DISABLE: "停用",
    SiteAction.ENABLE: "启用",
}

TRANSITIONS: Final[Mapping[tuple[SiteState, SiteAction], SiteState]] = {
    (SiteState.ACTIVE, SiteAction.DISABLE): SiteState.INACTIVE,
    (SiteState.INACTIVE, SiteAction.ENABLE): SiteState.ACTIVE,
    (SiteState.ACTIVE, SiteAction.UPDATE): SiteState.ACTIVE,
}
"""The whole state machine: a pair not listed is refused. An inactive site is read-only."""


def next_state(state: SiteState, action: SiteAction) -> SiteState | None:
    """State after the action, None when the action is not possible in this state."""
    return TRANSITIONS.get((state, action))


def why_not(state: SiteState, action: SiteAction) -> str | None:
    """Reason, for the user, why the action is not possible in this state; None when it is."""
    if next_state(state, action) is not None:
        return None
    return f"点位当前为“{state.label}”,不能{action.label}"


def is_code(text: str) -> bool:
    """Whether the text can be the code of a site or of a site type."""
    return re.fullmatch(CODE_PATTERN, text) is not None


def position_problem(*, longitude: Decimal | None, latitude: Decimal | None) -> str | None:
    """A site has both coordinates or none; answers the reason when it is otherwise."""
    if (longitude is None) != (latitude is None):
        return "经度和纬度必须同时填写或同时留空"
    return None


def map_position(
    longitude: Decimal | None, latitude: Decimal | None, crs: Crs
) -> tuple[Decimal, Decimal] | tuple[None, None]:
    """WGS 84 longitude and latitude that maps and boxes compare, derived from the coordinates as given."""
    if longitude is None or latitude is None:
        return None, None
    place = to_wgs84(Position(float(longitude), float(latitude)), crs)
    return rounded(place.longitude), rounded(place.latitude)


def cell_size(box: Box) -> tuple[float, float]:
    """Width and height in degrees of one cell when sites of the box are clustered."""
    return (box.east - box.west) / CLUSTER_CELLS, (box.north - box.south) / CLUSTER_CELLS


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Fields whose value differs, each with the value before and after. Both mappings are JSON values."""
    names = list(dict.fromkeys([*before, *after]))
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
