"""Giving drawn sites to assessors, which makes the sheets; and taking them back (C2.6, C3.3)."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import any_, column, func, select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.city.assessments.models import Assessment, AssessmentAssessor
from wenming_api.city.assignments.rules import ASSIGN_OPEN, Candidate, Place, Shortage, distribute, why_barred
from wenming_api.city.assignments.schemas import AssignIn, AssignmentResult, DistributeIn, Load, ShortageOut
from wenming_api.city.notices.rules import About
from wenming_api.city.notices.service import tell_assigned
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.scoring.models import Sheet
from wenming_api.city.scoring.queries import visible
from wenming_api.city.scoring.rules import TRANSITIONS, Evidence, SheetAction, SheetState, legal_actions, state_refusal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, NotFound, check_edited
from wenming_api.system.audit.service import record
from wenming_api.system.regions.models import Region
from wenming_api.system.users.models import User


class AssignmentClosed(Conflict):
    """Sheets cannot be assigned now: no draw is effective, or the field work is over."""

    code = "assignment_closed"
    title = "当前不能分配测评任务"


@dataclass(frozen=True, slots=True)
class _Ground:
    """What an assignment starts from."""

    assessment_id: UUID
    about: About
    draw_id: UUID
    places: dict[UUID, Place]
    candidates: dict[UUID, Candidate]
    names: dict[UUID, str]


async def assign_sheets(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, wanted: AssignIn
) -> AssignmentResult:
    """Make the sheets of the pairs given; a pair that has its sheet already keeps it.

    Raises:
        NotFound, AssignmentClosed.
        InvalidInput: a site is not drawn or outside the scope, a user is no assessor, or he is barred from the site
            (nobody assesses his own unit); nothing is saved then.
    """
    ground = await _ground(session, caller, assessment_id)
    errors = []
    for at, pair in enumerate(wanted.assignments):
        place = ground.places.get(pair.site_id)
        candidate = ground.candidates.get(pair.assessor_id)
        if place is None:
            errors.append(FieldError(f"/assignments/{at}/site_id", "不是本次抽中的点位，或不在您的数据范围内"))
        if candidate is None:
            errors.append(FieldError(f"/assignments/{at}/assessor_id", "不是本次测评的测评人员"))
        if place is not None and candidate is not None:
            barred = why_barred(candidate, place)
            if barred is not None:
                errors.append(FieldError(f"/assignments/{at}/assessor_id", barred))
    if errors:
        raise InvalidInput(errors=errors)
    pairs = list(dict.fromkeys((pair.site_id, pair.assessor_id) for pair in wanted.assignments))
    return await _make(session, caller, ground, pairs, (), len(pairs))


async def distribute_sheets(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, wanted: DistributeIn
) -> AssignmentResult:
    """Give all drawn sites in the caller's scope (or the part asked for) to assessors, evenly.

    Raises:
        NotFound, AssignmentClosed.
        InvalidInput: one of `assessor_ids` is no assessor of the assessment, or there is none at all.
    """
    ground = await _ground(session, caller, assessment_id)
    errors = [
        FieldError(f"/assessor_ids/{at}", "不是本次测评的测评人员")
        for at, user_id in enumerate(wanted.assessor_ids)
        if user_id not in ground.candidates
    ]
    if errors or not ground.candidates:
        raise InvalidInput(errors=errors or [FieldError("/assessor_ids", "本次测评尚未配置测评人员")])
    places = [
        place
        for place in ground.places.values()
        if (wanted.under is None or place.region_path.startswith(wanted.under))
        and (not wanted.site_type_codes or place.site_type_code in wanted.site_type_codes)
    ]
    chosen = set(wanted.assessor_ids) or set(ground.candidates)
    candidates = [one for one in ground.candidates.values() if one.user_id in chosen]
    plan = distribute(places, candidates, per_site=wanted.per_site)
    existing = sum(len(place.taken_by) for place in places)
    if wanted.dry_run:
        return _result(ground, plan.pairs, plan.shortages, existing, applied=False)
    return await _make(session, caller, ground, plan.pairs, plan.shortages, existing + len(plan.pairs))


async def unassign_sheet(
    session: WriteSession, *, caller: Principal, assessment_id: UUID, sheet_id: UUID, version: int
) -> None:
    """Take a sheet back that nothing has been submitted on; its draft goes with it.

    Raises:
        NotFound, StaleVersion.
        IllegalTransition: something has been submitted.
    """
    found = await session.execute(
        select(Sheet)
        .where(Sheet.id == sheet_id, Sheet.assessment_id == assessment_id, visible(caller.scope))
        .with_for_update()
    )
    sheet = found.scalar_one_or_none()
    if sheet is None:
        raise NotFound
    check_edited(version, sheet.version)
    if (sheet.state, SheetAction.UNASSIGN) not in TRANSITIONS:
        allowed = [str(each) for each in legal_actions(sheet.state)]
        raise IllegalTransition(f"{state_refusal(SheetAction.UNASSIGN, sheet.state)}。", allowed=allowed)
    await session.delete(sheet)
    await record(
        session,
        caller=caller,
        action="sheets.unassign",
        target=("sheet", sheet.id),
        before={"site_id": sheet.site_id, "assessor_id": sheet.owner_id, "state": sheet.state},
        context=("assessment", assessment_id),
    )


async def _ground(session: WriteSession, caller: Principal, assessment_id: UUID) -> _Ground:
    """The effective draw's sites in the caller's scope and the assessors, the assessment's state held."""
    held = func.hold_assessment(assessment_id).table_valued(
        column("state", Assessment.state.type), column("effective_draw_id", Assessment.effective_draw_id.type)
    )
    named = select(*held.c, Assessment.number, Assessment.name).join(Assessment, Assessment.id == assessment_id)
    head = (await session.execute(named)).one_or_none()
    if head is None:
        raise NotFound("测评不存在。")
    if head.effective_draw_id is None:
        raise AssignmentClosed("尚无生效的抽选结果，或抽选已作废，不能分配测评任务。")
    if head.state not in ASSIGN_OPEN:
        raise AssignmentClosed(f"测评当前为“{head.state.label}”，不能分配测评任务。")
    taken = (
        select(func.array_agg(Sheet.owner_id))
        .where(Sheet.draw_id == DrawSite.draw_id, Sheet.site_id == DrawSite.site_id)
        .scalar_subquery()
    )
    drawn = await session.execute(
        select(
            DrawSite.site_id, DrawSite.site_type_code, DrawSite.region_path, DrawSite.unit_path, taken.label("taken")
        ).where(
            DrawSite.draw_id == head.effective_draw_id,
            DrawSite.status.in_(IN_FIELD),
            caller.scope.where(DrawSite),
        )
    )
    places = {
        row.site_id: Place(row.site_id, row.site_type_code, row.region_path, row.unit_path, frozenset(row.taken or ()))
        for row in drawn
    }
    loads = (
        select(Sheet.owner_id, func.count().label("load"))
        .where(Sheet.draw_id == head.effective_draw_id)
        .group_by(Sheet.owner_id)
        .subquery()
    )
    paths = (
        select(func.array_agg(Region.path)).where(Region.id == any_(AssessmentAssessor.region_ids)).scalar_subquery()
    )
    assessors = await session.execute(
        select(
            AssessmentAssessor.user_id,
            User.display_name,
            User.unit_path,
            paths.label("region_paths"),
            AssessmentAssessor.site_type_codes,
            func.coalesce(loads.c.load, 0).label("load"),
        )
        .join(User, User.id == AssessmentAssessor.user_id)
        .outerjoin(loads, loads.c.owner_id == AssessmentAssessor.user_id)
        .where(AssessmentAssessor.assessment_id == assessment_id, User.active)
    )
    candidates: dict[UUID, Candidate] = {}
    names: dict[UUID, str] = {}
    for row in assessors:
        regions, types = tuple(row.region_paths or ()), tuple(row.site_type_codes)
        candidates[row.user_id] = Candidate(row.user_id, row.unit_path, regions, types, row.load)
        names[row.user_id] = row.display_name
    return _Ground(assessment_id, About(head.number, head.name), head.effective_draw_id, places, candidates, names)


