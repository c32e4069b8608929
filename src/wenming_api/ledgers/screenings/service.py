"""Bulk screenings (批量筛查, L4.1, A5.1): asked for, run in the background, owners alerted once."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import Database, WriteSession
from wenming_api.kit.fields import Judged
from wenming_api.kit.jobs import enqueue
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, check_edited, check_judged
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.quality.models import QualityRule
from wenming_api.ledgers.quality.queries import active_rules, visible
from wenming_api.ledgers.quality.rules import RuleSet, RuleState, rule_from
from wenming_api.ledgers.records.models import Record
from wenming_api.ledgers.screenings.models import Screening, ScreeningHit
from wenming_api.ledgers.screenings.queries import ScreeningNotFound, find_hits, mine
from wenming_api.ledgers.screenings.rules import (
    NAMED,
    UNDER_WAY,
    Area,
    ScreeningAction,
    ScreeningState,
    alert_words,
    area_from,
    why_not,
)
from wenming_api.ledgers.screenings.schemas import ScreeningCreate
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import add_news
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

RUN = "ledgers.screenings.run"
"""The job that screens."""


class NothingToScreenBy(Conflict):
    """No rule is in force that reaches the caller's records."""

    code = "screening_without_rules"
    title = "没有启用的质控标准"


async def request_screening(session: WriteSession, *, caller: Principal, wanted: ScreeningCreate) -> Screening:
    """Queue a screening of the caller's scope, by the rules in force today.

    Raises:
        InvalidInput: a filter or a rule that is not there.
        NothingToScreenBy: no rule is in force.
    """
    rules, faults = await _chosen(session, caller=caller, codes=wanted.rule_codes)
    area, more = await _area(session, caller=caller, wanted=wanted)
    if faults or more:
        raise InvalidInput(errors=[*faults, *more])
    if not rules.rules:
        raise NothingToScreenBy("请先启用质控标准，再进行批量筛查。")
    made = Screening(
        rules=[rule.document() for rule in rules.rules],
        ruleset_hash=rules.hash,
        area=area.document(),
        filters=wanted.model_dump(mode="json"),
        owner_id=caller.user_id,
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
        region_path=caller.region_path,
    )
    session.add(made)
    await session.flush()  # the job and the audit entry name it
    await enqueue(session, RUN, {"screening_id": str(made.id)})
    await record(
        session,
        caller=caller,
        action="screenings.run",
        target=("screening", made.id),
        after={"filters": made.filters, "rules": len(rules.rules), "ruleset_hash": rules.hash},
    )
    return made


async def _chosen(
    session: WriteSession, *, caller: Principal, codes: list[str] | None
) -> tuple[RuleSet, list[FieldError]]:
    """The rules in force that the caller may see, or those of them that he chose."""
    seen = set(
        await session.scalars(select(QualityRule.code).where(QualityRule.state == RuleState.ACTIVE, visible(caller)))
    )
    in_force = await active_rules(session, on=clock.at_the_edge(clock.now()).date())
    known = {rule.code: rule for rule in in_force.rules if rule.code in seen}
    if codes is None:
        return RuleSet.of(known.values()), []
    faults = [
        FieldError(f"/rule_codes/{no}", "没有这条有效的质控标准") for no, code in enumerate(codes) if code not in known
    ]
    return RuleSet.of(known[code] for code in set(codes) & known.keys()), faults


async def _area(session: WriteSession, *, caller: Principal, wanted: ScreeningCreate) -> tuple[Area, list[FieldError]]:
    faults = []
    unit_path = region_path = None
    if wanted.unit_id is not None:
        unit_path = await session.scalar(select(Unit.unit_path).where(Unit.id == wanted.unit_id))
        if unit_path is None:
            faults.append(FieldError("/unit_id", "没有这个单位"))
    if wanted.region_id is not None:
        region_path = await session.scalar(select(Region.path).where(Region.id == wanted.region_id))
        if region_path is None:
            faults.append(FieldError("/region_id", "没有这个区域"))
    if wanted.node_id is not None:
        there = await session.scalar(select(CatalogueNode.id).where(CatalogueNode.id == wanted.node_id))
        if there is None:
            faults.append(FieldError("/node_id", "没有这个分类"))
    scope = caller.scope
    area = Area(
        all_rows=scope.all_rows,
        user_id=scope.user_id,
        region_prefixes=scope.region_prefixes,
        unit_prefixes=scope.unit_prefixes,
        unit_paths=scope.unit_paths,
        unit_path=unit_path,
        region_path=region_path,
        node_id=wanted.node_id,
        happened_from=wanted.happened_from,
        happened_to=wanted.happened_to,
    )
    return area, faults


