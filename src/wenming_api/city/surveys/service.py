"""Changes of method totals: entered one by one or imported; frozen with the assessment's state (C3.3)."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.service import Held, lock_for_review
from wenming_api.city.surveys.models import MethodScore
from wenming_api.city.surveys.queries import entered_methods
from wenming_api.city.surveys.rules import COMPUTED, ScoreSource
from wenming_api.city.surveys.schemas import MethodScoreCreate, MethodScoreUpdate
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.exact import ratio_text, stored
from wenming_api.kit.ids import uuid7
from wenming_api.kit.imports import ImportReport, failed_rows, faults_of
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput, NotFound, check_edited
from wenming_api.kit.workbooks import Column, ReadTable, Row, Table, decimal, read_table, write_errors
from wenming_api.system.audit.service import entry, record, record_many
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit

Place = tuple[UUID | None, UUID | None]
"""(region, unit): one of them is None."""


class ScoreComputed(Conflict):
    """The total was computed from answers."""

    code = "score_computed"
    title = "得分由问卷计算得出"


TABLE = Table(
    name="得分",
    columns=(
        Column(key="method", header="测评方法", required=True, max_length=64, hint="方法名称或代码"),
        Column(key="region_code", header="区划代码", max_length=12, hint="按区域录入时填写 12 位代码"),
        Column(key="unit", header="单位", max_length=100, hint="按单位录入时填写名称或统一社会信用代码"),
        Column(key="score", header="得分", parse=decimal(0, 1_000_000), required=True),
        Column(key="max_score", header="满分", parse=decimal(0, 1_000_000), hint="不填为 100"),
        Column(key="note", header="备注", max_length=200),
    ),
)


async def _held(session: WriteSession, caller: Principal, assessment_id: UUID) -> Held:
    held = await lock_for_review(session, assessment_id)
    if not caller.scope.holds_region(held.region_path):
        raise NotFound
    return held


async def create_method_score(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, new: MethodScoreCreate
) -> MethodScore:
    """Enter one total. A second one for the same method and object is a conflict."""
    held = await _held(session, caller, assessment_id)
    if new.method_code not in await entered_methods(session, assessment_id=assessment_id):
        raise InvalidInput(errors=[FieldError("/method_code", "本次测评没有此方法，或其得分来自测评表或问卷")])
    if new.score > new.max_score:
        raise InvalidInput(errors=[FieldError("/score", "得分不能超过满分")])
    region_path, unit_path = await _place(session, new, held.region_path)
    same = select(MethodScore.id).where(
        MethodScore.assessment_id == assessment_id,
        MethodScore.method_code == new.method_code,
        MethodScore.region_id == new.region_id if new.region_id else MethodScore.unit_id == new.unit_id,
    )
    if (await session.execute(same)).first() is not None:  # the index decides between two at once
        raise Conflict("该区域或单位已录入此方法的得分，请修改原有记录。")
    made = MethodScore(
        assessment_id=assessment_id,
        method_code=new.method_code,
        region_id=new.region_id,
        unit_id=new.unit_id,
        region_path=region_path,
        unit_path=unit_path,
        score=new.score,
        max_score=new.max_score,
        source=ScoreSource.ENTERED,
        note=new.note,
    )
    session.add(made)
    await session.flush()  # a second total answers its conflict before the audit entry is written
    await record(
        session,
        caller=caller,
        action="method_scores.create",
        target=("method_score", made.id),
        after=new.model_dump(mode="json"),
        context=("assessment", assessment_id),
    )
    return made


async def _place(session: WriteSession, new: MethodScoreCreate, root: str) -> tuple[str, str | None]:
    if new.region_id is not None:
        path = await session.scalar(select(Region.path).where(Region.id == new.region_id))
        if path is None or not path.startswith(root):
            raise InvalidInput(errors=[FieldError("/region_id", "区域不存在，或不在本次测评范围内")])
        return path, None
    unit = (await session.execute(select(Unit.region_path, Unit.unit_path).where(Unit.id == new.unit_id))).one_or_none()
    if unit is None or not unit.region_path.startswith(root):
        raise InvalidInput(errors=[FieldError("/unit_id", "单位不存在，或不在本次测评范围内")])
    return unit.region_path, unit.unit_path


async def _changeable(
    session: WriteSession, caller: Principal, assessment_id: UUID, score_id: UUID, version: int
) -> MethodScore:
    await _held(session, caller, assessment_id)
    found = await session.scalars(
        select(MethodScore)
        .where(MethodScore.id == score_id, MethodScore.assessment_id == assessment_id, caller.scope.where(MethodScore))
        .with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    check_edited(version, row.version)
    if row.source is ScoreSource.QUESTIONNAIRE:
        raise ScoreComputed(f"{COMPUTED}。")
    return row


async def update_method_score(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    score_id: UUID,
    version: int,
    changes: MethodScoreUpdate,
) -> MethodScore:
    """Change a total; an imported one becomes an entered one."""
    row = await _changeable(session, caller, assessment_id, score_id, version)
    given = changes.model_dump(exclude_unset=True)
    if given.get("score", 0) is None or given.get("max_score", 0) is None:
        raise InvalidInput(errors=[FieldError("/score", "得分与满分不能为空")])
    before = {name: getattr(row, name) for name in given}
    for name, value in given.items():
        setattr(row, name, value)
    if row.score > row.max_score:
        raise InvalidInput(errors=[FieldError("/score", "得分不能超过满分")])
    row.source = ScoreSource.ENTERED
    await record(
        session,
        caller=caller,
        action="method_scores.update",
        target=("method_score", row.id),
        before=before,
        after=given,
        context=("assessment", assessment_id),
    )
    return row


async def delete_method_score(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, score_id: UUID, version: int
) -> None:
    """Take a total back."""
    row = await _changeable(session, caller, assessment_id, score_id, version)
    await record(
        session,
        caller=caller,
        action="method_scores.delete",
        target=("method_score", row.id),
        before={"method_code": row.method_code, "score": row.score, "max_score": row.max_score},
        context=("assessment", assessment_id),
    )
    await session.delete(row)


async def import_method_scores(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, data: bytes, dry_run: bool, partial: bool
) -> tuple[ImportReport, bytes | None]:
    """Import totals from XLSX or CSV; a total that is there already is updated.

    Nothing is saved on a dry run, nor when a row is wrong unless `partial`. Returns the report and, when rows were
    wrong, the workbook that marks them.
    """
    held = await _held(session, caller, assessment_id)
    read = await asyncio.to_thread(read_table, data, TABLE)
    rows = await _resolve(session, read, assessment_id, held.region_path)
    there = {
        (one.method_code, one.region_id, one.unit_id): one
        for one in await session.scalars(
            select(MethodScore).where(MethodScore.assessment_id == assessment_id).with_for_update()
        )
    }
    new, changed, unchanged = [], [], 0
    for row in rows:
        old = there.get((row["method_code"], row["region_id"], row["unit_id"]))
        if old is None:
            new.append({**row, "id": uuid7(), "assessment_id": assessment_id, "source": ScoreSource.IMPORTED})
        elif (old.score, old.max_score, old.note) == (row["score"], row["max_score"], row["note"]):
            unchanged += 1
        else:
            changed.append((old, row))
    failed = failed_rows(read)
    apply = not dry_run and (partial or not failed)
    if apply:
        await _save(session, caller, assessment_id, new, changed)
    report = ImportReport(
        dry_run=dry_run,
        applied=apply,
        total=len(rows) + failed,
        created=len(new),
        updated=len(changed),
        unchanged=unchanged,
        failed=failed,
        faults=faults_of(read),
    )
    return report, await asyncio.to_thread(write_errors, [read]) if failed else None


async def _resolve(session: WriteSession, read: ReadTable, assessment_id: UUID, root: str) -> list[dict[str, Any]]:
    methods = await entered_methods(session, assessment_id=assessment_id)
    codes = {**{name: code for code, name in methods.items()}, **{code: code for code in methods}}
    wanted = [found["region_code"] for found in read.rows if found["region_code"]]
    regions = {
        found.code: found
        for found in await session.execute(
            select(Region.code, Region.id, Region.path).where(Region.code.in_(wanted), Region.path.startswith(root))
        )
    }
    names = [found["unit"] for found in read.rows if found["unit"]]
    units: dict[str, list[Any]] = {}
    for unit in await session.execute(
        select(Unit.id, Unit.name, Unit.credit_code, Unit.region_path, Unit.unit_path).where(
            Unit.name.in_(names) | Unit.credit_code.in_(names), Unit.region_path.startswith(root)
        )
    ):
        for key in {unit.name, unit.credit_code} - {None}:
            units.setdefault(key, []).append(unit)
    seen: dict[tuple[str, Place], int] = {}
    rows = []
    for row in read.good_rows():
        resolved = _resolve_row(read, row, codes, regions, units)
        if resolved is None:
            continue
        key = (resolved["method_code"], (resolved["region_id"], resolved["unit_id"]))
        if key in seen:
            read.reject(row.number, f"与第 {seen[key]} 行重复", "method")
            continue
        seen[key] = row.number
        rows.append(resolved)
    return rows


def _resolve_row(
    read: ReadTable, row: Row, codes: dict[str, str], regions: dict[str, Any], units: dict[str, list[Any]]
) -> dict[str, Any] | None:
    def refuse(message: str, key: str) -> dict[str, Any] | None:
        read.reject(row.number, message, key)
        return None

    most = row["max_score"] if row["max_score"] is not None else Decimal(100)
    if row["method"] not in codes:
        return refuse("本次测评没有此方法，或其得分来自测评表或问卷", "method")
    if bool(row["region_code"]) == bool(row["unit"]):
        return refuse("区划代码与单位须填且只填一个", "region_code")
    if most <= 0 or row["score"] > most:
        return refuse("得分不能超过满分，满分须大于 0", "score")
    resolved: dict[str, Any] = {
        "method_code": codes[row["method"]],
        "score": row["score"],
        "max_score": most,
        "note": row["note"] or None,
        "region_id": None,
        "unit_id": None,
        "unit_path": None,
    }
    if row["region_code"]:
        region = regions.get(row["region_code"])
        if region is None:
            return refuse("区域不存在，或不在本次测评范围内", "region_code")
        return resolved | {"region_id": region.id, "region_path": region.path}
    found = units.get(row["unit"], [])
    if len(found) != 1:
        why = "单位不存在，或不在本次测评范围内" if not found else "有同名单位，请填统一社会信用代码"
        return refuse(why, "unit")
    unit = found[0]
    return resolved | {"unit_id": unit.id, "region_path": unit.region_path, "unit_path": unit.unit_path}


async def _save(
    session: WriteSession,
    caller: Principal,
    assessment_id: UUID,
    new: list[dict[str, Any]],
    changed: list[tuple[MethodScore, dict[str, Any]]],
) -> None:
    entries = []
    context = ("assessment", assessment_id)
    at = clock.now()
    if new:
        await session.execute(insert(MethodScore), new)
    for row in new:
        after = {name: row[name] for name in ("method_code", "region_id", "unit_id", "score", "max_score")}
        target = ("method_score", row["id"])
        entries.append(entry(caller=caller, action="method_scores.import", target=target, after=after, context=context))
    for old, row in changed:
        values = {name: row[name] for name in ("score", "max_score", "note")}
        entries.append(
            entry(
                caller=caller,
                action="method_scores.import",
                target=("method_score", old.id),
                before={name: getattr(old, name) for name in values},
                after=values,
                context=context,
            )
        )
        await session.execute(
            update(MethodScore)
            .where(MethodScore.id == old.id)
            .values(**values, source=ScoreSource.IMPORTED, version=MethodScore.version + 1, updated_at=at)
            .execution_options(synchronize_session=False)
        )
    await record_many(session, entries)


async def write_computed(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    method_code: str,
    totals: Mapping[tuple[UUID, str], Fraction],
) -> dict[str, int]:
    """Make what was computed from answers the regions' totals of a method, out of 100: (region, its path) → rate.

    Totals of regions that are not among them go. The caller holds the assessment by `lock_for_change`. Returns how
    many were created, updated, unchanged and removed.
    """
    context = ("assessment", assessment_id)
    there = {
        row.region_id: row
        for row in await session.scalars(
            select(MethodScore).where(
                MethodScore.assessment_id == assessment_id,
                MethodScore.method_code == method_code,
                MethodScore.region_id.is_not(None),
            )
        )
    }
    entries: list[dict[str, Any]] = []
    count = dict.fromkeys(("created", "updated", "unchanged", "removed"), 0)
    for (region_id, path), rate in sorted(totals.items(), key=lambda each: each[0][1]):
        after = {"score": stored(rate), "max_score": Decimal(100), "exact": ratio_text(rate)}
        row = there.pop(region_id, None)
        before = None if row is None else {name: getattr(row, name) for name in after}
        if row is None:
            row = MethodScore(
                id=uuid7(),
                assessment_id=assessment_id,
                method_code=method_code,
                region_id=region_id,
                region_path=path,
                **after,
                source=ScoreSource.QUESTIONNAIRE,
            )
            session.add(row)
            count["created"] += 1
        elif before == after:
            count["unchanged"] += 1
            continue
        else:
            for name, value in {**after, "source": ScoreSource.QUESTIONNAIRE}.items():
                setattr(row, name, value)
            count["updated"] += 1
        entries.append(
            entry(
                caller=caller,
                action="method_scores.compute",
                target=("method_score", row.id),
                before=before,
                after=after,
                context=context,
            )
        )
    for row in there.values():
        before = {name: getattr(row, name) for name in ("score", "max_score", "exact")}
        target = ("method_score", row.id)
        entries.append(
            entry(caller=caller, action="method_scores.delete", target=target, before=before, context=context)
        )
        await session.delete(row)
        count["removed"] += 1
    await session.flush()
    await record_many(session, entries)
    return count
