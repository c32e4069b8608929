"""Quality rules (质控标准, L2.2, L4.1, A5.1): their states, whom they reach, and the one verdict on features.

`judge` and `findings_sql` say the same of the same features; both are pure functions of rule set and features.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from importlib import resources
from typing import Any, Final
from uuid import UUID

from wenming_api.ledgers.expression_texts.rules import MalformedExpression, parse
from wenming_api.ledgers.expressions.rules import Expression, Sql, path_of, server_only, to_sql
from wenming_api.ledgers.features.rules import COLUMNS, Features, MalformedFeatures, features_from, features_of

__all__ = [
    "COLUMNS",
    "FORMAT",
    "MAX_ACTIVE",
    "STEPS",
    "Features",
    "Finding",
    "MalformedExpression",
    "MalformedFeatures",
    "Reach",
    "Rule",
    "RuleSet",
    "RuleState",
    "Severity",
    "Sql",
    "allowed_steps",
    "canonical",
    "concerns_sql",
    "features_from",
    "features_of",
    "finding_sql",
    "findings_sql",
    "fingerprint",
    "judge",
    "parse",
    "rule_from",
    "sample_rules",
    "to_sql",
    "worst",
]

FORMAT: Final = 1
"""Version of the published rule set's form."""
MAX_ACTIVE: Final = 200


class Severity(StrEnum):
    """How bad a finding is, the mildest first."""

    NOTICE = "notice"
    MINOR = "minor"
    SERIOUS = "serious"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"notice": "提示", "minor": "一般", "serious": "严重"}[self.value]

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(Severity).index(self)


class RuleState(StrEnum):
    """State of a rule: only `active` ones judge records."""

    DRAFT = "draft"
    TESTED = "tested"
    ACTIVE = "active"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"draft": "草稿", "tested": "已回测", "active": "启用", "retired": "停用"}[self.value]


class Reach(StrEnum):
    """Whose records a rule judges."""

    REGION = "region"
    UNITS = "units"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"region": "制定单位所在区域内的单位", "units": "制定单位及其下级单位"}[self.value]


STEPS: Final[Mapping[str, tuple[frozenset[RuleState], RuleState]]] = {
    "update": (frozenset({RuleState.DRAFT, RuleState.TESTED}), RuleState.DRAFT),
    "test": (frozenset({RuleState.DRAFT, RuleState.TESTED}), RuleState.TESTED),
    "activate": (frozenset({RuleState.TESTED}), RuleState.ACTIVE),
    "retire": (frozenset({RuleState.DRAFT, RuleState.TESTED, RuleState.ACTIVE}), RuleState.RETIRED),
}
"""Action → states that allow it, and the state it leads to. A changed rule is a draft again: it was not tested."""


def fingerprint(rule: "Rule") -> str:
    """SHA-256 of what a back-test tested: expression, categories and reach, not the wording."""
    names = ("expression", "node_ids", "reach", "reach_path")
    document = rule.document()
    return hashlib.sha256(canonical({name: document[name] for name in names})).hexdigest()


def allowed_steps(state: RuleState) -> list[str]:
    """Actions that a state allows."""
    return [name for name, (before, _) in STEPS.items() if state in before]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it judges. Paths are those of the unit that keeps it; `node_ids` empty means every category."""

    code: str
    no: int
    name: str
    message: str
    severity: Severity
    expression: Expression
    node_ids: frozenset[UUID] = frozenset()
    effective_from: date | None = None
    effective_until: date | None = None
    reach: Reach = Reach.REGION
    reach_path: str = ""

    @property
    def server_only(self) -> bool:
        """Whether only the server can judge it."""
        return server_only(self.expression)

    def effective(self, on: date) -> bool:
        """Whether it is in force on a day; both ends are included."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_until is None or on <= self.effective_until
        )

    def concerns(self, features: Features) -> bool:
        """Whether it judges such a record: its unit is reached, and a category (or one above it) is in scope."""
        path = features.region_path if self.reach is Reach.REGION else features.unit_path
        return path.startswith(self.reach_path) and (
            not self.node_ids or not self.node_ids.isdisjoint(features.category_ids)
        )

    def document(self) -> dict[str, Any]:
        """As published: all that a client needs to judge by it."""
        return {
            "code": self.code,
            "no": self.no,
            "name": self.name,
            "message": self.message,
            "severity": self.severity.value,
            "expression": self.expression.document(),
            "node_ids": sorted(str(each) for each in self.node_ids),
            "effective_from": self.effective_from.isoformat() if self.effective_from else None,
            "effective_until": self.effective_until.isoformat() if self.effective_until else None,
            "reach": self.reach.value,
            "reach_path": self.reach_path,
            "path": path_of(self.expression),
            "server_only": self.server_only,
        }