async def _make(
    session: WriteSession,
    caller: Principal,
    ground: _Ground,
    pairs: Collection[tuple[UUID, UUID]],
    shortages: Sequence[Shortage],
    wanted: int,
) -> AssignmentResult:
    at = clock.now()
    rows = [
        {
            "id": uuid7(),
            "assessment_id": ground.assessment_id,
            "draw_id": ground.draw_id,
            "site_id": place.site_id,
            "site_type_code": place.site_type_code,
            "region_path": place.region_path,
            "unit_path": place.unit_path,
            "owner_id": user_id,
            "state": SheetState.ASSIGNED,
            "version_no": 0,
            "evidence": Evidence.COMPLETE,
            "assigned_by": caller.user_id,
            "created_at": at,
            "updated_at": at,
            "version": 1,
        }
        for place, user_id in ((ground.places[site_id], user_id) for site_id, user_id in pairs)
    ]
    made: list[tuple[UUID, UUID]] = []
    if rows:
        statement = insert(Sheet).on_conflict_do_nothing().returning(Sheet.site_id, Sheet.owner_id)
        made = [(row.site_id, row.owner_id) for row in await session.execute(statement, rows)]
    new = Counter(user_id for _, user_id in made)
    if made:
        await record(
            session,
            caller=caller,
            action="sheets.assign",
            target=("draw", ground.draw_id),
            after={"made": len(made), "by_assessor": {str(user): number for user, number in sorted(new.items())}},
            context=("assessment", ground.assessment_id),
        )
        await tell_assigned(session, assessment_id=ground.assessment_id, about=ground.about, sheets=new)
    return _result(ground, made, shortages, wanted - len(made), applied=True)


def _result(
    ground: _Ground,
    made: Collection[tuple[UUID, UUID]],
    shortages: Sequence[Shortage],
    existing: int,
    *,
    applied: bool,
) -> AssignmentResult:
    new = Counter(user_id for _, user_id in made)
    return AssignmentResult(
        draw_id=ground.draw_id,
        applied=applied,
        made=len(made),
        existing=existing,
        loads=[
            Load(
                assessor_id=one.user_id,
                assessor_name=ground.names[one.user_id],
                new=new[one.user_id],
                total=one.load + new[one.user_id],
            )
            for one in sorted(ground.candidates.values(), key=lambda each: each.user_id)
        ],
        shortages=[ShortageOut(site_id=each.site_id, missing=each.missing) for each in shortages],
    )
