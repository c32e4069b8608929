"""Screenings: what the rules find in many records at once, set-based; then their results."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, SmallInteger, and_, func, insert, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession, Database, WriteSession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.workbooks import Column, Table, WorkbookWriter
from wenming_api.ledgers.backtests.queries import FEATURES, current
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.quality.rules import RuleSet, Severity, Sql, finding_sql, findings_sql
from wenming_api.ledgers.records.models import Record
from wenming_api.ledgers.screenings.models import Screening, ScreeningHit
from wenming_api.ledgers.screenings.rules import Area, ScreeningAction, why_not
from wenming_api.ledgers.screenings.schemas import (
    HitFilter,
    HitSort,
    ScreeningCount,
    ScreeningFinding,
    ScreeningHitRow,
    ScreeningOut,
    ScreeningRow,
    ScreeningRuleCount,
    ScreeningSort,
    ScreeningSummary,
)
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

FLAGGED = Table(
    name="问题台账",
    columns=(
        Column(key="number", header="记录编号", width=10),
        Column(key="title", header="标题", width=40),
        Column(key="state", header="状态", width=10),
        Column(key="unit_name", header="填报单位", width=30),
        Column(key="owner_name", header="填报人", width=12),
        Column(key="severity", header="最严重", width=8),
        Column(key="count", header="问题数", width=8),
        Column(key="findings", header="问题", width=80),
    ),
)
_SHOWN = 50
_BATCH = 2_000
_CHUNK = 1 << 18
_LONGEST_CELL = 10_000
_SEVERITIES = list(Severity)


class ScreeningNotFound(NotFound):
    """There is no such screening, or somebody else asked for it."""

    code = "screening_not_found"
    title = "未找到批量筛查"


def scope_of(area: Area) -> Scope:
    """The rows that the asker saw when he asked."""
    return Scope(
        all_rows=area.all_rows,
        user_id=area.user_id,
        region_prefixes=area.region_prefixes,
        unit_prefixes=area.unit_prefixes,
        unit_paths=area.unit_paths,
    )


def screened(area: Area) -> ColumnElement[bool]:
    """The features that a screening looks at: of current versions, inside scope and filters."""
    conditions = [current(scope_of(area))]
    if area.unit_path is not None:
        conditions.append(FEATURES.c.unit_path.startswith(area.unit_path, autoescape=True))
    if area.region_path is not None:
        conditions.append(FEATURES.c.region_path.startswith(area.region_path, autoescape=True))
    if area.node_id is not None:
        conditions.append(FEATURES.c.category_ids.contains([area.node_id]))
    if area.happened_from is not None:
        conditions.append(FEATURES.c.happened_on >= area.happened_from)
    if area.happened_to is not None:
        conditions.append(FEATURES.c.happened_on <= area.happened_to)
    return and_(*conditions)


async def find_hits(session: WriteSession, *, screening_id: UUID, ruleset: RuleSet, area: Area) -> tuple[int, int, int]:
    """Write the hits of a rule set in an area; (records looked at, records with findings, findings).

    One statement judges all rules over all records and writes what it finds. Which rules it is that found something is
    only asked of records where one did: they are few.
    """
    condition, which = Sql(prefix="r"), Sql(prefix="w")
    some = " OR ".join(finding_sql(rule, condition) for rule in ruleset.rules)
    judged = select(
        FEATURES.c.record_id,
        FEATURES.c.version_id,
        FEATURES.c.unit_id,
        FEATURES.c.unit_path,
        FEATURES.c.region_path,
        FEATURES.c.owner_id,
        FEATURES.c.category_ids,
        text(f"{findings_sql(ruleset.rules, which)} AS rules").bindparams(**which.values),
    ).where(screened(area), text(f"({some})").bindparams(**condition.values))
    found: Any = judged.offset(0).subquery("judged")  # a fence: merged, the rules would be judged for each mention
    rules = literal_column("judged.rules", ARRAY(SmallInteger()))
    ranks = [rule.severity.rank for rule in ruleset.rules]
    severe = [[no for no, rank in enumerate(ranks) if rank == wanted] for wanted in (2, 1)]
    rank: ColumnElement[int] = literal_column(
        f"CASE WHEN judged.rules && CAST('{{{_listed(severe[0])}}}' AS smallint[]) THEN 2"
        f" WHEN judged.rules && CAST('{{{_listed(severe[1])}}}' AS smallint[]) THEN 1 ELSE 0 END"
    )
    names = ("record_id", "version_id", "unit_id", "unit_path", "region_path", "owner_id", "category_ids")
    await session.execute(
        insert(ScreeningHit).from_select(
            ["screening_id", *names, "rules", "rank"],
            select(literal_column(f"CAST('{screening_id}' AS uuid)"), *(found.c[name] for name in names), rules, rank),
            include_defaults=False,
        )
    )
    counts = select(func.count(), func.coalesce(func.sum(func.cardinality(ScreeningHit.rules)), 0))
    flagged, findings = (await session.execute(counts.where(ScreeningHit.screening_id == screening_id))).one()
    total = await session.scalar(select(func.count()).select_from(FEATURES).where(screened(area)))
    return total or 0, flagged, findings


def _listed(positions: list[int]) -> str:
    return ",".join(str(each) for each in positions)


def mine(caller: Principal) -> ColumnElement[bool]:
    """A screening shows what its asker may see: nobody else reads it."""
    return Screening.owner_id == caller.user_id


async def list_screenings(
    session: AnySession, *, caller: Principal, params: PageParams, sort: ScreeningSort = ScreeningSort.NEWEST
) -> Page[ScreeningRow]:
    """One page of the caller's own screenings. Two statements."""
    return await page(
        session,
        select(*(getattr(Screening, name) for name in ScreeningRow.model_fields)).where(mine(caller)),
        params,
        sort=sort,
        columns={"created_at": Screening.created_at},
        key=Screening.id,
        into=ScreeningRow,
    )