def rule_from(document: Mapping[str, Any]) -> Rule:
    """A rule from what `Rule.document` wrote."""
    first, last = document["effective_from"], document["effective_until"]
    return Rule(
        code=document["code"],
        no=document["no"],
        name=document["name"],
        message=document["message"],
        severity=Severity(document["severity"]),
        expression=parse(document["expression"]),
        node_ids=frozenset(UUID(each) for each in document["node_ids"]),
        effective_from=date.fromisoformat(first) if first else None,
        effective_until=date.fromisoformat(last) if last else None,
        reach=Reach(document["reach"]),
        reach_path=document["reach_path"],
    )


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order of their codes."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "RuleSet":
        """A set of rules, put in order."""
        return cls(tuple(sorted(rules, key=lambda rule: (rule.code, rule.no))))

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the rules: which rules judged."""
        return hashlib.sha256(canonical([rule.document() for rule in self.rules])).hexdigest()

    def on(self, day: date) -> "RuleSet":
        """Those in force on a day."""
        return RuleSet(tuple(rule for rule in self.rules if rule.effective(day)))


def canonical(document: Any) -> bytes:
    """JSON in one form: keys sorted, no white space, UTF-8 unescaped."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: a record's field (`path`, a JSON pointer) falls short."""

    code: str
    severity: Severity
    message: str
    path: str

    def document(self) -> dict[str, str]:
        """As stored with a version."""
        return {"code": self.code, "severity": self.severity.value, "message": self.message, "path": self.path}


def judge(ruleset: RuleSet, features: Features, *, server: bool) -> list[Finding]:
    """Findings of every rule that concerns the record and does not hold, in the order of codes.

    `server` says whether this is the server, which alone can judge some rules; elsewhere they are passed over.
    The rules are taken as they are: `RuleSet.on` first leaves those in force.
    """
    return [
        Finding(rule.code, rule.severity, rule.message, path_of(rule.expression))
        for rule in ruleset.rules
        if (server or not rule.server_only) and rule.concerns(features) and not rule.expression.holds(features)
    ]


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity among them."""
    return max((finding.severity for finding in findings), key=lambda each: each.rank, default=None)


def concerns_sql(rule: Rule, out: Sql) -> str:
    """`Rule.concerns` as a condition that is never NULL."""
    conditions = []
    if rule.reach_path:
        column = out.column("region_path" if rule.reach is Reach.REGION else "unit_path")
        conditions.append(f"starts_with({column}, {out.bind(rule.reach_path, 'text')})")
    if rule.node_ids:
        conditions.append(f"({out.column('category_ids')} && {out.bind(sorted(rule.node_ids), 'uuid[]')})")
    return "(" + " AND ".join(conditions) + ")" if conditions else "true"


def finding_sql(rule: Rule, out: Sql) -> str:
    """Whether the server's `judge` has a finding of this rule, as a condition that is never NULL."""
    return f"({concerns_sql(rule, out)} AND NOT {rule.expression.sql(out)})"


def findings_sql(rules: Iterable[Rule], out: Sql) -> str:
    """The positions (from 0) of the rules that have a finding, as smallint[]; empty when none has."""
    found = ", ".join(f"CASE WHEN {finding_sql(rule, out)} THEN {no} END" for no, rule in enumerate(rules))
    return f"array_remove(CAST(ARRAY[{found}] AS smallint[]), NULL)"


def sample_rules() -> list[dict[str, Any]]:
    """Rules delivered with the product, each with its `source`: code, name, message, severity, expression.

    They are what published civility standards of other cities demand of a unit's material, for an office to adapt.
    """
    text = (resources.files(__package__) / "data" / "sample_rules.json").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return found
