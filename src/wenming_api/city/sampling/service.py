"""Changes of draws (C3.2): commit, freeze, draw, and the steps that take two people."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, String, Text, Uuid, bindparam, func, insert, literal, select

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.models import Assessment, AssessmentQuota, AssessmentRegion
from wenming_api.city.assessments.rules import DRAW_OPEN, AssessmentState
from wenming_api.city.assessments.service import lock_for_change
from wenming_api.city.notices.rules import About
from wenming_api.city.notices.service import tell_proposed
from wenming_api.city.sampling.models import Draw, DrawFrame, DrawSite
from wenming_api.city.sampling.rules import (
    DRAW_TRANSITIONS,
    DrawAction,
    DrawSiteStatus,
    DrawState,
    FrameSite,
    Standing,
    StratumDraw,
    commitment_of,
    draw_refusal_of,
    draw_sites,
    frame_hash_of,
    frame_sites,
    frame_text,
    next_standing,
    seed_of,
    stratum_of,
)
from wenming_api.city.sampling.schemas import DrawCommit, DrawPerform
from wenming_api.city.schemes.queries import Frame, read_frame
from wenming_api.city.schemes.rules import Quota, Shortage
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.sites.models import Site
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_judged,
)
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region

PUBLIC_VALUE_WITHIN = timedelta(days=366)
"""How far ahead a public value may come out."""


class DrawClosed(Conflict):
    """The assessment's state allows no draw."""

    code = "draw_closed"
    title = "当前状态不能抽选"


class DrawUnderWay(Conflict):
    """The assessment has a draw that is not void."""

    code = "draw_under_way"
    title = "已有未作废的抽选"


class PublicValueKnown(Conflict):
    """The frame was to be frozen before the public value came out."""

    code = "public_value_known"
    title = "公共随机值已产生"


class PublicValueAwaited(Conflict):
    """The public value does not exist yet."""

    code = "public_value_awaited"
    title = "公共随机值尚未产生"


class QuotaAboveFrame(Conflict):
    """Strata have fewer sites than their quota: `errors` and `shortfalls` list every one; nothing was saved."""

    code = "quota_above_frame"
    title = "配额超过抽样框"


class NoEffectiveDraw(Conflict):
    """The assessment has no effective draw, or this draw is not it."""

    code = "no_effective_draw"
    title = "没有生效的抽选"


@dataclass(frozen=True, slots=True)
class EffectiveDraw:
    """The draw whose sites are assessed; it stays so until this transaction ends."""

    id: UUID
    no: int


async def require_effective_draw(
    session: WriteSession, assessment_id: UUID, *, draw_id: UUID | None = None
) -> EffectiveDraw:
    """Hold the effective draw of an assessment: whoever voids it waits until this transaction ends.

    Args:
        draw_id: the draw that something belongs to; it has to be the effective one.

    Raises:
        NoEffectiveDraw: there is none, or `draw_id` names another (a void one).
    """
    found = await session.execute(
        select(Draw.id, Draw.no)
        .join(Assessment, Assessment.effective_draw_id == Draw.id)
        .where(Assessment.id == assessment_id, Draw.state == DrawState.EFFECTIVE)
        .with_for_update(read=True, of=Draw)
    )
    row = found.one_or_none()
    if row is None:
        raise NoEffectiveDraw("本次测评没有生效的抽选，或抽选已作废；请待新的抽选生效后再操作。")
    if draw_id is not None and draw_id != row.id:
        raise NoEffectiveDraw("所属的抽选不是生效的抽选（可能已作废），不能据此填报或分派。")
    return EffectiveDraw(row.id, row.no)


