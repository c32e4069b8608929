"""The tables of a result as a workbook: written row by row to a file, sent in pieces."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import and_, select

from wenming_api.access.scope import Scope
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.result_books.rules import sheet_names
from wenming_api.city.results.models import Result, ResultFigure, ResultSite
from wenming_api.city.results.queries import lists_of, require, visible
from wenming_api.city.results.rules import Cut, ResultState
from wenming_api.city.results.schemas import ListOut
from wenming_api.kit.clock import at_the_edge
from wenming_api.kit.db import AnySession, Database
from wenming_api.kit.exact import shown
from wenming_api.kit.workbooks import WorkbookWriter

_PIECE = 1 << 16
_BATCH = 500
_FIGURE_HEADERS = (
    "编码",
    "名称",
    "层级",
    "得分",
    "实地得分",
    "符合率（%）",
    "应得分",
    "实得分",
    "适用条数",
    "符合条数",
    "点位数",
    "有得分点位数",
    "名次",
    "说明",
)
_SITE_HEADERS = ("点位编码", "点位名称", "类型", "区域", "得分", "实得分", "应得分", "适用条数", "符合条数", "否决")
_LEVELS = {"city": "市", "county": "区县", "street": "街镇", "community": "社区村居"}


async def export_result(
    database: Database, *, scope: Scope, assessment_id: UUID, result_id: UUID
) -> AsyncIterator[bytes]:
    """The workbook in pieces: a cover, every ranking list, every cut and the sites, as far as the scope shows them.

    Reads in a session of its own, since it is sent after the request's has ended; the caller has checked by
    `check_export` that there is something to see.
    """
    with tempfile.TemporaryFile() as file:
        async with database.snapshot() as session:
            await _write(session, file, scope, assessment_id, result_id)
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


async def check_export(session: AnySession, *, scope: Scope, assessment_id: UUID, result_id: UUID) -> None:
    """`NotFound` unless the scope shows this result."""
    await require(session, scope=scope, assessment_id=assessment_id, result_id=result_id)


async def _write(session: AnySession, file: BinaryIO, scope: Scope, assessment_id: UUID, result_id: UUID) -> None:
    head = (
        await session.execute(
            select(Assessment.number, Assessment.name, *Result.__table__.columns)
            .join(Assessment, Assessment.id == Result.assessment_id)
            .where(Result.id == result_id, Result.assessment_id == assessment_id, visible(scope))
        )
    ).one()
    lists = await lists_of(session, result_id=result_id, heads=head.lists)
    names = sheet_names(["说明", *(each.name for each in lists), *(cut.label for cut in Cut), "点位成绩"])
    with WorkbookWriter(file) as book:
        book.begin_plain(names[0], ("项目", "内容"))
        for line in _cover(head):
            book.add_cells(line)
        for name, each in zip(names[1:], lists, strict=False):
            await asyncio.to_thread(_write_list, book, name, each)
        for name, cut in zip(names[1 + len(lists) :], Cut, strict=False):
            book.begin_plain(name, _FIGURE_HEADERS)
            figures = await session.stream(
                select(*ResultFigure.__table__.columns)
                .where(ResultFigure.result_id == result_id, ResultFigure.cut == cut, scope.where(ResultFigure))
                .order_by(ResultFigure.position)
            )
            async for rows in figures.partitions(_BATCH):
                await asyncio.to_thread(_add, book, [_figure_cells(row) for row in rows])
        book.begin_plain(names[-1], _SITE_HEADERS)
        sites = await session.stream(
            select(ResultSite, ResultFigure.name.label("region_name"))
            .outerjoin(
                ResultFigure,
                and_(
                    ResultFigure.result_id == ResultSite.result_id,
                    ResultFigure.cut == Cut.REGION,
                    ResultFigure.region_path == ResultSite.region_path,
                ),
            )
            .where(ResultSite.result_id == result_id, scope.where(ResultSite))
            .order_by(ResultSite.code)
        )
        async for rows in sites.partitions(_BATCH):
            await asyncio.to_thread(_add, book, [_site_cells(row.ResultSite, row.region_name) for row in rows])


def _cover(head: Any) -> Iterable[tuple[str, str]]:
    yield "测评编号", head.number
    yield "测评名称", head.name
    yield "状态", head.state.label
    if head.state is ResultState.PUBLISHED:
        yield "发布时间", at_the_edge(head.published_at).strftime("%Y-%m-%d %H:%M:%S")
    yield "计算时间", at_the_edge(head.computed_at).strftime("%Y-%m-%d %H:%M:%S")
    yield "点位数", str(head.sites)
    yield "测评表数", str(head.sheets)
    yield "评分条数", str(head.lines)
    yield "成绩哈希（SHA-256）", head.hash


def _write_list(book: WorkbookWriter, name: str, each: ListOut) -> None:
    methods = [(method.code, method.name) for method in each.methods] or [("field", "实地考察")]
    totals = () if each.field_only else ("加权得分", "加分", "负面清单扣分", "总分")
    book.begin_plain(name, ("名次", "区域代码", "区域", *(label for _, label in methods), *totals, "标注"))
    for entry in each.entries:
        keys = [f"methods.{code}" for code, _ in methods]
        keys += [] if each.field_only else ["composite", "bonus", "negative", "total"]
        figures = [Decimal(entry.shown[key]) if key in entry.shown else None for key in keys]
        book.add_cells([entry.rank, entry.region_code, entry.region_name, *figures, entry.mark])


def _add(book: WorkbookWriter, rows: Iterable[list[Any]]) -> None:
    for row in rows:
        book.add_cells(row)


def _two(value: Decimal | None) -> Decimal | None:
    return None if value is None else shown(value)


def _figure_cells(row: Any) -> list[Any]:
    return [
        row.code,
        row.name,
        _LEVELS.get(row.level, row.level),
        _two(row.score),
        _two(row.field),
        _two(row.conformance),
        _two(row.max_score),
        _two(row.achieved),
        row.applicable,
        row.conforming,
        row.sites,
        row.scored_sites,
        row.rank,
        "否决" if row.vetoed else "；".join(row.missing) or None,
    ]


def _site_cells(site: ResultSite, region_name: str | None) -> list[Any]:
    return [
        site.code,
        site.name,
        site.site_type_name,
        region_name,
        _two(site.score),
        _two(site.achieved),
        _two(site.max_score),
        site.applicable,
        site.conforming,
        "否决" if site.vetoes else None,
    ]