async def run(database: Database, screening_id: UUID) -> None:
    """Screen. Does nothing for a screening that is over, or gone; hits and state are written together."""
    async with database.transaction() as session:
        screening = await _under_way(session, screening_id)
        if screening is None:
            return
        screening.state = ScreeningState.RUNNING
        screening.started_at = screening.started_at or clock.now()
    async with database.transaction() as session:
        screening = await _under_way(session, screening_id)
        if screening is None:
            return
        ruleset = RuleSet.of(rule_from(each) for each in screening.rules)
        started = clock.now()
        screening.records, screening.flagged, screening.findings = await find_hits(
            session, screening_id=screening_id, ruleset=ruleset, area=area_from(screening.area)
        )
        screening.state, screening.finished_at = ScreeningState.DONE, clock.now()
        screening.milliseconds = round((screening.finished_at - started).total_seconds() * 1000)


async def fail(database: Database, screening_id: UUID, why: str) -> None:
    """Give a screening up, and say why."""
    async with database.transaction() as session:
        screening = await _under_way(session, screening_id)
        if screening is not None:
            screening.state, screening.problem, screening.finished_at = ScreeningState.FAILED, why, clock.now()


async def _under_way(session: WriteSession, screening_id: UUID) -> Screening | None:
    found = await session.scalar(select(Screening).where(Screening.id == screening_id).with_for_update())
    return found if found is not None and found.state in UNDER_WAY else None


async def alert_owners(session: WriteSession, *, caller: Principal, screening_id: UUID, judged: Judged) -> Screening:
    """Tell each owner of flagged records, once and in one message. Raises `VersionMoved`, `IllegalTransition`."""
    screening = await _locked(session, caller=caller, screening_id=screening_id)
    check_judged(judged.version, screening.version)
    reason = why_not(ScreeningAction.ALERT, screening.state, alerted=screening.alerted_at is not None)
    if reason is not None:
        raise IllegalTransition(f"{reason}。", allowed=[ScreeningAction.DELETE.value])
    news = await _news(session, screening, caller)
    await add_news(
        session,
        news,
        topic=Topic.RECORD,
        title="台账质控筛查发现问题",
        target=("screening", screening.id),
        dedupe_key=f"screening:{screening.id}",
        once=True,
    )
    screening.alerted_at, screening.alerted = clock.now(), len(news)
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="screenings.alert",
        target=("screening", screening.id),
        after={"alerted": screening.alerted},
    )
    return screening


async def _news(session: WriteSession, screening: Screening, caller: Principal) -> dict[UUID, str]:
    """What each owner is told: how many of his records were flagged, and the worst of them by title."""
    of_owner: dict[str, Any] = {"partition_by": ScreeningHit.owner_id}
    hits = (
        select(
            ScreeningHit.owner_id,
            Record.title,
            func.row_number().over(**of_owner, order_by=(ScreeningHit.rank.desc(), Record.number)).label("no"),
            func.count().over(**of_owner).label("records"),
        )
        .join(Record, Record.id == ScreeningHit.record_id)
        .where(
            ScreeningHit.screening_id == screening.id,
            ScreeningHit.owner_id.is_not(None),
            caller.scope.where(ScreeningHit),
        )
        .subquery()
    )
    titles: dict[UUID, list[str]] = {}
    records: dict[UUID, int] = {}
    for row in await session.execute(select(hits).where(hits.c.no <= NAMED).order_by(hits.c.owner_id, hits.c.no)):
        titles.setdefault(row.owner_id, []).append(row.title)
        records[row.owner_id] = row.records
    return {owner: alert_words(named, records[owner]) for owner, named in titles.items()}


async def delete_screening(session: WriteSession, *, caller: Principal, screening_id: UUID, version: int) -> None:
    """Remove a screening with its hits; one that is under way stops. Raises `StaleVersion`."""
    screening = await _locked(session, caller=caller, screening_id=screening_id)
    check_edited(version, screening.version)
    await session.delete(screening)
    await record(
        session,
        caller=caller,
        action="screenings.delete",
        target=("screening", screening_id),
        before={"state": screening.state, "filters": screening.filters},
    )


async def _locked(session: WriteSession, *, caller: Principal, screening_id: UUID) -> Screening:
    found = await session.scalar(select(Screening).where(Screening.id == screening_id, mine(caller)).with_for_update())
    if found is None:
        raise ScreeningNotFound
    return found
