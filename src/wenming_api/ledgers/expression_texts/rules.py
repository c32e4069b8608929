"""Reads expressions from JSON: bounded, and strict, with every fault at its place and what was probably meant."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from wenming_api.ledgers.expressions.rules import (
    Between,
    Bound,
    Equals,
    Expression,
    Fault,
    InCategory,
    IsGiven,
    IsTrue,
    Not,
    OneOf,
    Scalar,
    Several,
    When,
    WithinDays,
)
from wenming_api.ledgers.features.rules import (
    FEATURES,
    Kind,
    checked_amount,
    checked_count,
    checked_day,
    checked_text,
)

MAX_DEPTH: Final = 8
MAX_NODES: Final = 100
MAX_VALUES: Final = 50
MAX_DAYS: Final = 3660
_CODE_LENGTH: Final = 64
_NUMBERS: Final = (Kind.COUNT, Kind.AMOUNT)


class MalformedExpression(ValueError):
    """JSON that is no expression; `faults` say where and why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(f"{fault.pointer or '/'} {fault.message}" for fault in faults))
        self.faults = list(faults)


class _Wrong(Exception):
    """One place that cannot be read; the reader notes it and goes on with the rest."""


def parse(document: Any) -> Expression:
    """An expression from JSON; `MalformedExpression` with every fault found."""
    reader = _Reader()
    found = reader.node(document, "", 1)
    if reader.faults or found is None:
        raise MalformedExpression(reader.faults)
    return found