async def commit_draw(session: WriteSession, *, caller: Principal, assessment_id: UUID, new: DrawCommit) -> Draw:
    """Promise a draw: publish the commitment to a fresh secret, the quotas, and where a public value will come from.

    Raises:
        DrawClosed: the assessment is not being sampled or in progress.
        DrawUnderWay: a draw that is not void exists.
    """
    assessment = await lock_for_change(session, assessment_id, caller=caller)
    _check_open(assessment)
    if assessment.current_draw_id is not None:
        raise DrawUnderWay("本次测评已有未作废的抽选；重新抽选须先由两人作废它。")
    now = clock.now()
    if new.public_value is not None and not now < new.public_value.at <= now + PUBLIC_VALUE_WITHIN:
        raise InvalidInput(errors=[FieldError("/public_value/at", "须在今后一年之内：公共随机值此刻必须无人知晓")])
    last = await session.scalar(select(func.max(Draw.no)).where(Draw.assessment_id == assessment_id))
    secret = secrets.token_hex(32)
    draw = Draw(
        id=uuid7(),
        assessment_id=assessment_id,
        no=(last or 0) + 1,
        state=DrawState.COMMITTED,
        secret=secret,
        commitment=commitment_of(secret),
        quotas=await _promised_quotas(session, assessment_id),
        regions=await _promised_regions(session, assessment_id),
        public_value_source=new.public_value.source if new.public_value else None,
        public_value_at=new.public_value.at if new.public_value else None,
        committed_by=caller.user_id,
        committed_at=now,
    )
    session.add(draw)
    assessment.current_draw_id = draw.id
    promised = {
        "no": draw.no,
        "commitment": draw.commitment,
        "quotas": draw.quotas,
        "public_value_source": draw.public_value_source,
        "public_value_at": draw.public_value_at,
    }
    await audit_draw(session, caller, draw, "commit", after=promised)
    return draw


async def _promised_quotas(session: WriteSession, assessment_id: UUID) -> list[dict[str, Any]]:
    rows = await session.execute(
        select(AssessmentQuota, SiteType.name)
        .join(SiteType, SiteType.code == AssessmentQuota.site_type_code)
        .where(AssessmentQuota.assessment_id == assessment_id)
        .order_by(AssessmentQuota.position)
    )
    return [
        {
            "site_type_code": quota.site_type_code,
            "site_type_name": name,
            "region_level": quota.region_level.value,
            "count": quota.count,
            "when_short": quota.when_short.value,
        }
        for quota, name in rows
    ]


async def _promised_regions(session: WriteSession, assessment_id: UUID) -> list[dict[str, Any]]:
    rows = await session.execute(
        select(Region.id, Region.code, Region.name)
        .join(AssessmentRegion, AssessmentRegion.region_id == Region.id)
        .where(AssessmentRegion.assessment_id == assessment_id)
        .order_by(AssessmentRegion.position)
    )
    return [{"id": str(row.id), "code": row.code, "name": row.name} for row in rows]


async def freeze_frame(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, draw_id: UUID, version: int
) -> Draw:
    """Freeze the frame of a committed draw and publish its hash.

    Raises:
        PublicValueKnown: too late, the public value is out.
        QuotaAboveFrame: with every short stratum.
    """
    assessment, draw = await _take(session, caller, assessment_id, draw_id, DrawAction.FREEZE, version)
    now = clock.now()
    if draw.public_value_at is not None and now >= draw.public_value_at:
        raise PublicValueKnown("抽样框须在公共随机值产生之前冻结；请作废本次抽选，重新作出承诺。")
    paths = await session.scalars(select(Region.path).where(Region.id.in_([each["id"] for each in draw.regions])))
    quotas = [
        Quota(each["site_type_code"], each["region_level"], each["count"], Decimal(1), Shortage(each["when_short"]))
        for each in draw.quotas
    ]
    frame = await read_frame(session, root_path=assessment.region_path, chosen_paths=paths.all(), quotas=quotas)
    _check_shortfalls(frame, quotas, {each["site_type_code"]: each["site_type_name"] for each in draw.quotas})
    lines = await asyncio.to_thread(_lines, frame)
    session.add(DrawFrame(draw_id=draw.id, lines=lines))
    draw.frame_hash, draw.frame_size = frame_hash_of(lines), len(frame.places)
    draw.state, draw.frozen_by, draw.frozen_at = DrawState.FROZEN, caller.user_id, now
    after = {"state": draw.state.value, "frame_hash": draw.frame_hash, "frame_size": draw.frame_size}
    await audit_draw(session, caller, draw, "freeze", before={"state": DrawState.COMMITTED.value}, after=after)
    return draw


def _lines(frame: Frame) -> str:
    return frame_text(
        FrameSite(str(place.site_id), place.site_type_code, stratum_of(place.region.code, place.site_type_code))
        for place in frame.places
    )