async def find_screening(session: AnySession, screening_id: UUID, *, caller: Principal) -> Screening:
    """One of the caller's own screenings, or `ScreeningNotFound`."""
    found = await session.scalar(select(Screening).where(Screening.id == screening_id, mine(caller)))
    if found is None:
        raise ScreeningNotFound
    return found


async def read_screening(session: AnySession, screening_id: UUID, *, caller: Principal) -> ScreeningOut:
    """How far it is, and what may be done. One statement."""
    found = await find_screening(session, screening_id, caller=caller)
    plain = {name: getattr(found, name) for name in ScreeningOut.model_fields if hasattr(found, name)}
    actions = []
    for each in ScreeningAction:
        reason = why_not(each, found.state, alerted=found.alerted_at is not None)
        actions.append(action(each.value, each.label, (reason is None, reason or "")))
    rules = [{name: rule[name] for name in ("code", "no", "name", "message", "severity")} for rule in found.rules]
    return ScreeningOut.model_validate(plain | {"rules": rules, "allowed_actions": actions})


def _hits(screening: Screening, caller: Principal) -> ColumnElement[bool]:
    """The hits that the caller may still see."""
    return and_(ScreeningHit.screening_id == screening.id, caller.scope.where(ScreeningHit))


async def summarise(session: AnySession, screening_id: UUID, *, caller: Principal) -> ScreeningSummary:
    """Hits by severity, rule, unit and category, as far as the caller sees them. Five statements."""
    screening = await find_screening(session, screening_id, caller=caller)
    seen = _hits(screening, caller)
    ranks = dict((await session.execute(_counted(ScreeningHit.rank, seen))).all())
    position = func.unnest(ScreeningHit.rules)
    found = dict((await session.execute(_counted(position, seen))).all())
    by_rule = [
        ScreeningRuleCount(code=rule["code"], name=rule["name"], severity=rule["severity"], records=found.get(no, 0))
        for no, rule in enumerate(screening.rules)
    ]
    return ScreeningSummary(
        flagged=sum(ranks.values()),
        by_severity={each: ranks.get(each.rank, 0) for each in Severity},
        by_rule=sorted(by_rule, key=lambda each: -each.records),
        by_unit=await _most(session, ScreeningHit.unit_id, Unit, seen),
        by_category=await _most(session, func.unnest(ScreeningHit.category_ids), CatalogueNode, seen),
    )


