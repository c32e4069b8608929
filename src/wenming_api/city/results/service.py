"""Computing, publishing and verifying results (C4.1-C4.4)."""

import asyncio
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.queries import visible as visible_assessment
from wenming_api.city.assessments.rules import AssessmentAction, AssessmentState
from wenming_api.city.assessments.service import attach_result, change_state, lock_for_change
from wenming_api.city.cells.rules import COLUMNS as CELL_COLUMNS
from wenming_api.city.cells.rules import DEEPEST, copied
from wenming_api.city.results.models import (
    Result,
    ResultCell,
    ResultEntry,
    ResultFigure,
    ResultKind,
    ResultPlace,
    ResultSheet,
    ResultSite,
    ResultSpread,
)
from wenming_api.city.results.rules import ResultState, Rows
from wenming_api.city.results.schemas import PublishIn
from wenming_api.city.rollup.rules import Figures, figures_of, result_hash
from wenming_api.city.sitescores.rules import Tally, tally
from wenming_api.city.snapshots.queries import gather_snapshot
from wenming_api.city.snapshots.rules import FORM, Snapshot, canonical, text_digest, to_json
from wenming_api.kit import clock
from wenming_api.kit.db import Base, WriteSession, copy_rows, raw_connection
from wenming_api.kit.ids import uuid7
from wenming_api.kit.invalidation import invalidate
from wenming_api.kit.problems import Conflict, Forbidden, NotFound, check_judged
from wenming_api.system.audit.service import record

RANKINGS = "rankings"
"""Topic that public ranking lists are kept under."""

RESULTS = "results"
"""Topic that statistics over results are kept under."""


class NotDrawn(Conflict):
    """Nothing to compute: no draw is effective."""

    code = "not_drawn"
    title = "尚无生效的抽选"


class ResultFinal(Conflict):
    """The assessment's result is published; it is verified, never computed again."""

    code = "result_final"
    title = "成绩已发布"


class ResultOutdated(Conflict):
    """What enters the result has changed since it was computed, or a newer one was computed."""

    code = "result_outdated"
    title = "成绩已过期"


class ResultIncomplete(Conflict):
    """Sheets are not accepted yet; publishing nevertheless must be said."""

    code = "result_incomplete"
    title = "测评表尚未全部审核"


async def compute_result(session: WriteSession, *, caller: Principal, assessment_id: UUID) -> Result:
    """Compute the assessment's figures from the sheets accepted so far.

    Entry goes on meanwhile. Two computations of one assessment follow each other.

    Raises:
        NotFound, Forbidden: not the caller's to compute.
        NotDrawn, ResultFinal: nothing to compute, or no more.
    """
    assessment = (
        await session.execute(
            select(Assessment.region_path, Assessment.effective_draw_id, Assessment.state).where(
                Assessment.id == assessment_id, visible_assessment(caller.scope)
            )
        )
    ).one_or_none()
    if assessment is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    if not caller.scope.holds_region(assessment.region_path):
        raise Forbidden("测评由上级组织，您只能查看。")
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(assessment_id), 9))))
    last = (
        await session.execute(
            select(Result.id, Result.no, Result.state)
            .where(Result.assessment_id == assessment_id)
            .order_by(Result.no.desc())
            .limit(1)
        )
    ).one_or_none()
    if last is not None and last.state is ResultState.PUBLISHED:
        raise ResultFinal("成绩已发布，不能重新计算；可以校验其哈希。")
    if assessment.effective_draw_id is None or assessment.state is AssessmentState.STOPPED:
        raise NotDrawn("测评尚无生效的抽选，或已终止，没有可计算的成绩。")
    gathered = await gather_snapshot(session, assessment_id=assessment_id)
    snapshot = gathered.snapshot
    sums, figures, document, inputs_hash, hash_ = await asyncio.to_thread(_compute, snapshot)
    result = Result(
        id=uuid7(),
        assessment_id=assessment_id,
        region_path=gathered.region_path,
        no=last.no + 1 if last else 1,
        state=ResultState.COMPUTED,
        current=True,
        form=FORM,
        hash=hash_,
        inputs_hash=inputs_hash,
        sites=len(snapshot.sites),
        scored_sites=sum(figure.score is not None for figure in figures.sites),
        sheets=len(snapshot.sheets),
        open_sheets=gathered.open_sheets,
        lines=sum(len(sheet.lines) for sheet in snapshot.sheets),
        computed_by=caller.user_id,
        computed_at=clock.now(),
    )
    rows = Rows(snapshot, sums, figures, region_path=gathered.region_path)
    result.lists = rows.lists()
    if last is not None:
        await session.execute(update(Result).where(Result.id == last.id).values(current=False))
        await _forget_cells(session, last.id)
    session.add(result)
    await session.flush()  # the rows refer to it
    await _store(session, result.id, document, rows)
    await record(
        session,
        caller=caller,
        action="results.compute",
        target=("result", result.id),
        after={"no": result.no, "hash": hash_, "sites": result.sites, "open_sheets": result.open_sheets},
        context=("assessment", assessment_id),
    )
    await invalidate(session, RESULTS)
    return result


