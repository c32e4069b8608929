"""Random features, expressions and rules."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from wenming_api.ledgers.features.rules import FEATURES, Features, Kind
from wenming_api.ledgers.quality.rules import Reach, Rule, Severity, parse

CODES = ["volunteer", "festival", "study", "01", "0103"]
NODES = [UUID(int=no) for no in range(1, 6)]
CITY = "370300000000/"
REGIONS = [CITY, f"{CITY}370302000000/", f"{CITY}370303000000/", f"{CITY}370302000000/370302001000/"]
UNITS = ["1/", "1/15/", "1/15/208/", "1/150/"]

# Few values close together, so that limits are hit exactly as often as not.
counts = st.integers(0, 4)
amounts = st.integers(0, 800).map(lambda cents: Decimal(cents) / 100)
days = st.integers(0, 12).map(lambda no: date(2026, 2, 24) + timedelta(no))
_VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.COUNT: counts,
    Kind.AMOUNT: amounts,
    Kind.DATE: days,
    Kind.FLAG: st.booleans(),
    Kind.CODE: st.sampled_from(["a", "b", "城管"]),
}


def _value(name: str) -> st.SearchStrategy[Any]:
    feature = FEATURES[name]
    values = _VALUES[feature.kind]
    return st.none() | values if feature.optional else values


features = st.builds(
    Features,
    **{name: _value(name) for name in FEATURES},
    category_codes=st.frozensets(st.sampled_from(CODES), max_size=3),
    category_ids=st.frozensets(st.sampled_from(NODES), max_size=3),
    unit_path=st.sampled_from(UNITS),
    region_path=st.sampled_from(REGIONS),
)


def _names(*kinds: Kind) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, each in FEATURES.items() if each.kind in kinds])


_written_days = days.map(date.isoformat)
_written_amounts = st.integers(0, 800).map(lambda cents: format(Decimal(cents) / 100, "f"))


_WRITTEN: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.COUNT: counts,
    Kind.AMOUNT: counts | _written_amounts,
    Kind.DATE: _written_days,
    Kind.CODE: st.sampled_from(["a", "b"]),
}


def _compared(operator: str, name: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {operator: st.fixed_dictionaries({"feature": st.just(name), "value": _WRITTEN[FEATURES[name].kind]})}
    )


def _per(operator: str) -> st.SearchStrategy[Any]:
    fields = {"feature": _names(Kind.COUNT, Kind.AMOUNT), "value": _written_amounts | counts, "per": _names(Kind.COUNT)}
    return st.fixed_dictionaries({operator: st.fixed_dictionaries(fields)})


_ends = _written_days | _names(Kind.DATE).map(lambda name: {"feature": name})
_optional = st.sampled_from([name for name, each in FEATURES.items() if each.optional and not each.server_only])


def _ordered(between: dict[str, Any]) -> dict[str, Any]:
    first, last = between.get("from"), between.get("until")
    if isinstance(first, str) and isinstance(last, str) and first > last:
        return between | {"from": last, "until": first}
    return between


leaves: st.SearchStrategy[Any] = st.one_of(
    _names(Kind.COUNT, Kind.AMOUNT).flatmap(lambda name: _compared("at_least", name)),
    _names(Kind.COUNT, Kind.AMOUNT).flatmap(lambda name: _compared("at_most", name)),
    _per("at_least"),
    _per("at_most"),
    _names(Kind.COUNT, Kind.AMOUNT, Kind.DATE, Kind.CODE).flatmap(lambda name: _compared("equals", name)),
    st.fixed_dictionaries({"feature": _names(Kind.DATE)}, optional={"from": _ends, "until": _ends})
    .filter(lambda each: len(each) > 1)
    .map(lambda each: {"between": _ordered(each)}),
    st.fixed_dictionaries({"feature": _names(Kind.DATE), "after": _names(Kind.DATE), "days": st.integers(0, 6)}).map(
        lambda each: {"within_days": each}
    ),
    _names(Kind.FLAG).map(lambda name: {"is_true": name}),
    _optional.map(lambda name: {"is_given": name}),
    st.lists(st.sampled_from(["a", "b", "城管"]), min_size=1).map(
        lambda values: {"one_of": {"feature": "work_area", "values": values}}
    ),
    st.lists(st.sampled_from(CODES), min_size=1, max_size=3).map(lambda codes: {"category": codes}),
)
documents: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.fixed_dictionaries({"when": inner, "then": inner}),
    ),
    max_leaves=6,
)


def _reaching(reach: Reach) -> st.SearchStrategy[str]:
    return st.sampled_from(["", *(REGIONS if reach is Reach.REGION else UNITS)])


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule with any scope."""
    reach = draw(st.sampled_from(Reach))
    return Rule(
        code=draw(st.sampled_from(["a", "b", "c"])),
        no=draw(st.integers(1, 9)),
        name="规则",
        message="请改正",
        severity=draw(st.sampled_from(Severity)),
        expression=parse(draw(documents)),
        node_ids=draw(st.frozensets(st.sampled_from(NODES), max_size=2)),
        effective_from=draw(st.none() | days),
        effective_until=draw(st.none() | days),
        reach=reach,
        reach_path=draw(_reaching(reach)),
    )
