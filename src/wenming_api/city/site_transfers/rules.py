"""Rules of importing sites: what the words of a row stand for, and what a row does. Pure; look-ups are given.

A row is identified by its code, or, without one, by region, type and name, so that the same file sent twice adds
nothing. Regions go by code or full path, because names repeat inside a city.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from wenming_api.city.sites.rules import is_code, map_position, position_problem
from wenming_api.kit.geo import Crs, rounded

MAX_ROWS: Final = 50_000
"""Most rows of one import."""

MAX_BYTES: Final = 20 * 1024 * 1024
"""Largest file of an import, bytes."""

MAX_FAILURES: Final = 5_000
"""Most failed rows whose cells are kept for the error workbook."""


class TransferFormat(StrEnum):
    """File formats of import and export."""

    XLSX = "xlsx"
    CSV = "csv"
    GEOJSON = "geojson"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"xlsx": "XLSX 工作簿", "csv": "CSV 文本", "geojson": "GeoJSON"}[self.value]


class OnExisting(StrEnum):
    """What a row does when the site is there already."""

    REJECT = "reject"
    UPDATE = "update"
    SKIP = "skip"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"reject": "报错", "update": "更新", "skip": "跳过"}[self.value]


class ImportState(StrEnum):
    """What became of an import: only judged, refused whole, saved whole, or saved without the failed rows."""

    CHECKED = "checked"
    REJECTED = "rejected"
    APPLIED = "applied"
    PARTIAL = "partial"

    @property
    def label(self) -> str:
        """What users call it."""
        return {
            "checked": "仅检查",
            "rejected": "有误，全部未保存",
            "applied": "已全部保存",
            "partial": "已保存无误的行",
        }[self.value]


@dataclass(slots=True)
class Names:
    """Values by the words that may stand for them; a word for several values is ambiguous."""

    values: dict[str, Any] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)

    def add(self, word: str | None, value: Any) -> None:
        """Let the word stand for the value."""
        if not word:
            return
        if self.values.setdefault(word, value) != value:
            self.ambiguous.add(word)

    def find(self, word: str, what: str, advice: str) -> Any:
        """The value; raises :class:`RowProblem` when the word is unknown or ambiguous."""
        if word in self.ambiguous:
            raise RowProblem(f"{what}“{word}”有重名，{advice}")
        if word not in self.values:
            raise RowProblem(f"{what}“{word}”不存在或已停用")
        return self.values[word]


class RowProblem(ValueError):
    """A word of a row cannot be used; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Place:
    """A region that a row may name."""

    id: UUID
    path: str


@dataclass(frozen=True, slots=True)
class Responsible:
    """A unit that a row may name."""

    id: UUID
    path: str


@dataclass(frozen=True, slots=True)
class Existing:
    """A site that is there; ``reachable`` tells whether the caller may change it."""

    id: UUID
    version: int
    active: bool
    reachable: bool
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lookups:
    """All that the words of the rows may stand for."""

    types: Names
    regions: Names
    units: Names
    industries: Names
    by_code: Mapping[str, Existing]
    by_place: Mapping[tuple[UUID, str, str], Existing]


@dataclass(slots=True)
class Plan:
    """What an import will do. Values are those of the columns of ``sites``."""

    create: list[dict[str, Any]] = field(default_factory=list)
    update: list[tuple[Existing, dict[str, Any]]] = field(default_factory=list)
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with a row, and with which column of it (None: with the row)."""

    row: int
    key: str | None
    message: str


def normal_path(path: str) -> str:
    """A region's path without separators, so that 淄博市/淄川区, 淄博市>淄川区 and 淄博市淄川区 are one."""
    return re.sub(r"[/\\>＞\-—\s]+", "", path)


