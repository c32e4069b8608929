"""Rules over stored features, set-based: the rows of a scope, and what a rule would find in them."""

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Uuid,
    and_,
    case,
    column,
    func,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from wenming_api.access.scope import Scope
from wenming_api.kit.db import AnySession
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.quality.rules import Rule, Sql, concerns_sql, finding_sql, fingerprint
from wenming_api.system.units.models import Unit

FEATURES = table(
    "record_features",
    column("version_id", Uuid()),
    column("record_id", Uuid()),
    column("unit_id", Uuid()),
    column("owner_id", Uuid()),
    column("current", Boolean()),
    column("unit_path"),
    column("region_path"),
    column("category_ids", ARRAY(Uuid())),
    column("work_area"),
    column("saved_on"),
    column("happened_on"),
).alias("f")
"""The stored features; they belong to records, a domain above, and have the columns of `features.rules.COLUMNS`."""

_SHOWN = 50
_EXAMPLES = 20


def current(scope: Scope) -> ColumnElement[bool]:
    """The features of current versions inside a scope."""
    return and_(FEATURES.c.current, scope.where(FEATURES.c))


def condition(sql: str, values: dict[str, Any]) -> ColumnElement[bool]:
    """A condition that rules wrote, as a part of a statement; `values` are those that it names."""
    return case((text(sql).bindparams(**values), True), else_=False)


async def back_test(session: AnySession, *, rule: Rule, active: Rule | None, scope: Scope) -> dict[str, Any]:
    """What a rule would find in the current versions of the scope's records: a `BackTestReport`, in three statements.

    `active` is the edition in force, which it is compared with.
    """
    failing, before = Sql(prefix="q"), Sql(prefix="b")
    said = condition(f"NOT {rule.expression.sql(failing)}", failing.values)
    concerned = Sql(prefix="c")
    concerns = condition(concerns_sql(rule, concerned), concerned.values)
    said_before = condition(finding_sql(active, before), before.values) if active else literal(False)
    judged = (
        select(
            FEATURES.c.record_id,
            FEATURES.c.unit_id,
            FEATURES.c.category_ids,
            said.label("failing"),
            said_before.label("before"),
        )
        .where(current(scope), concerns)
        .cte("judged")
        .prefix_with("MATERIALIZED")
    )
    found = judged.c.failing
    examples = select(judged.c.record_id).where(found).order_by(judged.c.record_id.desc()).limit(_EXAMPLES)
    totals = (
        await session.execute(
            select(
                func.count().label("records"),
                func.count().filter(found).label("failing"),
                func.count().filter(found, ~judged.c.before).label("newly_failing"),
                func.count().filter(judged.c.before, ~found).label("no_longer_failing"),
                func.array(examples.scalar_subquery()).label("examples"),
            ).select_from(judged)
        )
    ).one()
    return {
        "fingerprint": fingerprint(rule),
        "compared_no": active.no if active else None,
        "records": totals.records,
        "failing": totals.failing,
        "newly_failing": totals.newly_failing if active else None,
        "no_longer_failing": totals.no_longer_failing if active else None,
        "by_severity": {rule.severity.value: totals.failing},
        "by_unit": await _counted(session, judged, judged.c.unit_id, Unit),
        "by_category": await _counted(session, judged, func.unnest(judged.c.category_ids), CatalogueNode),
        "examples": [str(each) for each in totals.examples],
    }


async def _counted(session: AnySession, judged: FromClause, key: Any, named: Any) -> list[dict[str, Any]]:
    each = select(key.label("id"), judged.c.failing).subquery()
    failing = func.count().filter(each.c.failing)
    counted = (
        select(each.c.id, func.count().label("records"), failing.label("failing"))
        .group_by(each.c.id)
        .having(failing > 0)
        .order_by(failing.desc(), each.c.id)
        .limit(_SHOWN)
        .subquery()
    )
    rows = await session.execute(
        select(counted.c.id, named.name, counted.c.records, counted.c.failing)
        .join(named, named.id == counted.c.id)
        .order_by(counted.c.failing.desc(), counted.c.id)
    )
    return [dict(row._mapping) | {"id": str(row.id)} for row in rows]
