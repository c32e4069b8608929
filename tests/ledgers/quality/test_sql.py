"""What Python says of features, PostgreSQL says of the stored ones: random rules over random features."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tests.ledgers.quality import strategies

from wenming_api.kit.db import Database
from wenming_api.ledgers.features.rules import COLUMNS, Features
from wenming_api.ledgers.quality.rules import Rule, RuleSet, Sql, findings_sql, judge, parse, to_sql


def selected(many: list[Features]) -> tuple[str, dict[str, Any]]:
    """Features as rows with typed columns, in their order, as stored features have them."""
    values: dict[str, Any] = {}
    rows = []
    for no, features in enumerate(many):
        cells = [f"{no} AS position"]
        for name, value in features.row().items():
            values[f"f{no}_{name}"] = value
            cells.append(f"CAST(:f{no}_{name} AS {COLUMNS[name][0]}) AS {name}")
        rows.append("SELECT " + ", ".join(cells))
    return " UNION ALL ".join(rows), values


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    documents=st.lists(strategies.documents, min_size=4, max_size=12),
    many=st.lists(strategies.features, min_size=1, max_size=6),
)
async def test_expressions_mean_the_same_in_sql(database: Database, documents: list[Any], many: list[Features]) -> None:
    expressions = [parse(document) for document in documents]
    rows, values = selected(many)
    columns = []
    for no, expression in enumerate(expressions):
        condition, bound = to_sql(expression, prefix=f"e{no}_")
        columns.append(f"{condition} AS holds{no}")
        values |= bound
    async with database.read() as session:
        found = await session.execute(text(f"SELECT {', '.join(columns)} FROM ({rows}) f ORDER BY position"), values)
        verdicts = [list(row) for row in found]
    assert verdicts == [[expression.holds(features) for expression in expressions] for features in many]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    rules=st.lists(strategies.rules(), min_size=1, max_size=12),
    many=st.lists(strategies.features, min_size=1, max_size=6),
    day=strategies.days,
)
async def test_rule_sets_find_the_same_in_sql(
    database: Database, rules: list[Rule], many: list[Features], day: Any
) -> None:
    ruleset = RuleSet.of(rules).on(day)
    rows, values = selected(many)
    out = Sql(prefix="r")
    condition = findings_sql(ruleset.rules, out)
    async with database.read() as session:
        found = await session.execute(
            text(f"SELECT {condition} FROM ({rows}) f ORDER BY position"), values | out.values
        )
        positions = list(found.scalars())
    said = [[ruleset.rules[no].code for no in each] for each in positions]
    assert said == [[finding.code for finding in judge(ruleset, features, server=True)] for features in many]
