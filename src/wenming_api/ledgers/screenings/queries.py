"""Screenings: what the rules find in many records at once, set-based."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SmallInteger, func, insert, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from wenming_api.access.scope import Scope
from wenming_api.kit.db import WriteSession
from wenming_api.ledgers.backtests.queries import FEATURES, current
from wenming_api.ledgers.quality.rules import RuleSet, Sql, findings_sql
from wenming_api.ledgers.screenings.models import ScreeningHit


async def find_hits(session: WriteSession, *, screening_id: UUID, ruleset: RuleSet, scope: Scope) -> tuple[int, int]:
    """Write the hits of a rule set among the current versions of a scope; (records looked at, records with findings).

    One statement judges all rules over all records and writes what it finds.
    """
    out = Sql(prefix="r")
    judged = select(
        FEATURES.c.record_id,
        FEATURES.c.version_id,
        FEATURES.c.unit_id,
        FEATURES.c.unit_path,
        FEATURES.c.region_path,
        FEATURES.c.owner_id,
        FEATURES.c.category_ids,
        text(f"{findings_sql(ruleset.rules, out)} AS rules").bindparams(**out.values),
    ).where(current(scope))
    found: Any = judged.offset(0).subquery("judged")  # a fence: merged, the rules would be judged for each mention
    rules = literal_column("judged.rules", ARRAY(SmallInteger()))
    ranks = [rule.severity.rank for rule in ruleset.rules]
    severe = [[no for no, rank in enumerate(ranks) if rank == wanted] for wanted in (2, 1)]
    rank: ColumnElement[int] = literal_column(
        f"CASE WHEN judged.rules && CAST('{{{_listed(severe[0])}}}' AS smallint[]) THEN 2"
        f" WHEN judged.rules && CAST('{{{_listed(severe[1])}}}' AS smallint[]) THEN 1 ELSE 0 END"
    )
    names = ("record_id", "version_id", "unit_id", "unit_path", "region_path", "owner_id", "category_ids")
    made = await session.execute(
        insert(ScreeningHit).from_select(
            ["screening_id", *names, "rules", "rank"],
            select(
                literal_column(f"CAST('{screening_id}' AS uuid)"), *(found.c[name] for name in names), rules, rank
            ).where(func.cardinality(rules) > 0),
            include_defaults=False,
        )
    )
    total = await session.scalar(select(func.count()).select_from(FEATURES).where(current(scope)))
    return total or 0, made.rowcount  # type: ignore[attr-defined]


def _listed(positions: list[int]) -> str:
    return ",".join(str(each) for each in positions)