def _check_shortfalls(frame: Frame, quotas: list[Quota], names: Mapping[str, str]) -> None:
    wanted = {quota.site_type_code: quota for quota in quotas}
    short = sorted(
        (stratum_of(region.code, code), region.name, wanted[code], available)
        for (code, region), available in frame.strata.items()
        if available < wanted[code].count and wanted[code].when_short is Shortage.REFUSE
    )
    if short:
        raise QuotaAboveFrame(
            f"有 {len(short)} 层的点位少于配额，未作抽选。请补充点位，或作废本次抽选后调整配额。",
            errors=[
                {
                    "pointer": f"/strata/{stratum}",
                    "message": f"“{region}”的“{names[quota.site_type_code]}”只有 {available} 个，配额 {quota.count} 个",
                }
                for stratum, region, quota, available in short
            ],
            shortfalls=[
                {"stratum": stratum, "quota": quota.count, "available": available}
                for stratum, _, quota, available in short
            ],
        )
    if not frame.places:
        raise QuotaAboveFrame("所选区域中没有所选类型的点位，抽样框为空。", errors=[], shortfalls=[])


async def perform_draw(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, draw_id: UUID, body: DrawPerform
) -> Draw:
    """Draw from the frozen frame.

    Raises:
        PublicValueAwaited: the time at which the public value comes out has not been reached.
        InvalidInput: a public value was promised and is not given, or the other way round.
    """
    _, draw = await _take(session, caller, assessment_id, draw_id, DrawAction.DRAW, body.version)
    now = clock.now()
    if draw.public_value_at is not None and now < draw.public_value_at:
        raise PublicValueAwaited(f"公共随机值（{draw.public_value_source}）尚未产生，不能抽选。")
    if (draw.public_value_at is None) is not (body.public_value is None):
        wanted = "承诺时未指定公共随机值，此处须留空" if body.public_value else "须给出承诺时指定的公共随机值"
        raise InvalidInput(errors=[FieldError("/public_value", wanted)])
    lines = await session.scalar(select(DrawFrame.lines).where(DrawFrame.draw_id == draw.id)) or ""
    draw.public_value = body.public_value or ""
    draw.seed = seed_of(draw.secret, draw.public_value, draw.frame_hash or "")
    counts = {each["site_type_code"]: each["count"] for each in draw.quotas}
    strata = await asyncio.to_thread(_draw, lines, draw.seed, counts)
    draw.state, draw.drawn_by, draw.drawn_at = DrawState.DRAWN, caller.user_id, now
    draw.drawn_count = sum(len(stratum.drawn) for stratum in strata.values())
    await session.flush()  # its sites refer to it
    await _store_sites(session, draw, strata)
    after = {"state": draw.state.value, "drawn_count": draw.drawn_count}
    await audit_draw(session, caller, draw, "draw", before={"state": DrawState.FROZEN.value}, after=after)
    return draw


def _draw(lines: str, seed: str, counts: Mapping[str, int]) -> dict[str, StratumDraw]:
    sites = frame_sites(lines)
    quotas = {site.stratum: counts[site.site_type_code] for site in sites}
    # Whatever has to be refused was refused when the frame was frozen.
    return draw_sites(sites, seed, quotas, take_all=frozenset(quotas))


async def _store_sites(session: WriteSession, draw: Draw, strata: Mapping[str, StratumDraw]) -> None:
    """One row per site of the frame, in one statement; code, name, place and unit are copied as they are now."""
    ids, names, ranks, statuses = [], [], [], []
    for stratum, order in strata.items():
        for rank, site_id in enumerate((*order.drawn, *order.reserve), 1):
            ids.append(UUID(site_id))
            names.append(stratum)
            ranks.append(rank)
            statuses.append(DrawSiteStatus.DRAWN if rank <= len(order.drawn) else DrawSiteStatus.RESERVE)
    placed = (
        func.unnest(
            bindparam("ids", ids, ARRAY(Uuid())),
            bindparam("names", names, ARRAY(Text())),
            bindparam("ranks", ranks, ARRAY(Integer())),
            bindparam("statuses", [status.value for status in statuses], ARRAY(String())),
        )
        .table_valued("site_id", "stratum", "rank", "status")
        .render_derived()
    )
    copied = ("code", "name", "region_id", "region_path", "responsible_unit_id", "unit_path", "industry_code")
    rows = select(
        literal(draw.id, Uuid()),
        placed.c.site_id,
        placed.c.stratum,
        placed.c.rank,
        placed.c.status,
        func.split_part(placed.c.stratum, "|", 2),
        *(getattr(Site, name) for name in copied),
    ).join(Site, Site.id == placed.c.site_id)
    columns = ["draw_id", "site_id", "stratum", "rank", "status", "site_type_code", *copied]
    await session.execute(insert(DrawSite).from_select(columns, rows, include_defaults=False))


