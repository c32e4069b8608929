"""Writes docs/quality-golden.json: 1,000 cases by which any client checks how it judges (docs/quality-rules.md).

    python scripts/quality_golden.py            # writes the file
    python scripts/quality_golden.py --check    # fails when the file is not what the code says

Rules and features are random but always the same; the verdicts are the server's own.
"""

import json
import random
import sys
from dataclasses import fields
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from wenming_api.ledgers.features.rules import FEATURES, Feature, Features, Kind, features_of
from wenming_api.ledgers.quality.rules import Reach, Rule, RuleSet, Severity, judge, parse

FILE = Path(__file__).parent.parent / "docs" / "quality-golden.json"
CASES = 1_000
RULES = 200
VECTORS = 150
_random = random.Random(20260301)
_CODES = ["volunteer", "festival", "study", "01", "0103"]
_NODES = [UUID(int=no) for no in range(1, 5)]
_CITY = "370300000000/"
_REGIONS = [_CITY, f"{_CITY}370302000000/", f"{_CITY}370303000000/"]
_UNITS = ["1/", "1/15/", "1/15/208/", "1/150/"]
_UNIT = "淄博市第一中学"


def _day() -> date:
    return date(2026, 2, 24) + timedelta(_random.randrange(12))


def _value(feature: Feature) -> Any:
    if feature.optional and _random.random() < 0.3:
        return None
    return {
        Kind.COUNT: lambda: _random.randrange(5),
        Kind.AMOUNT: lambda: Decimal(_random.randrange(0, 900, 25)) / 100,
        Kind.DATE: _day,
        Kind.FLAG: lambda: _random.random() < 0.5,
        Kind.CODE: lambda: _random.choice(["a", "b", "城管"]),
    }[feature.kind]()


def _features() -> Features:
    return Features(
        **{name: _value(feature) for name, feature in FEATURES.items()},
        category_codes=frozenset(_random.sample(_CODES, _random.randrange(3))),
        category_ids=frozenset(_random.sample(_NODES, _random.randrange(3))),
        unit_path=_random.choice(_UNITS),
        region_path=_random.choice(_REGIONS),
    )


def _name(*kinds: Kind) -> str:
    return _random.choice([name for name, each in FEATURES.items() if each.kind in kinds])


def _limit(name: str) -> Any:
    kind = FEATURES[name].kind
    if kind is Kind.COUNT:
        return _random.randrange(5)
    if kind is Kind.AMOUNT:
        return format(Decimal(_random.randrange(0, 900, 25)) / 100, "f")
    return _day().isoformat() if kind is Kind.DATE else _random.choice(["a", "b"])


def _leaf() -> dict[str, Any]:
    operator = _random.choice(
        [
            "at_least",
            "at_most",
            "per",
            "equals",
            "between",
            "ends",
            "within_days",
            "is_true",
            "is_given",
            "one_of",
            "category",
        ]
    )
    if operator in ("at_least", "at_most"):
        name = _name(Kind.COUNT, Kind.AMOUNT)
        return {operator: {"feature": name, "value": _limit(name)}}
    if operator == "per":
        return {"at_least": {"feature": "volunteer_hours", "value": _limit("volunteer_hours"), "per": "participants"}}
    if operator == "equals":
        name = _name(Kind.COUNT, Kind.AMOUNT, Kind.DATE, Kind.CODE)
        return {"equals": {"feature": name, "value": _limit(name)}}
    if operator == "between":
        first, last = sorted([_day(), _day()])
        return {"between": {"feature": _name(Kind.DATE), "from": first.isoformat(), "until": last.isoformat()}}
    if operator == "ends":
        ends = {"from": {"feature": "period_start"}, "until": {"feature": "period_end"}}
        return {"between": {"feature": _name(Kind.DATE)} | ends}
    if operator == "within_days":
        return {"within_days": {"feature": _name(Kind.DATE), "after": _name(Kind.DATE), "days": _random.randrange(6)}}
    if operator == "is_true":
        return {"is_true": _name(Kind.FLAG)}
    if operator == "is_given":
        return {"is_given": _random.choice([n for n, f in FEATURES.items() if f.optional and not f.server_only])}
    if operator == "one_of":
        return {"one_of": {"feature": "work_area", "values": _random.sample(["a", "b", "城管"], 2)}}
    return {"category": _random.sample(_CODES, 2)}


