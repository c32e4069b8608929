"""The closed expression language of quality rules (L2.2): what must hold of a record's features.

An expression is JSON: an object whose key is its operator (`docs/quality-rules.md`). Logic has two values: a comparison
with something that the record lacks is false. `holds` and `sql` of a node say the same, always.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from wenming_api.ledgers.features.rules import FEATURES, Features

Scalar = int | Decimal | date | str


class Sql:
    """Collects the bound values of a condition over the columns of stored features.

    Names of values start with `prefix`, columns are those of the table alias; nothing that a user wrote becomes SQL.
    """

    def __init__(self, *, alias: str = "f", prefix: str = "p") -> None:
        self._alias = alias
        self._prefix = prefix
        self.values: dict[str, Any] = {}

    def column(self, name: str) -> str:
        """A column of the features; `name` is one of `COLUMNS`."""
        return f"{self._alias}.{name}"

    def bind(self, value: Any, kind: str) -> str:
        """A value as a parameter of this SQL type."""
        name = f"{self._prefix}{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {kind})"


class Expression(Protocol):
    """A node of an expression."""

    def holds(self, features: Features) -> bool:
        """Whether the features fulfil it."""
        ...

    def sql(self, out: Sql) -> str:
        """The same as a condition that is never NULL."""
        ...

    def document(self) -> dict[str, Any]:
        """The same as JSON, in one canonical form."""
        ...

    def words(self) -> str:
        """The same in Chinese."""
        ...

    def names(self) -> Iterator[str]:
        """Features that it looks at, those that it demands first."""
        ...


def _lacking(sql: str, *features: str) -> str:
    """The condition, false where one of the features is missing."""
    return f"COALESCE({sql}, false)" if any(FEATURES[name].optional for name in features) else f"({sql})"


def _label(name: str) -> str:
    return FEATURES[name].label


@dataclass(frozen=True, slots=True)
class Several:
    """`all`: every part holds; `any`: one part at least."""

    every: bool
    parts: tuple[Expression, ...]

    def holds(self, features: Features) -> bool:
        found = (part.holds(features) for part in self.parts)
        return all(found) if self.every else any(found)

    def sql(self, out: Sql) -> str:
        return "(" + (" AND " if self.every else " OR ").join(part.sql(out) for part in self.parts) + ")"

    def document(self) -> dict[str, Any]:
        return {"all" if self.every else "any": [part.document() for part in self.parts]}

    def words(self) -> str:
        joined = ("，且" if self.every else "，或").join(part.words() for part in self.parts)
        return joined if len(self.parts) == 1 else f"（{joined}）"

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()


@dataclass(frozen=True, slots=True)
class Not:
    """`not`: the part does not hold."""

    part: Expression

    def holds(self, features: Features) -> bool:
        return not self.part.holds(features)

    def sql(self, out: Sql) -> str:
        return f"(NOT {self.part.sql(out)})"

    def document(self) -> dict[str, Any]:
        return {"not": self.part.document()}

    def words(self) -> str:
        return f"并非“{self.part.words()}”"

    def names(self) -> Iterator[str]:
        return self.part.names()


@dataclass(frozen=True, slots=True)
class When:
    """`when`/`then`: where the first holds, the second does too."""

    when: Expression
    then: Expression

    def holds(self, features: Features) -> bool:
        return not self.when.holds(features) or self.then.holds(features)

    def sql(self, out: Sql) -> str:
        return f"((NOT {self.when.sql(out)}) OR {self.then.sql(out)})"

    def document(self) -> dict[str, Any]:
        return {"when": self.when.document(), "then": self.then.document()}

    def words(self) -> str:
        return f"当{self.when.words()}时，{self.then.words()}"

    def names(self) -> Iterator[str]:
        yield from self.then.names()
        yield from self.when.names()


@dataclass(frozen=True, slots=True)
class Bound:
    """`at_least`, `at_most`: a number against a limit, or against the limit times the count `per`."""

    least: bool
    feature: str
    value: int | Decimal
    per: str | None = None

    def holds(self, features: Features) -> bool:
        given = getattr(features, self.feature)
        times = getattr(features, self.per) if self.per else 1
        if given is None or times is None:
            return False
        limit = Decimal(self.value) * times
        return bool(given >= limit if self.least else given <= limit)

    def sql(self, out: Sql) -> str:
        exact = self.per is not None or isinstance(self.value, Decimal)
        limit = out.bind(Decimal(self.value) if exact else self.value, "numeric" if exact else "integer")
        if self.per:
            limit = f"{limit} * {out.column(self.per)}"
        compared = f"{out.column(self.feature)} {'>=' if self.least else '<='} {limit}"
        return _lacking(compared, *([self.feature, self.per] if self.per else [self.feature]))

    def document(self) -> dict[str, Any]:
        per = {"per": self.per} if self.per else {}
        operator = "at_least" if self.least else "at_most"
        return {operator: {"feature": self.feature, "value": _written(self.value)} | per}

    def words(self) -> str:
        per = f" × {_label(self.per)}" if self.per else ""
        return f"{_label(self.feature)}{'不少于' if self.least else '不超过'} {_written(self.value)}{per}"

    def names(self) -> Iterator[str]:
        yield self.feature
        if self.per:
            yield self.per


@dataclass(frozen=True, slots=True)
class Equals:
    """`equals`: a number, day or code is this one."""

    feature: str
    value: Scalar

    def holds(self, features: Features) -> bool:
        return bool(getattr(features, self.feature) == self.value)

    def sql(self, out: Sql) -> str:
        value = out.bind(self.value, FEATURES[self.feature].kind.sql)
        return _lacking(f"{out.column(self.feature)} = {value}", self.feature)

    def document(self) -> dict[str, Any]:
        return {"equals": {"feature": self.feature, "value": _written(self.value)}}

    def words(self) -> str:
        return f"{_label(self.feature)}为 {_written(self.value)}"

    def names(self) -> Iterator[str]:
        yield self.feature


@dataclass(frozen=True, slots=True)
class Between:
    """`between`: a day from the first to the last, both included; an end may be another date of the record."""

    feature: str
    first: date | str | None
    last: date | str | None

    def holds(self, features: Features) -> bool:
        day = getattr(features, self.feature)
        if day is None:
            return False
        for end, sign in ((self.first, 1), (self.last, -1)):
            if end is None:
                continue
            bound = getattr(features, end) if isinstance(end, str) else end
            if bound is None or (day - bound).days * sign < 0:
                return False
        return True

    def sql(self, out: Sql) -> str:
        day = out.column(self.feature)
        conditions = [
            f"{day} {sign} {out.column(end) if isinstance(end, str) else out.bind(end, 'date')}"
            for end, sign in ((self.first, ">="), (self.last, "<="))
            if end is not None
        ]
        return _lacking(" AND ".join(conditions), *self.names())

    def document(self) -> dict[str, Any]:
        ends = {"from": self.first, "until": self.last}
        written = {
            name: {"feature": end} if isinstance(end, str) else _written(end)
            for name, end in ends.items()
            if end is not None
        }
        return {"between": {"feature": self.feature} | written}

    def words(self) -> str:
        first, last = (
            _label(end) if isinstance(end, str) else _written(end) if end else None for end in (self.first, self.last)
        )
        if first is None:
            return f"{_label(self.feature)}不晚于 {last}"
        return f"{_label(self.feature)}不早于 {first}" + (f"、不晚于 {last}" if last else "")

    def names(self) -> Iterator[str]:
        yield self.feature
        yield from (end for end in (self.first, self.last) if isinstance(end, str))


@dataclass(frozen=True, slots=True)
class WithinDays:
    """`within_days`: a day not before the other one, and at most so many days after it."""

    feature: str
    after: str
    days: int

    def holds(self, features: Features) -> bool:
        day, other = getattr(features, self.feature), getattr(features, self.after)
        return day is not None and other is not None and timedelta(0) <= day - other <= timedelta(self.days)

    def sql(self, out: Sql) -> str:
        passed = f"{out.column(self.feature)} - {out.column(self.after)}"
        return _lacking(f"{passed} BETWEEN 0 AND {out.bind(self.days, 'integer')}", self.feature, self.after)

    def document(self) -> dict[str, Any]:
        return {"within_days": {"feature": self.feature, "after": self.after, "days": self.days}}

    def words(self) -> str:
        return f"{_label(self.feature)}在{_label(self.after)}起 {self.days} 天内"

    def names(self) -> Iterator[str]:
        yield self.feature
        yield self.after


@dataclass(frozen=True, slots=True)
class IsTrue:
    """`is_true`: a flag is set."""

    feature: str

    def holds(self, features: Features) -> bool:
        return getattr(features, self.feature) is True

    def sql(self, out: Sql) -> str:
        return _lacking(out.column(self.feature), self.feature)

    def document(self) -> dict[str, Any]:
        return {"is_true": self.feature}

    def words(self) -> str:
        return _label(self.feature)

    def names(self) -> Iterator[str]:
        yield self.feature


@dataclass(frozen=True, slots=True)
class IsGiven:
    """`is_given`: the record has this at all."""

    feature: str

    def holds(self, features: Features) -> bool:
        return getattr(features, self.feature) is not None

    def sql(self, out: Sql) -> str:
        return f"({out.column(self.feature)} IS NOT NULL)"

    def document(self) -> dict[str, Any]:
        return {"is_given": self.feature}

    def words(self) -> str:
        return f"已填写{_label(self.feature)}"

    def names(self) -> Iterator[str]:
        yield self.feature


@dataclass(frozen=True, slots=True)
class OneOf:
    """`one_of`: a code is among these."""

    feature: str
    values: tuple[str, ...]

    def holds(self, features: Features) -> bool:
        return getattr(features, self.feature) in self.values

    def sql(self, out: Sql) -> str:
        return _lacking(f"{out.column(self.feature)} = ANY({out.bind(list(self.values), 'text[]')})", self.feature)

    def document(self) -> dict[str, Any]:
        return {"one_of": {"feature": self.feature, "values": list(self.values)}}

    def words(self) -> str:
        return f"{_label(self.feature)}为 {'、'.join(self.values)} 之一"

    def names(self) -> Iterator[str]:
        yield self.feature


@dataclass(frozen=True, slots=True)
class InCategory:
    """`category`: the record stands in a category with one of these codes, or below one."""

    codes: tuple[str, ...]
    path: ClassVar[str] = "/node_ids"

    def holds(self, features: Features) -> bool:
        return not features.category_codes.isdisjoint(self.codes)

    def sql(self, out: Sql) -> str:
        return f"({out.column('category_codes')} && {out.bind(list(self.codes), 'text[]')})"

    def document(self) -> dict[str, Any]:
        return {"category": list(self.codes)}

    def words(self) -> str:
        return f"属于类别 {'、'.join(self.codes)}"

    def names(self) -> Iterator[str]:
        return iter(())


def _written(value: Scalar) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else value


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an expression: JSON pointer into it, and the reason in Chinese."""

    pointer: str
    message: str


def server_only(expression: Expression) -> bool:
    """Whether only the server can judge it."""
    return any(FEATURES[name].server_only for name in expression.names())


def path_of(expression: Expression) -> str:
    """The field of a record that a finding of this expression points at: that of the first feature it demands."""
    first = next(expression.names(), None)
    return FEATURES[first].path if first else InCategory.path


def to_sql(expression: Expression, *, alias: str = "f", prefix: str = "p") -> tuple[str, dict[str, Any]]:
    """The condition over the columns of stored features, never NULL, and its bound values by name."""
    out = Sql(alias=alias, prefix=prefix)
    condition = expression.sql(out)
    return condition, out.values