def _nearest(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"，是否想写 {close[0]}？" if close else f"，可用：{'、'.join(known)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._nodes = 0
        self._readers: Mapping[str, Callable[[Any, str, int], Expression]] = {
            "all": lambda value, at, depth: self._several(value, at, depth, every=True),
            "any": lambda value, at, depth: self._several(value, at, depth, every=False),
            "not": self._not,
            "at_least": lambda value, at, _: self._bound(value, at, least=True),
            "at_most": lambda value, at, _: self._bound(value, at, least=False),
            "equals": self._equals,
            "between": self._between,
            "within_days": self._within_days,
            "is_true": lambda value, at, _: IsTrue(self._feature(value, at, (Kind.FLAG,))),
            "is_given": self._is_given,
            "one_of": self._one_of,
            "category": self._category,
        }

    def node(self, value: Any, at: str, depth: int) -> Expression | None:
        """The node, or None with a fault noted."""
        self._nodes += 1
        try:
            if self._nodes > MAX_NODES:
                if self._nodes == MAX_NODES + 1:
                    self.faults.append(Fault(at, f"表达式不能超过 {MAX_NODES} 个条件"))
                return None
            if depth > MAX_DEPTH:
                raise self._wrong(at, f"嵌套不能超过 {MAX_DEPTH} 层")
            return self._operator(value, at, depth)
        except _Wrong:
            return None

    def _wrong(self, at: str, message: str) -> _Wrong:
        self.faults.append(Fault(at, message))
        return _Wrong()

    def _operator(self, value: Any, at: str, depth: int) -> Expression:
        if not isinstance(value, dict) or not value:
            raise self._wrong(at, '应为一个对象，键为运算符，例如 {"at_least": {"feature": "photos", "value": 2}}')
        if value.keys() & {"when", "then"}:
            self._only(value, at, {"when", "then"})
            if len(value) != 2:
                raise self._wrong(at, "when 与 then 须同时给出")
            when = self.node(value["when"], f"{at}/when", depth + 1)
            then = self.node(value["then"], f"{at}/then", depth + 1)
            if when is None or then is None:
                raise _Wrong
            return When(when, then)
        known = [*self._readers, "when"]
        for name in value:
            if name not in self._readers:
                raise self._wrong(at, f"没有运算符“{_shown(name)}”{_nearest(str(name), known)}")
        if len(value) > 1:
            raise self._wrong(at, f"一个条件只能有一个运算符，现有 {'、'.join(value)}；要同时满足请用 all")
        (name,) = value
        return self._readers[name](value[name], f"{at}/{name}", depth)

    def _several(self, value: Any, at: str, depth: int, *, every: bool) -> Expression:
        parts = [self.node(part, f"{at}/{no}", depth + 1) for no, part in enumerate(self._list(value, at))]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            raise _Wrong
        return Several(every, tuple(found))

    def _not(self, value: Any, at: str, depth: int) -> Expression:
        part = self.node(value, at, depth + 1)
        if part is None:
            raise _Wrong
        return Not(part)

    def _bound(self, value: Any, at: str, *, least: bool) -> Expression:
        fields = self._fields(value, at, {"feature", "value"}, {"per"})
        feature = self._feature(fields["feature"], f"{at}/feature", _NUMBERS)
        if "per" in fields:
            per = self._feature(fields["per"], f"{at}/per", (Kind.COUNT,))
            return Bound(least, feature, self._value(checked_amount, fields["value"], f"{at}/value"), per)
        return Bound(least, feature, self._scalar(feature, fields["value"], f"{at}/value"))  # type: ignore[arg-type]

    def _equals(self, value: Any, at: str, _depth: int) -> Expression:
        fields = self._fields(value, at, {"feature", "value"})
        feature = self._feature(fields["feature"], f"{at}/feature", (*_NUMBERS, Kind.DATE, Kind.CODE))
        return Equals(feature, self._scalar(feature, fields["value"], f"{at}/value"))

    def _between(self, value: Any, at: str, _depth: int) -> Expression:
        fields = self._fields(value, at, {"feature"}, {"from", "until"})
        feature = self._feature(fields["feature"], f"{at}/feature", (Kind.DATE,))
        first, last = (self._end(fields.get(name), f"{at}/{name}") for name in ("from", "until"))
        if first is None and last is None:
            raise self._wrong(at, "from 与 until 至少给出一个")
        if not isinstance(first, str) and not isinstance(last, str) and first and last and first > last:
            raise self._wrong(at, "from 不能晚于 until")
        return Between(feature, first, last)

    def _end(self, value: Any, at: str) -> Any:
        if isinstance(value, dict):
            fields = self._fields(value, at, {"feature"})
            return self._feature(fields["feature"], f"{at}/feature", (Kind.DATE,))
        return None if value is None else self._value(checked_day, value, at)

    def _within_days(self, value: Any, at: str, _depth: int) -> Expression:
        fields = self._fields(value, at, {"feature", "after", "days"})
        feature = self._feature(fields["feature"], f"{at}/feature", (Kind.DATE,))
        after = self._feature(fields["after"], f"{at}/after", (Kind.DATE,))
        days = self._value(checked_count, fields["days"], f"{at}/days")
        if days > MAX_DAYS:
            raise self._wrong(f"{at}/days", f"不能超过 {MAX_DAYS} 天")
        return WithinDays(feature, after, days)

    def _is_given(self, value: Any, at: str, _depth: int) -> Expression:
        name = self._feature(value, at, tuple(Kind))
        if not FEATURES[name].optional or FEATURES[name].server_only:
            raise self._wrong(at, f"“{FEATURES[name].label}”总是有的，请改用 at_least 或 is_true")
        return IsGiven(name)

    def _one_of(self, value: Any, at: str, _depth: int) -> Expression:
        fields = self._fields(value, at, {"feature", "values"})
        return OneOf(
            self._feature(fields["feature"], f"{at}/feature", (Kind.CODE,)),
            self._codes(fields["values"], f"{at}/values"),
        )

    def _category(self, value: Any, at: str, _depth: int) -> Expression:
        return InCategory(self._codes(value, at))

    def _list(self, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
            raise self._wrong(at, f"应为 1–{MAX_VALUES} 项的数组")
        return value

    def _codes(self, value: Any, at: str) -> tuple[str, ...]:
        found = [self._value(_code, each, f"{at}/{no}") for no, each in enumerate(self._list(value, at))]
        return tuple(dict.fromkeys(found))

    def _only(self, value: Mapping[Any, Any], at: str, known: set[str]) -> None:
        for name in value:
            if name not in known:
                raise self._wrong(at, f"没有“{_shown(name)}”这一项{_nearest(str(name), sorted(known))}")

    def _fields(
        self,
        value: Any,
        at: str,
        required: set[str],
        optional: set[str] = frozenset(),  # type: ignore[assignment]
    ) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(at, f"应为对象，含 {'、'.join(sorted(required))}")
        self._only(value, at, required | optional)
        if missing := sorted(required - value.keys()):
            raise self._wrong(at, f"缺少 {'、'.join(missing)}")
        return value

    def _feature(self, value: Any, at: str, kinds: tuple[Kind, ...]) -> str:
        suitable = [name for name, each in FEATURES.items() if each.kind in kinds]
        if not isinstance(value, str) or value not in FEATURES:
            raise self._wrong(at, f"没有特征“{_shown(value)}”{_nearest(str(value)[:60], suitable)}")
        if value not in suitable:
            raise self._wrong(at, f"“{FEATURES[value].label}”不能用于此运算符，可用：{'、'.join(suitable)}")
        return value

    def _scalar(self, feature: str, value: Any, at: str) -> Scalar:
        kind = FEATURES[feature].kind
        read = {Kind.COUNT: checked_count, Kind.AMOUNT: checked_amount, Kind.DATE: checked_day, Kind.CODE: _code}[kind]
        return self._value(read, value, at)  # type: ignore[no-any-return]

    def _value(self, read: Callable[[Any], Any], value: Any, at: str) -> Any:
        try:
            return read(value)
        except ValueError as wrong:
            raise self._wrong(at, str(wrong)) from None


def _code(value: Any) -> str:
    text = checked_text(value, _CODE_LENGTH)
    if not text or text != text.strip():
        raise ValueError("不能为空，首尾不能有空格")
    return text