def _expression(depth: int = 3) -> dict[str, Any]:
    if depth == 1 or _random.random() < 0.35:
        return _leaf()
    operator = _random.choice(["all", "any", "not", "when"])
    if operator == "not":
        return {"not": _expression(depth - 1)}
    if operator == "when":
        return {"when": _expression(depth - 1), "then": _expression(depth - 1)}
    return {operator: [_expression(depth - 1) for _ in range(_random.randrange(1, 4))]}


def _rule(no: int) -> Rule:
    reach = _random.choice(list(Reach))
    often = _random.random() < 0.6
    return Rule(
        code=f"g{no:03}",
        no=1,
        name=f"例 {no}",
        message="请按要求补充",
        severity=_random.choice(list(Severity)),
        expression=parse(_expression()),
        node_ids=frozenset() if often else frozenset(_random.sample(_NODES, 2)),
        effective_from=None if often else _day(),
        effective_until=None if often or _random.random() < 0.5 else date(2026, 3, 4),
        reach=reach,
        reach_path=_random.choice(["", *(_REGIONS if reach is Reach.REGION else _UNITS)]) if not often else "",
    )


def verdict(rule: Rule, features: Features, *, on: date, server: bool) -> str:
    """`finding`, `holds`, or `not_judged`: not in force, not concerned, or for the server alone."""
    if judge(RuleSet.of([rule]).on(on), features, server=server):
        return "finding"
    judged = rule.effective(on) and rule.concerns(features) and (server or not rule.server_only)
    return "holds" if judged else "not_judged"


TEXTS = [
    "",
    " ",
    "\u3000\u3000学雷锋\n活动\u00a0",
    "e\u0301cole",
    "𠮷野家",
    "\u200b",
    "今天，淄博市第一中学开展活动",
    "\ufeff正文",
    "a\tb",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
]
NUMBERS = [
    "",
    "文明办〔2026〕12号",
    " 淄文明委〔1999〕1号 ",
    "文明办[2026]12号",
    "文明办〔2026〕012号",
    "文明办〔2026〕第1号",
    "〔2026〕1号",
    "ＡB〔2026〕1号",
]


def _content() -> tuple[dict[str, Any], Features]:
    names = ("time", "place", "people", "theme", "background", "reason")
    given: dict[str, Any] = {
        "title": _random.choice(TEXTS),
        "text": _random.choice(TEXTS),
        "conclusion": _random.choice(TEXTS),
        "participants": _random.choice(TEXTS),
        "place": _random.choice(TEXTS),
        "document_number": _random.choice(NUMBERS),
        "captions": [{name: _random.choice(TEXTS) for name in names} for _ in range(_random.randrange(3))],
        "attachment_kinds": _random.sample(["normative_document", "statement", "table", "other"], _random.randrange(4)),
        "unit_names": [_UNIT, ""],
    }
    features = features_of(
        **given, saved_on=date(2026, 3, 1), category_codes=[], category_ids=[], unit_path="", region_path=""
    )
    return given, features


def document() -> dict[str, Any]:
    """The whole file."""
    _random.seed(20260301)
    vectors = [_features() for _ in range(VECTORS)]
    rules = [_rule(no) for no in range(RULES)]
    cases = []
    for no in range(CASES):
        rule, vector = no % RULES, _random.randrange(VECTORS)
        on, server = _day(), _random.random() < 0.7
        said = verdict(rules[rule], vectors[vector], on=on, server=server)
        cases.append([rule, vector, on.isoformat(), server, said])
    contents = [_content() for _ in range(100)]
    return {
        "format": 1,
        "rules": [rule.document() for rule in rules],
        "features": [vector.document() for vector in vectors],
        "cases": cases,
        "contents": [{"content": given, "features": features.document()} for given, features in contents],
    }


def rendered() -> bytes:
    """The file's bytes: one line for each rule, vector and case."""
    made = document()
    parts = [f'"format":{made["format"]}']
    for name in ("rules", "features", "cases", "contents"):
        lines = ",\n".join(json.dumps(each, ensure_ascii=True, separators=(",", ":")) for each in made[name])
        parts.append(f'"{name}":[\n{lines}\n]')
    return ("{" + ",\n".join(parts) + "}\n").encode()


if __name__ == "__main__":
    assert {each.name for each in fields(Features)} >= set(FEATURES)
    if "--check" in sys.argv:
        sys.exit(0 if FILE.read_bytes() == rendered() else f"{FILE.name} is not what the code says")
    FILE.write_bytes(rendered())
    print(f"{FILE.name}: {CASES} cases")
