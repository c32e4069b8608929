"""Reads of draws: inside, with their secrecy, and the public record."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.queries import visible
from wenming_api.city.assessments.rules import DRAW_OPEN, FIELD_WORK_OVER, AssessmentState
from wenming_api.city.sampling.models import Draw, DrawFrame, DrawSite
from wenming_api.city.sampling.rules import (
    DRAW_TRANSITIONS,
    DrawAction,
    DrawSiteStatus,
    DrawState,
    Standing,
    draw_refusal_of,
)
from wenming_api.city.sampling.schemas import (
    DrawOut,
    DrawRecord,
    DrawRecordRow,
    DrawSiteOut,
    DrawSiteSort,
    Person,
    ProposalOut,
    QuotaPromise,
    RegionPromise,
    ReplacementRecord,
    StratumRecord,
)
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import Forbidden, NotFound
from wenming_api.system.users.models import User

_GONE = "抽选不存在，或不在您的数据范围内。"


class ListSecret(Forbidden):
    """The drawn sites are secret until the field work ends."""

    code = "draw_list_secret"
    title = "抽选名单尚未公开"


def is_revealed(draw: Draw, state: AssessmentState) -> bool:
    """Whether everybody may see secret, frame and list: the field work is over, or the draw is void."""
    return draw.state is DrawState.VOID or state in FIELD_WORK_OVER


def _draws(caller: Principal) -> Any:
    return (
        select(Draw, Assessment.state, Assessment.region_path)
        .join(Assessment, Assessment.id == Draw.assessment_id)
        .where(visible(caller.scope))
    )


async def list_draws(session: AnySession, *, caller: Principal, assessment_id: UUID) -> list[DrawOut]:
    """Every draw of an assessment, void ones included, newest first. Two statements.

    Raises:
        NotFound: there is no such assessment, or the caller does not see it.
    """
    found = await session.execute(
        select(Draw, Assessment.state, Assessment.region_path)
        .select_from(Assessment)
        .join(Draw, Draw.assessment_id == Assessment.id, isouter=True)
        .where(Assessment.id == assessment_id, visible(caller.scope))
        .order_by(Draw.no.desc())
    )
    rows = found.all()
    if not rows:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    drawn = [row for row in rows if row.Draw is not None]
    people = await _people(session, [row.Draw for row in drawn])
    return [_shown(row.Draw, row.state, row.region_path, caller, people) for row in drawn]


async def read_draw(session: AnySession, *, caller: Principal, assessment_id: UUID, draw_id: UUID) -> DrawOut:
    """One draw as this caller may see it. Two statements; `NotFound`."""
    found = await session.execute(_draws(caller).where(Draw.id == draw_id, Draw.assessment_id == assessment_id))
    row = found.one_or_none()
    if row is None:
        raise NotFound(_GONE)
    people = await _people(session, [row.Draw])
    return _shown(row.Draw, row.state, row.region_path, caller, people)


async def _people(session: AnySession, draws: Collection[Draw]) -> dict[UUID, Person]:
    names = ("committed_by", "proposed_by", "effective_proposed_by", "effective_by", "void_proposed_by", "void_by")
    ids = {getattr(draw, name) for draw in draws for name in names} - {None}
    found = await session.execute(select(User.id, User.display_name).where(User.id.in_(ids)))
    return {row.id: Person.model_validate(row) for row in found}


def _shown(
    draw: Draw, state: AssessmentState, region_path: str, caller: Principal, people: dict[UUID, Person]
) -> DrawOut:
    revealed = is_revealed(draw, state)
    proposal = None
    if draw.proposal is not None and draw.proposed_by is not None and draw.proposed_at is not None:
        proposal = ProposalOut(
            kind=draw.proposal,
            by=people[draw.proposed_by],
            at=draw.proposed_at,
            reason=draw.proposed_reason or "",
        )

    def both(*ids: UUID | None) -> list[Person]:
        return [people[each] for each in ids if each is not None]

    return DrawOut(
        id=draw.id,
        assessment_id=draw.assessment_id,
        no=draw.no,
        state=draw.state,
        state_label=draw.state.label,
        proposal=proposal,
        commitment=draw.commitment,
        quotas=[QuotaPromise(**quota) for quota in draw.quotas],
        regions=[RegionPromise(code=region["code"], name=region["name"]) for region in draw.regions],
        public_value_source=draw.public_value_source,
        public_value_at=draw.public_value_at,
        committed_by=people[draw.committed_by],
        committed_at=draw.committed_at,
        frame_hash=draw.frame_hash,
        frame_size=draw.frame_size,
        frozen_at=draw.frozen_at,
        seed=draw.seed if revealed or _runs(caller, region_path) else None,
        drawn_count=draw.drawn_count,
        drawn_at=draw.drawn_at,
        effective_by=both(draw.effective_proposed_by, draw.effective_by),
        effective_at=draw.effective_at,
        effective_reason=draw.effective_reason,
        void_by=both(draw.void_proposed_by, draw.void_by),
        void_at=draw.void_at,
        void_reason=draw.void_reason,
        revealed=revealed,
        version=draw.version,
        allowed_actions=_allowed_actions(draw, state, region_path, caller),
    )


def _runs(caller: Principal, region_path: str) -> bool:
    return caller.may(Permission.DRAWS_RUN) and caller.scope.holds_region(region_path)


CONFIRMING = frozenset({DrawAction.CONFIRM_EFFECTIVE, DrawAction.CONFIRM_VOID})


def _allowed_actions(draw: Draw, state: AssessmentState, region_path: str, caller: Principal) -> list[AllowedAction]:
    inside = (caller.scope.holds_region(region_path), "测评由上级组织，您只能查看")
    open_ = (state in DRAW_OPEN, f"测评{state.label}，抽选不能再变更")
    standing = Standing(draw.state, draw.proposal)
    actions = []
    for row in DRAW_TRANSITIONS.values():
        refusal = draw_refusal_of(row.action, standing, same_person=draw.proposed_by == caller.user_id)
        needed = Permission.DRAWS_CONFIRM if row.action in CONFIRMING else Permission.DRAWS_RUN
        permitted = caller.may(needed)
        if row.action is DrawAction.REJECT:
            permitted = permitted or caller.may(Permission.DRAWS_CONFIRM)
        actions.append(
            action(
                row.action.value,
                row.label,
                (permitted, f"需要“{needed.label}”权限"),
                inside,
                (refusal is None, refusal or ""),
                open_,
            )
        )
    replace = (draw.state is DrawState.EFFECTIVE, "仅生效的抽选可以替换点位")
    going = (state is AssessmentState.IN_PROGRESS, f"测评{state.label}，不能替换点位")
    run = (caller.may(Permission.DRAWS_RUN), f"需要“{Permission.DRAWS_RUN.label}”权限")
    return [*actions, action("replace", "替换点位", run, inside, replace, going)]


_SITE = [getattr(DrawSite, name) for name in DrawSiteOut.model_fields]


async def list_sites(
    session: AnySession,
    *,
    caller: Principal,
    assessment_id: UUID,
    draw_id: UUID,
    params: PageParams,
    sort: DrawSiteSort,
    statuses: Collection[DrawSiteStatus] = (),
    stratum: str | None = None,
) -> Page[DrawSiteOut]:
    """The drawn sites and the reserve. Three statements.

    Raises:
        ListSecret: the caller does not run the field work, and it is not over.
        NotFound: there is no such draw, or the caller does not see it.
    """
    found = await session.execute(_draws(caller).where(Draw.id == draw_id, Draw.assessment_id == assessment_id))
    row = found.one_or_none()
    if row is None:
        raise NotFound(_GONE)
    if not (is_revealed(row.Draw, row.state) or _runs(caller, row.region_path)):
        raise ListSecret("抽选名单在实地考察结束前仅组织抽选的人可见。")
    statement = select(*_SITE).where(DrawSite.draw_id == draw_id)
    if statuses:
        statement = statement.where(DrawSite.status.in_(statuses))
    if stratum is not None:
        statement = statement.where(DrawSite.stratum == stratum)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={"stratum": DrawSite.stratum},
        key=DrawSite.rank,  # a rank is given once in a stratum
        into=DrawSiteOut,
    )


async def list_records(session: AnySession, *, assessment_id: UUID) -> list[DrawRecordRow]:
    """The public list of an assessment's draws, void ones with their reasons. One statement; nothing secret in it."""
    found = await session.execute(
        select(Draw, Assessment.state)
        .join(Assessment, Assessment.id == Draw.assessment_id)
        .where(Draw.assessment_id == assessment_id)
        .order_by(Draw.no)
    )
    return [DrawRecordRow(**_head(row.Draw, row.state)) for row in found]