async def advance_draw(
    session: WriteSession,
    *,
    caller: Principal,
    assessment_id: UUID,
    draw_id: UUID,
    step: DrawAction,
    version: int,
    reason: str,
) -> Draw:
    """Propose, confirm or reject: what makes a draw effective or void takes two different people."""
    assessment, draw = await _take(session, caller, assessment_id, draw_id, step, version)
    before, now = Standing(draw.state, draw.proposal), clock.now()
    after = next_standing(step, before, same_person=draw.proposed_by == caller.user_id)
    if step is DrawAction.CONFIRM_EFFECTIVE:
        draw.effective_proposed_by, draw.effective_reason = draw.proposed_by, draw.proposed_reason
        draw.effective_by, draw.effective_at = caller.user_id, now
        assessment.effective_draw_id = draw.id
    elif step is DrawAction.CONFIRM_VOID:
        draw.void_proposed_by, draw.void_reason = draw.proposed_by, draw.proposed_reason
        draw.void_by, draw.void_at = caller.user_id, now
        assessment.current_draw_id = assessment.effective_draw_id = None
    draw.state, draw.proposal = after
    proposing = draw.proposal is not None
    draw.proposed_by = caller.user_id if proposing else None
    draw.proposed_at = now if proposing else None
    draw.proposed_reason = reason if proposing else None
    await audit_draw(
        session,
        caller,
        draw,
        step.value.replace("-", "_"),
        before={"state": before.state.value, "proposal": before.proposal},
        after={"state": after.state.value, "proposal": after.proposal},
        reason=reason,
    )
    if draw.proposal is not None:
        await tell_proposed(
            session,
            caller=caller,
            region_path=assessment.region_path,
            about=About(assessment.number, assessment.name),
            draw_id=draw.id,
            what=f"第 {draw.no} 次抽选{draw.proposal.label}：{reason}",
        )
    return draw


async def _take(
    session: WriteSession,
    caller: Principal,
    assessment_id: UUID,
    draw_id: UUID,
    step: DrawAction,
    version: int,
) -> tuple[Assessment, Draw]:
    """Assessment and draw, both alone in this transaction's hands, when the step may be taken."""
    assessment = await lock_for_change(session, assessment_id, caller=caller)
    draw = await lock_draw(session, assessment, draw_id)
    standing, same = Standing(draw.state, draw.proposal), draw.proposed_by == caller.user_id
    refusal = draw_refusal_of(step, standing, same_person=same)
    if refusal is not None:
        allowed = [each.value for each in DRAW_TRANSITIONS if draw_refusal_of(each, standing, same_person=same) is None]
        raise IllegalTransition(f"{refusal}。", allowed=allowed)
    check_judged(version, draw.version)
    _check_open(assessment)
    return assessment, draw


async def lock_draw(session: WriteSession, assessment: Assessment, draw_id: UUID) -> Draw:
    """A draw of an assessment that is locked for change; `NotFound`."""
    draw = await session.scalar(
        select(Draw)
        .where(Draw.id == draw_id, Draw.assessment_id == assessment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if draw is None:
        raise NotFound("抽选不存在。")
    return draw


def _check_open(assessment: Assessment) -> None:
    if assessment.state not in DRAW_OPEN:
        wanted = "、".join(state.label for state in AssessmentState if state in DRAW_OPEN)
        raise DrawClosed(f"测评当前为“{assessment.state.label}”，仅在“{wanted}”时可以抽选或变更抽选。")


async def audit_draw(
    session: WriteSession,
    caller: Principal,
    draw: Draw,
    verb: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Write a change of a draw into the log of its assessment. What is secret is never part of it."""
    await record(
        session,
        caller=caller,
        action=f"draws.{verb}",
        target=("draw", draw.id),
        before=before,
        after=after,
        reason=reason,
        context=("assessment", draw.assessment_id),
    )
