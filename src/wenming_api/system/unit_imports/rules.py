"""The order in which imported units can be made: every unit after the one that manages it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Key = tuple[str, str]
"""What a unit is known by in a file: its region's code and its name."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit as an import names it. `managing` is a credit code or a name."""

    row: int
    region_code: str
    name: str
    credit_code: str | None = None
    managing: str | None = None

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.region_code, self.name


@dataclass(frozen=True, slots=True)
class UnitFact:
    """What is known of a unit that exists."""

    region_code: str
    name: str
    credit_code: str | None = None
    managing: Key | None = None

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.region_code, self.name


@dataclass(frozen=True, slots=True)
class Arranged:
    """An imported unit and the unit that manages it."""

    row: UnitRow
    managing: Key | None
    exists: bool


Fault = tuple[UnitRow, str, str]


def arrange(rows: Sequence[UnitRow], known: Iterable[UnitFact]) -> tuple[list[Arranged], list[Fault]]:
    """Put imported rows in an order in which every unit comes after the one that manages it.

    Returns what could be arranged and, for the rest, `(row, field, message)`. A row whose managing unit failed, or
    that manages itself through others, fails too.
    """
    facts = {fact.key: fact for fact in known}
    unique, faults = _without_duplicates(rows, facts)
    names = _Names([*facts.values(), *unique])
    wanted: dict[Key, Key | None] = {}
    for row in unique:
        managing, fault = names.resolve(row.managing)
        existing = facts.get(row.key)
        if fault is None and existing is not None and row.managing and managing != existing.managing:
            fault = "该单位已有其他管理单位；请用“调整管理单位”变更"
        if fault is not None:
            faults.append((row, "managing", fault))
        else:
            wanted[row.key] = existing.managing if existing else managing
    by_key = {row.key: row for row in unique}
    arranged: dict[Key, Arranged] = {}
    waiting = [row for row in unique if row.key in wanted]
    while waiting:
        left: list[UnitRow] = []
        for row in waiting:
            managing = wanted[row.key]
            if row.key in facts or managing is None or managing in facts or managing in arranged:
                arranged[row.key] = Arranged(row, managing, row.key in facts)
            else:
                left.append(row)
        if len(left) == len(waiting):
            faults += [(row, "managing", _why_left(row, wanted, by_key)) for row in left]
            break
        waiting = left
    return list(arranged.values()), faults


def _why_left(row: UnitRow, wanted: dict[Key, Key | None], by_key: dict[Key, UnitRow]) -> str:
    seen = {row.key}
    at = wanted[row.key]
    while at is not None and at in wanted and at not in seen:
        seen.add(at)
        at = wanted[at]
    if at is not None and at not in wanted:
        return f"管理单位（第 {by_key[at].row} 行）有误"
    return "管理单位互相循环"


def _without_duplicates(rows: Sequence[UnitRow], facts: dict[Key, UnitFact]) -> tuple[list[UnitRow], list[Fault]]:
    owners = {fact.credit_code: fact.key for fact in facts.values() if fact.credit_code}
    first: dict[Key, UnitRow] = {}
    codes: dict[str, UnitRow] = {}
    faults: list[Fault] = []
    for row in rows:
        code = row.credit_code
        if row.key in first:
            faults.append((row, "name", f"与第 {first[row.key].row} 行是同一区域的同名单位"))
        elif code and code in codes:
            faults.append((row, "credit_code", f"信用代码与第 {codes[code].row} 行重复"))
        elif code and owners.get(code, row.key) != row.key:
            faults.append((row, "credit_code", f"信用代码已属于“{owners[code][1]}”"))
        else:
            first[row.key] = row
            if code:
                codes[code] = row
    return list(first.values()), faults


class _Names:
    """Finds a unit by credit code, or by its name when only one has it."""

    def __init__(self, units: Iterable[UnitRow | UnitFact]) -> None:
        self._by_code: dict[str, Key] = {}
        self._by_name: defaultdict[str, set[Key]] = defaultdict(set)
        for unit in units:
            self._by_name[unit.name].add(unit.key)
            if unit.credit_code:
                self._by_code[unit.credit_code] = unit.key

    def resolve(self, reference: str | None) -> tuple[Key | None, str | None]:
        """The unit meant, or why none is."""
        if not reference:
            return None, None
        if reference in self._by_code:
            return self._by_code[reference], None
        found = self._by_name.get(reference, set())
        if not found:
            return None, f"找不到管理单位“{reference}”"
        if len(found) > 1:
            return None, f"有 {len(found)} 个单位名为“{reference}”，请改填统一社会信用代码"
        return next(iter(found)), None