def _head(draw: Draw, state: AssessmentState) -> dict[str, Any]:
    names = ("id", "no", "state", "commitment", "committed_at", "frame_hash", "void_at", "void_reason")
    return {name: getattr(draw, name) for name in names} | {
        "state_label": draw.state.label,
        "revealed": is_revealed(draw, state),
    }


async def read_record(session: AnySession, *, assessment_id: UUID, draw_id: UUID) -> tuple[DrawRecord, int]:
    """The public record of a draw, and its version: whole once revealed, before that what was promised.

    Raises:
        NotFound: there is no such draw.
    """
    found = await session.execute(
        select(Draw, Assessment.number, Assessment.name, Assessment.state)
        .join(Assessment, Assessment.id == Draw.assessment_id)
        .where(Draw.id == draw_id, Draw.assessment_id == assessment_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound("抽选不存在。")
    draw: Draw = row.Draw
    revealed = is_revealed(draw, row.state)
    frame = strata = replacements = None
    if revealed and draw.frame_hash is not None:
        frame = await session.scalar(select(DrawFrame.lines).where(DrawFrame.draw_id == draw_id))
    if revealed and draw.seed is not None:
        strata, replacements = await _list(session, draw)
    record = DrawRecord(
        **_head(draw, row.state),
        assessment_id=draw.assessment_id,
        assessment_number=row.number,
        assessment_name=row.name,
        assessment_state=row.state,
        quotas=[QuotaPromise(**quota) for quota in draw.quotas],
        regions=[RegionPromise(code=region["code"], name=region["name"]) for region in draw.regions],
        public_value_source=draw.public_value_source,
        public_value_at=draw.public_value_at,
        frame_size=draw.frame_size,
        frozen_at=draw.frozen_at,
        drawn_at=draw.drawn_at,
        effective_at=draw.effective_at,
        effective_reason=draw.effective_reason,
        secret=draw.secret if revealed else None,
        public_value=draw.public_value if revealed else None,
        seed=draw.seed if revealed else None,
        frame=frame,
        strata=strata,
        replacements=replacements,
    )
    return record, draw.version


async def _list(session: AnySession, draw: Draw) -> tuple[list[StratumRecord], list[ReplacementRecord]]:
    """What was drawn, as it was drawn: the first of each stratum, whatever was replaced since."""
    counts = {quota["site_type_code"]: quota["count"] for quota in draw.quotas}
    strata: dict[str, StratumRecord] = {}
    replacements = []
    reasons: dict[UUID, Any] = {}
    rows = await session.execute(
        select(
            DrawSite.stratum,
            DrawSite.site_id,
            DrawSite.site_type_code,
            DrawSite.rank,
            DrawSite.replaces_id,
            DrawSite.reason,
            DrawSite.changed_at,
        )
        .where(DrawSite.draw_id == draw.id)
        .order_by(DrawSite.stratum, DrawSite.rank)
    )
    for row in rows:
        stratum = strata.setdefault(row.stratum, StratumRecord(stratum=row.stratum, drawn=[], reserve=[]))
        (stratum.drawn if row.rank <= counts[row.site_type_code] else stratum.reserve).append(row.site_id)
        if row.reason is not None:
            reasons[row.site_id] = row
        if row.replaces_id is not None:
            replacements.append((row.replaces_id, row.site_id))
    return list(strata.values()), [
        ReplacementRecord(
            site_id=replaced,
            replaced_by_id=by,
            reason=reasons[replaced].reason,
            at=reasons[replaced].changed_at,
        )
        for replaced, by in replacements
    ]