def _counted(key: Any, seen: ColumnElement[bool]) -> Any:
    each = select(key.label("key")).where(seen).subquery()
    return select(each.c.key, func.count().label("records")).group_by(each.c.key)


async def _most(session: AnySession, key: Any, named: Any, seen: ColumnElement[bool]) -> list[ScreeningCount]:
    counted = _counted(key, seen).order_by(text("records DESC"), text("key")).limit(_SHOWN).subquery()
    rows = await session.execute(
        select(counted.c.key.label("id"), named.name, counted.c.records)
        .join(named, named.id == counted.c.key)
        .order_by(counted.c.records.desc(), counted.c.key)
    )
    return [ScreeningCount.model_validate(row) for row in rows]


def flagged(screening: Screening, *, caller: Principal, wanted: HitFilter) -> Any:
    """The hits that match every filter, with what a reader wants to know of their records."""
    statement = (
        select(
            ScreeningHit.record_id,
            Record.number,
            Record.title,
            Record.state,
            ScreeningHit.unit_id,
            Unit.name.label("unit_name"),
            ScreeningHit.owner_id,
            User.display_name.label("owner_name"),
            ScreeningHit.rank,
            ScreeningHit.rules,
        )
        .join(Record, Record.id == ScreeningHit.record_id)
        .outerjoin(Unit, Unit.id == ScreeningHit.unit_id)
        .outerjoin(User, User.id == ScreeningHit.owner_id)
        .where(_hits(screening, caller))
    )
    if wanted.severity is not None:
        statement = statement.where(ScreeningHit.rank == wanted.severity.rank)
    if wanted.rule is not None:
        positions = [no for no, rule in enumerate(screening.rules) if rule["code"] == wanted.rule]
        statement = statement.where(ScreeningHit.rules.overlap(positions))
    if wanted.unit_id is not None:
        statement = statement.where(ScreeningHit.unit_id == wanted.unit_id)
    if wanted.node_id is not None:
        statement = statement.where(ScreeningHit.category_ids.contains([wanted.node_id]))
    return statement


def findings_of(screening: Screening, row: Any) -> dict[str, Any]:
    """Severity and findings of a hit, from the rules as they were."""
    return {
        "severity": _SEVERITIES[row["rank"]],
        "findings": [
            ScreeningFinding.model_validate({name: screening.rules[no][name] for name in ScreeningFinding.model_fields})
            for no in row["rules"]
        ],
    }


async def list_hits(
    session: AnySession,
    screening_id: UUID,
    *,
    caller: Principal,
    params: PageParams,
    wanted: HitFilter,
    sort: HitSort = HitSort.WORST,
) -> Page[ScreeningHitRow]:
    """One page of flagged records. Three statements."""
    screening = await find_screening(session, screening_id, caller=caller)
    return await page(
        session,
        flagged(screening, caller=caller, wanted=wanted),
        params,
        sort=sort,
        columns={"severity": ScreeningHit.rank, "number": Record.number},
        key=ScreeningHit.record_id,
        into=ScreeningHitRow,
        extra=lambda row: findings_of(screening, row),
    )


async def export_hits(
    database: Database, screening: Screening, *, caller: Principal, wanted: HitFilter
) -> AsyncIterator[bytes]:
    """The workbook of flagged records, the worst first, in pieces; in a session of its own and in constant memory."""
    statement = flagged(screening, caller=caller, wanted=wanted).order_by(ScreeningHit.rank.desc(), Record.number)
    with tempfile.TemporaryFile() as file:
        book = WorkbookWriter(file)
        book.begin(FLAGGED)
        async with database.snapshot() as session:
            rows = await session.stream(statement)
            async for batch in rows.mappings().partitions(_BATCH):
                await asyncio.to_thread(_add_all, book, screening, batch)
        await asyncio.to_thread(book.__exit__)
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def _add_all(book: WorkbookWriter, screening: Screening, rows: Iterable[RowMapping]) -> None:
    for row in rows:
        shown = findings_of(screening, row)
        words = "；".join(f"{each.severity.label}：{each.message}" for each in shown["findings"])
        book.add(
            dict(row)
            | {"severity": shown["severity"].label, "state": row["state"].label}
            | {"count": len(row["rules"]), "findings": words[:_LONGEST_CELL]}
        )
