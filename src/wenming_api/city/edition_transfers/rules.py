"""From an indicator system's content to its sheets and back, with every mistake at its row and column."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from wenming_api.city.criteria.rules import MAX_GRADES, MAX_REASONS
from wenming_api.city.edition_sheets.rules import DETAILS, INDICATORS, STANDARDS, SYSTEM
from wenming_api.city.editions.rules import Content, ContentIndicator, ContentStandard
from wenming_api.city.standards.rules import (
    CountMode,
    InvalidRule,
    RuleKind,
    VetoScope,
    check_rule,
    rule_from_json,
    rule_to_json,
)
from wenming_api.kit.workbooks import CellError, ReadTable, Row, Table, plain_text

MAX_INDICATORS = 5_000
MAX_STANDARDS = 5_000
MAX_SHOWN = 1_000
_NUMBERED = re.compile(r"(.*)#(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Head:
    """The row of 体系: what a system is called."""

    code: str
    name: str
    edition: str
    description: str
    source: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database knows of the site types and units that the sheets name."""

    site_types: Mapping[str, str]
    """Names by code."""
    units: Mapping[int, tuple[UUID, str]]
    """Ids and names by number."""
    _names: Mapping[str, list[str]] = field(init=False)
    _numbers: Mapping[str, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", _grouped((name, code) for code, name in self.site_types.items()))
        object.__setattr__(self, "_numbers", _grouped((name, no) for no, (_, name) in self.units.items()))

    def site_type(self, written: str) -> str:
        """The code of a type written as `26`, `26 主次干道` or `主次干道`."""
        first = written.split(" ", 1)[0]
        for code in (written, first):
            if code in self.site_types:
                return code
        codes = self._names.get(written, [])
        if len(codes) != 1:
            raise CellError(f"点位类型“{written[:50]}”不存在、已停用或重名")
        return codes[0]

    def unit(self, written: str) -> UUID:
        """The unit written as `市城市管理局` (when no other has the name) or `市城市管理局#15`."""
        found = _NUMBERED.fullmatch(written)
        if found is not None and int(found[2]) in self.units:
            return self.units[int(found[2])][0]
        numbers = self._numbers.get(written, [])
        if not numbers:
            raise CellError(f"责任单位“{written[:50]}”不存在或已停用")
        if len(numbers) > 1:
            raise CellError(f"责任单位“{written[:50]}”重名，请在名称后加“#单位编号”")
        return self.units[numbers[0]][0]


def named_units(standards: ReadTable) -> tuple[set[str], set[int]]:
    """The names and numbers of units that the sheet mentions."""
    written = {line for row in standards.rows for line in row["duties"] or ()}
    return written, {int(found[2]) for line in written if (found := _NUMBERED.fullmatch(line))}


def to_sheets(head: Head, content: Content, facts: Facts) -> Iterator[tuple[Table, Iterator[Mapping[str, Any]]]]:
    """The sheets of a system, row by row."""
    yield (
        SYSTEM,
        iter(
            [
                {
                    "code": head.code,
                    "name": head.name,
                    "edition": head.edition,
                    "level_names": content.level_names,
                    "methods": content.methods,
                    "description": head.description or None,
                    "source": head.source or None,
                }
            ]
        ),
    )
    yield (
        INDICATORS,
        (
            {"code": each.code, "name": each.name, "level": each.level, "parent_code": each.parent_code}
            for each in content.indicators
        ),
    )
    numbers = {unit: no for no, (unit, _) in facts.units.items()}
    yield STANDARDS, (_standard_row(each, content, facts, numbers) for each in content.standards)
    yield DETAILS, (row for each in content.standards for row in _detail_rows(each))


def _standard_row(
    standard: ContentStandard, content: Content, facts: Facts, numbers: Mapping[UUID, int]
) -> dict[str, Any]:
    rule = standard.rule
    row: dict[str, Any] = {
        "code": standard.code,
        "indicator_code": standard.indicator_code,
        "text": standard.text,
        "list_kind": standard.list_kind,
        "max_score": standard.max_score,
        "methods": [content.methods[code] for code in standard.methods],
        "kind": RuleKind(rule["kind"]),
        "requires_photo": standard.requires_photo,
        "site_types": [f"{code} {facts.site_types.get(code, '')}".strip() for code in standard.site_types] or None,
        "duties": [f"{facts.units[numbers[unit]][1]}#{numbers[unit]}" for unit in standard.duties] or None,
        "evidence": standard.evidence or None,
        "note": standard.note or None,
        "source": standard.source or None,
    }
    match row["kind"]:
        case RuleKind.COUNT:
            row |= {name: _number(rule[name]) for name in ("required", "per")}
            row |= {"mode": CountMode(rule["mode"]), "unit": rule["unit"] or None, "per_unit": rule["per_unit"] or None}
        case RuleKind.DEDUCTION:
            row |= {"floor": _number(rule["floor"]), "photo_required": rule["photo_required"]}
        case RuleKind.VETO:
            row["scope"] = VetoScope(rule["scope"])
    return row


def _detail_rows(standard: ContentStandard) -> Iterator[dict[str, Any]]:
    for item in standard.rule.get("grades") or standard.rule.get("reasons") or ():
        amounts = {name: _number(item.get(name)) for name in ("factor", "points", "cap")}
        yield {"standard_code": standard.code, "code": item["code"], "label": item["label"], **amounts}


def _number(written: str | None) -> Decimal | None:
    return None if written is None else Decimal(written)


def from_sheets(read: Mapping[str, ReadTable], facts: Facts) -> tuple[Head, Content] | None:
    """The system that the sheets describe, or None with every mistake rejected at its row and column."""
    return _Reader(read, facts).read()


class _Reader:
    """Puts the four sheets together."""

    def __init__(self, read: Mapping[str, ReadTable], facts: Facts) -> None:
        self.system, self.indicators = read[SYSTEM.name], read[INDICATORS.name]
        self.standards, self.details = read[STANDARDS.name], read[DETAILS.name]
        self.facts = facts
        self.sheets = tuple(read.values())

    def read(self) -> tuple[Head, Content] | None:
        if len(self.system.original) != 1:
            self.system.reject(2, "应有且只有一行")
        if not self.system.rows:
            return None
        row = self.system.rows[0]
        levels: dict[str, int] = {}
        indicators = tuple(self._indicators(len(row["level_names"]), levels))
        standards = tuple(self._standards(row["methods"], len(row["level_names"]), levels))
        if any(sheet.errors for sheet in self.sheets):
            return None
        head = Head(row["code"], row["name"], row["edition"], row["description"] or "", row["source"] or "")
        return head, Content(
            row["level_names"], row["methods"], _depth_first(indicators), _in_order(indicators, standards)
        )

    def _indicators(self, depth: int, levels: dict[str, int]) -> Iterator[ContentIndicator]:
        if len(self.indicators.original) > MAX_INDICATORS:
            self.indicators.reject(MAX_INDICATORS + 2, f"指标不得超过 {MAX_INDICATORS} 条")
        for row in self.indicators.rows:
            code, level, parent = row["code"], row["level"], row["parent_code"]
            if code in levels:
                self.indicators.reject(row.number, "编号重复", "code")
            elif level > depth:
                self.indicators.reject(row.number, f"该体系只有 {depth} 级", "level")
            elif level == 1 and parent is not None:
                self.indicators.reject(row.number, "第一级没有上级", "parent_code")
            elif level > 1 and levels.get(parent or "") != level - 1:
                message = f"上级应为写在前面的第 {level - 1} 级指标"
                self.indicators.reject(row.number, message, "parent_code")
            else:
                yield ContentIndicator(code, parent, level, row["name"])
            levels.setdefault(code, level)

    def _standards(
        self, methods: Mapping[str, str], depth: int, levels: Mapping[str, int]
    ) -> Iterator[ContentStandard]:
        if len(self.standards.original) > MAX_STANDARDS:
            self.standards.reject(MAX_STANDARDS + 2, f"标准不得超过 {MAX_STANDARDS} 条")
        codes = {name: code for code, name in methods.items()}
        details: dict[str, list[Row]] = defaultdict(list)
        for detail in self.details.rows:
            details[detail["standard_code"]].append(detail)
        seen: set[str] = set()
        for row in self.standards.rows:
            code = row["code"]
            if code in seen:
                self.standards.reject(row.number, "编号重复", "code")
            seen.add(code)
            if levels.get(row["indicator_code"]) != depth:
                self.standards.reject(row.number, "应为“指标”表中最末一级的编号", "indicator_code")
            rule = self._rule(row, details.pop(code, []))
            yield ContentStandard(
                code=code,
                indicator_code=row["indicator_code"],
                text=row["text"],
                list_kind=row["list_kind"],
                max_score=row["max_score"],
                methods=tuple(self._each(row, "methods", lambda name: _known(codes, name))),
                rule=rule,
                requires_photo=bool(row["requires_photo"]),
                site_types=tuple(sorted(self._each(row, "site_types", self.facts.site_type))),
                duties=tuple(self._each(row, "duties", self.facts.unit)),
                evidence=row["evidence"] or (),
                note=row["note"] or "",
                source=row["source"] or "",
            )
        if self.standards.ok:
            for left in (detail for found in details.values() for detail in found):
                self.details.reject(left.number, "“标准”表中没有该编号", "standard_code")

    def _each(self, row: Row, key: str, look_up: Callable[[str], Any]) -> list[Any]:
        found = []
        for written in row[key] or ():
            try:
                found.append(look_up(written))
            except CellError as error:
                self.standards.reject(row.number, str(error), key)
        if len(set(found)) != len(found):
            self.standards.reject(row.number, "有重复项", key)
        return found

    def _rule(self, row: Row, details: Sequence[Row]) -> dict[str, Any]:
        kind: RuleKind = row["kind"]
        document: dict[str, Any] = {"kind": kind.value}
        listed = ""
        match kind:
            case RuleKind.COUNT:
                document |= {
                    "required": _written(row["required"]),
                    "mode": row["mode"] or CountMode.PROPORTION,
                    "unit": row["unit"] or "",
                    "per": _written(row["per"]),
                    "per_unit": row["per_unit"] or "",
                }
            case RuleKind.GRADED:
                listed = "grades"
                document["grades"] = [_item(detail, "factor") for detail in details[: MAX_GRADES + 1]]
            case RuleKind.DEDUCTION:
                listed = "reasons"
                document |= {
                    "reasons": [_item(detail, "points", "cap") for detail in details[: MAX_REASONS + 1]],
                    "floor": _written(row["floor"]) or "0",
                    "photo_required": bool(row["photo_required"]),
                }
            case RuleKind.VETO:
                document["scope"] = row["scope"] or VetoScope.SITE
        if details and not listed:
            self.details.reject(details[0].number, f"“{kind.label}”没有细则", "standard_code")
        try:
            rule = rule_from_json(document)
            wrong = [(e.pointer.removeprefix("/rule"), e.message) for e in check_rule(rule, row["max_score"])]
            document = rule_to_json(rule)
        except InvalidRule as invalid:
            wrong = [(error.pointer, error.message) for error in invalid.errors]
        for pointer, message in wrong:
            self._reject_rule(row, details, pointer, message)
        return document

    def _reject_rule(self, row: Row, details: Sequence[Row], pointer: str, message: str) -> None:
        head, _, rest = pointer.removeprefix("/").partition("/")
        if head in ("grades", "reasons") and rest:
            place, _, key = rest.partition("/")
            self.details.reject(details[int(place)].number, message, key)
        elif head in ("grades", "reasons"):
            self.standards.reject(row.number, f"评分细则：{message}", "kind")
        else:
            self.standards.reject(row.number, message, head)


def _known(codes: Mapping[str, str], name: str) -> str:
    if name not in codes:
        raise CellError(f"“体系”表中没有测评方法“{name[:20]}”")
    return codes[name]


def _item(detail: Row, *amounts: str) -> dict[str, Any]:
    return {"code": detail["code"], "label": detail["label"]} | {name: _written(detail[name]) for name in amounts}


def _written(number: Decimal | None) -> str | None:
    return None if number is None else plain_text(format(number, "f"))


def _grouped(pairs: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)


def _depth_first(indicators: Sequence[ContentIndicator]) -> tuple[ContentIndicator, ...]:
    children = _grouped((each.parent_code, each) for each in indicators)

    def below(parent: str | None) -> Iterator[ContentIndicator]:
        for each in children.get(parent, []):
            yield each
            yield from below(each.code)

    return tuple(below(None))


def _in_order(
    indicators: Sequence[ContentIndicator], standards: Sequence[ContentStandard]
) -> tuple[ContentStandard, ...]:
    under = _grouped((each.indicator_code, each) for each in standards)
    return tuple(each for indicator in _depth_first(indicators) for each in under.get(indicator.code, []))