def judge(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    lookups: Lookups,
    *,
    on_existing: OnExisting,
    default_crs: Crs,
    may_place: Callable[[str, str | None], bool],
) -> tuple[Plan, list[RowError]]:
    """Decide what each row does. Rows are numbered as the spreadsheet does; a row with an error does nothing.

    ``may_place`` tells whether the caller may put a site at a region path with a unit path.
    """
    plan = Plan()
    errors: list[RowError] = []
    seen: dict[object, int] = {}
    for number, row in rows:
        found: list[RowError] = []
        values = _values(number, row, lookups, default_crs, found)
        if not found and not may_place(values["region_path"], values["unit_path"]):
            found.append(RowError(number, "region", "区域不在您的数据范围内"))
        if not found:
            identity: object = values["code"] or (values["region_id"], values["site_type_code"], values["name"])
            if identity in seen:
                found.append(RowError(number, "code", f"与第 {seen[identity]} 行重复"))
            else:
                seen[identity] = number
                _decide(number, values, lookups, on_existing, plan, found)
        errors += found
    return plan, errors


def _values(
    number: int, row: Mapping[str, Any], lookups: Lookups, default_crs: Crs, errors: list[RowError]
) -> dict[str, Any]:
    def looked_up(key: str, names: Names, what: str, advice: str) -> Any:
        word = row[key]
        if word is None:
            return None
        try:
            return names.find(normal_path(word) if key == "region" else word, what, advice)
        except RowProblem as problem:
            errors.append(RowError(number, key, str(problem)))
            return None

    if row["code"] is not None and not is_code(row["code"]):
        errors.append(RowError(number, "code", "只能用字母、数字、点、横线、下划线，最多 40 个字符"))
    place: Place | None = looked_up("region", lookups.regions, "区域", "请填 12 位代码")
    unit: Responsible | None = looked_up("unit", lookups.units, "责任单位", "请填统一社会信用代码")
    longitude, latitude = (
        None if degrees is None else rounded(degrees) for degrees in (row["longitude"], row["latitude"])
    )
    if wrong := position_problem(longitude=longitude, latitude=latitude):
        errors.append(RowError(number, "longitude", wrong))
    crs = row["crs"] or default_crs
    values: dict[str, Any] = {
        "code": row["code"],
        "name": row["name"],
        "site_type_code": looked_up("site_type", lookups.types, "点位类型", "请填类型代码"),
        "region_id": place.id if place else None,
        "region_path": place.path if place else None,
        "address": row["address"],
        "longitude": longitude,
        "latitude": latitude,
        "crs": crs,
        "responsible_unit_id": unit.id if unit else None,
        "unit_path": unit.path if unit else None,
        "industry_code": looked_up("industry", lookups.industries, "行业", "请填行业代码"),
        "active": row["active"],
        "note": row["note"],
    }
    if not errors:
        values["map_longitude"], values["map_latitude"] = map_position(longitude, latitude, crs)
    return values


def _decide(
    number: int,
    values: dict[str, Any],
    lookups: Lookups,
    on_existing: OnExisting,
    plan: Plan,
    errors: list[RowError],
) -> None:
    if values["code"]:
        existing = lookups.by_code.get(values["code"])
    else:
        existing = lookups.by_place.get((values["region_id"], values["site_type_code"], values["name"]))
    if existing is None:
        plan.create.append(values | {"active": values["active"] is not False})
    elif not existing.reachable:
        errors.append(RowError(number, "code", "编号已被使用"))
    elif on_existing is OnExisting.REJECT:
        errors.append(RowError(number, "code", f"点位已存在（编号 {existing.values['code']}）"))
    elif on_existing is OnExisting.SKIP:
        plan.unchanged += 1
    else:
        wanted = values | {"code": existing.values["code"]}
        if wanted["active"] is None:
            wanted["active"] = existing.active
        if not _differs(existing.values, wanted):
            plan.unchanged += 1
        elif not existing.active and not wanted["active"]:
            errors.append(RowError(number, "active", "点位已停用，须先启用才能修改"))
        else:
            plan.update.append((existing, wanted))


def _differs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    return any(_plain(value) != _plain(before.get(name)) for name, value in after.items())


def _plain(value: Any) -> Any:
    return value.normalize() if isinstance(value, Decimal) else value