def _compute(snapshot: Snapshot) -> tuple[Tally, Figures, str, str, str]:
    sums = tally(snapshot)
    figures = figures_of(snapshot, sums)
    document = canonical(to_json(snapshot))
    inputs_hash = text_digest(document)
    return sums, figures, document, inputs_hash, result_hash(snapshot, figures, inputs=inputs_hash)


async def _store(session: WriteSession, result_id: UUID, document: str, rows: Rows) -> None:
    connection = await raw_connection(session)
    await connection.execute(
        "INSERT INTO result_snapshots (result_id, document) VALUES ($1, $2::text::jsonb)", result_id, document
    )
    tables: tuple[tuple[type[Base], Iterable[dict[str, Any]]], ...] = (
        (ResultFigure, rows.figures()),
        (ResultSite, rows.sites()),
        (ResultEntry, rows.entries()),
        (ResultSheet, rows.sheets()),
        (ResultSpread, rows.spreads()),
    )
    for table, found in tables:
        await copy_rows(session, table, [{"result_id": result_id, **row} for row in found])
    await _store_cells(session, result_id, rows)


async def _store_cells(session: WriteSession, result_id: UUID, rows: Rows) -> None:
    cut = await asyncio.to_thread(rows.cells)
    places = await _numbered(session, ResultPlace, result_id, rows.places())
    kinds = {number: await _numbered(session, ResultKind, result_id, rows.kinds(one)) for number, one in enumerate(cut)}
    copied_cells = await asyncio.to_thread(copied, cut, places, kinds)
    connection = await raw_connection(session)
    await connection.copy_to_table(
        ResultCell.__tablename__, source=BytesIO(copied_cells), columns=CELL_COLUMNS, format="binary"
    )


async def _numbered(
    session: WriteSession, table: type[Base], result_id: UUID, found: Iterable[dict[str, Any]]
) -> list[int]:
    """Store rows under numbers of their own; the numbers, in the order of the rows."""
    rows = list(found)
    taken = await session.scalars(
        text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"),
        {"name": table.__tablename__, "count": len(rows)},
    )
    ids = list(taken)
    await copy_rows(
        session, table, [{"id": id_, "result_id": result_id, **row} for id_, row in zip(ids, rows, strict=True)]
    )
    return ids


async def _forget_cells(session: WriteSession, result_id: UUID) -> None:
    places = select(ResultPlace.id).where(ResultPlace.result_id == result_id)
    await session.execute(
        # Every depth is named because the index begins with it.
        delete(ResultCell).where(ResultCell.depth_from.in_(range(DEEPEST + 1)), ResultCell.place_id.in_(places))
    )
    for table in (ResultPlace, ResultKind):
        await session.execute(delete(table).where(table.result_id == result_id))


async def publish_result(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, result_id: UUID, wish: PublishIn
) -> Result:
    """Freeze a result, attach it to its assessment and close that.

    The inputs are gathered once more while nobody can enter anything: what is published is what is there.

    Raises:
        NotFound, Forbidden: not the caller's to publish.
        ResultFinal, VersionMoved: it is published, or somebody was faster.
        ResultOutdated: something has changed since it was computed.
        ResultIncomplete: not all sheets are accepted, and the wish does not say that this is meant.
        IllegalTransition: the field work is not over.
    """
    assessment = await lock_for_change(session, assessment_id, caller=caller)
    found = await session.scalars(
        select(Result).where(Result.id == result_id, Result.assessment_id == assessment_id).with_for_update()
    )
    result = found.one_or_none()
    if result is None:
        raise NotFound
    if result.state is ResultState.PUBLISHED:
        raise ResultFinal("这份成绩已经发布。")
    check_judged(wish.version, result.version)
    await attach_result(session, caller=caller, assessment_id=assessment_id, result_id=result_id)
    gathered = await gather_snapshot(session, assessment_id=assessment_id)
    now = await asyncio.to_thread(lambda: text_digest(canonical(to_json(gathered.snapshot))))
    if not result.current or now != result.inputs_hash:
        raise ResultOutdated("计算之后数据或方案有变化，请重新计算后再发布。")
    if gathered.open_sheets and not wish.accept_incomplete:
        raise ResultIncomplete(
            f"还有 {gathered.open_sheets} 张测评表未审核通过，不会计入成绩；确需发布请确认（accept_incomplete）。",
            open_sheets=gathered.open_sheets,
        )
    result.state = ResultState.PUBLISHED
    result.published_by, result.published_at, result.reason = caller.user_id, clock.now(), wish.reason
    if assessment.state is AssessmentState.REVIEWING:
        await change_state(
            session,
            caller=caller,
            assessment_id=assessment_id,
            step=AssessmentAction.CLOSE,
            version=assessment.version,
            reason=wish.reason,
        )
    await record(
        session,
        caller=caller,
        action="results.publish",
        target=("result", result.id),
        before={"state": ResultState.COMPUTED.value},
        after={"state": ResultState.PUBLISHED.value, "hash": result.hash},
        reason=wish.reason,
        context=("assessment", assessment_id),
    )
    await invalidate(session, RANKINGS)
    await invalidate(session, RESULTS)
    return result
