"""Reads of score sheets."""

from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, case, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.engine import RowMapping
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import ENTRY_OPEN, REVIEW_OPEN
from wenming_api.city.forms.queries import site_form
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.scoring.models import (
    Deduction,
    LinePhoto,
    ScoreLine,
    Sheet,
    SheetDraft,
    SheetReview,
    SheetVersion,
)
from wenming_api.city.scoring.rules import (
    Evidence,
    SheetAction,
    SheetState,
    Situation,
    is_own_unit,
    why_not,
)
from wenming_api.city.scoring.schemas import LineOut, SheetDetail, SheetRow, SheetSort, VersionDetail, VersionRow
from wenming_api.city.sites.models import Site
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.files.models import File
from wenming_api.system.files.rules import FileState
from wenming_api.system.users.models import User

_Reviewer = aliased(User)
_Published = aliased(Assessment)
_SORTS = {"region": Sheet.region_path, "submitted_at": Sheet.submitted_at}


class _ByPlaceOrOwner:
    """The grants of a scope that hold at once: the region's offices and the assessor himself."""

    region_path = Sheet.region_path
    owner_id = Sheet.owner_id


class _ByUnit:
    """The grants of the responsible unit, which hold after publication."""

    unit_path = Sheet.unit_path


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which sheets a scope shows: responsible units see their own when the assessment's result is published."""
    published = exists().where(_Published.id == Sheet.assessment_id, _Published.result_id.is_not(None))
    return scope.where(_ByPlaceOrOwner, also=(and_(scope.where(_ByUnit), published),))


_ROW: tuple[Any, ...] = (
    Sheet.id,
    Sheet.assessment_id,
    Sheet.site_id,
    Site.code.label("site_code"),
    Site.name.label("site_name"),
    Sheet.site_type_code,
    Sheet.region_path,
    Sheet.owner_id.label("assessor_id"),
    User.display_name.label("assessor_name"),
    Sheet.state,
    Sheet.version_no,
    Sheet.evidence,
    SheetVersion.achieved,
    SheetVersion.max_score,
    SheetVersion.vetoed,
    Sheet.submitted_at,
    Sheet.reviewed_at,
    Sheet.version,
)


def _rows(*more: Any) -> Select[Any]:
    # Outer joins to unique keys: the planner leaves them out when a page is only counted.
    return (
        select(*_ROW, *more)
        .select_from(Sheet)
        .outerjoin(Site, Site.id == Sheet.site_id)
        .outerjoin(User, User.id == Sheet.owner_id)
        .outerjoin(SheetVersion, SheetVersion.id == Sheet.current_version_id)
    )


async def list_sheets(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: SheetSort = SheetSort.REGION,
    assessment_id: UUID | None = None,
    assessor_id: UUID | None = None,
    site_id: UUID | None = None,
    site_type_code: str | None = None,
    under: str | None = None,
    state: SheetState | None = None,
    evidence: Evidence | None = None,
    q: str | None = None,
) -> Page[SheetRow]:
    """Sheets that match every filter given; `under` is a region path whose subtree is meant, `q` a site's name."""
    statement = _rows().where(visible(scope))
    for column, value in (
        (Sheet.assessment_id, assessment_id),
        (Sheet.owner_id, assessor_id),
        (Sheet.site_id, site_id),
        (Sheet.site_type_code, site_type_code),
        (Sheet.state, state),
        (Sheet.evidence, evidence),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if under is not None:
        statement = statement.where(Sheet.region_path.startswith(under, autoescape=True))
    if q is not None:
        statement = statement.where(contains(Site.name, q))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Sheet.id, into=SheetRow)


_VERSION: tuple[Any, ...] = (
    SheetVersion.id,
    SheetVersion.sheet_id,
    SheetVersion.no,
    SheetVersion.kind,
    SheetVersion.reason,
    SheetVersion.replaces_id,
    SheetVersion.author_id,
    User.display_name.label("author_name"),
    SheetVersion.captured_at,
    SheetVersion.received_at,
    SheetVersion.longitude,
    SheetVersion.latitude,
    SheetVersion.crs,
    SheetVersion.note,
    SheetVersion.achieved,
    SheetVersion.max_score,
    SheetVersion.vetoed,
    SheetReview.verdict,
    SheetReview.reason.label("verdict_reason"),
    _Reviewer.display_name.label("reviewer_name"),
    SheetReview.decided_at,
)


def _versions() -> Select[Any]:
    return (
        select(*_VERSION)
        .join(User, User.id == SheetVersion.author_id)
        .outerjoin(SheetReview, SheetReview.version_id == SheetVersion.id)
        .outerjoin(_Reviewer, _Reviewer.id == SheetReview.reviewer_id)
    )


async def list_versions(session: AnySession, *, scope: Scope, assessment_id: UUID, sheet_id: UUID) -> list[VersionRow]:
    """All versions of a sheet, the newest first; `NotFound`."""
    await _require(session, scope, assessment_id, sheet_id)
    found = await session.execute(_versions().where(SheetVersion.sheet_id == sheet_id).order_by(SheetVersion.no.desc()))
    return [VersionRow.model_validate(row) for row in found]


async def read_version(
    session: AnySession, *, scope: Scope, assessment_id: UUID, sheet_id: UUID, version_id: UUID
) -> VersionDetail:
    """One version with its lines; `NotFound`."""
    await _require(session, scope, assessment_id, sheet_id)
    found = await session.execute(_versions().where(SheetVersion.sheet_id == sheet_id, SheetVersion.id == version_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    return VersionDetail(**row, lines=await _read_lines(session, version_id))


async def _require(session: AnySession, scope: Scope, assessment_id: UUID, sheet_id: UUID) -> None:
    found = await session.execute(
        select(Sheet.id).where(Sheet.id == sheet_id, Sheet.assessment_id == assessment_id, visible(scope))
    )
    if found.one_or_none() is None:
        raise NotFound


def photo_evidence() -> ColumnElement[str]:
    """What a photo's file (outer-joined) says about its evidence."""
    return case(
        (File.state == FileState.READY, Evidence.COMPLETE.value),
        (File.state == FileState.QUARANTINED, Evidence.FAILED.value),
        else_=Evidence.AWAITING.value,
    )


async def _read_lines(session: AnySession, version_id: UUID) -> list[LineOut]:
    found = await session.execute(_lines(), {"version_id": version_id})
    return [LineOut.model_validate(row) for row in found]


@cache
def _lines() -> Select[Any]:
    """The lines of a version in one statement, deductions and photos aggregated; built once, as building it costs
    more than running it.
    """
    deductions = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("no", Deduction.no, "points", Deduction.points),
                        *("reason_code", Deduction.reason_code, "note", Deduction.note),
                    ),
                    Deduction.no,
                )
            )
        )
        .where(Deduction.line_id == ScoreLine.id)
        .scalar_subquery()
    )
    photos = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("no", LinePhoto.no, "deduction_no", LinePhoto.deduction_no),
                        *("file_id", LinePhoto.file_id, "evidence", photo_evidence()),
                        *("taken_at", LinePhoto.taken_at),
                        *("longitude", LinePhoto.longitude, "latitude", LinePhoto.latitude),
                    ),
                    LinePhoto.no,
                )
            )
        )
        .outerjoin(File, File.id == LinePhoto.file_id)
        .where(LinePhoto.line_id == ScoreLine.id)
        .scalar_subquery()
    )
    return (
        select(
            ScoreLine.id,
            ScoreLine.standard_id,
            ScoreLine.outcome,
            ScoreLine.entry,
            ScoreLine.achieved,
            ScoreLine.max_score,
            ScoreLine.note,
            func.coalesce(deductions, func.jsonb_build_array()).label("deductions"),
            func.coalesce(photos, func.jsonb_build_array()).label("photos"),
        )
        .where(ScoreLine.sheet_version_id == bindparam("version_id", type_=Uuid))
        .order_by(ScoreLine.id)
    )


_DETAIL: tuple[Any, ...] = (
    Sheet.unit_path,
    Sheet.draw_id,
    Sheet.current_version_id,
    Sheet.accepted_version_id,
    Site.address.label("site_address"),
    Site.longitude.label("site_longitude"),
    Site.latitude.label("site_latitude"),
    Site.crs.label("site_crs"),
    Assessment.state.label("assessment_state"),
    Assessment.effective_draw_id,
    DrawSite.status.label("draw_status"),
    SheetDraft.body.label("draft"),
    SheetDraft.saved_at.label("draft_saved_at"),
)
_NAMED_ALIKE = {"id", "sheet_id", "achieved", "max_score", "vetoed", "no", "author_id", "author_name"}
"""Columns of the current version that a sheet's row has already, or knows under another name."""


@lru_cache(maxsize=512)
def _detail(scope: Scope) -> Select[Any]:
    """A sheet's row with all that its detail shows, for one scope; kept, as building it costs more than running it."""
    current = [column for column in _VERSION if column.key not in _NAMED_ALIKE]
    return (
        _rows(*_DETAIL, *current)
        .join(Assessment, Assessment.id == Sheet.assessment_id)
        .outerjoin(DrawSite, and_(DrawSite.draw_id == Sheet.draw_id, DrawSite.site_id == Sheet.site_id))
        .outerjoin(SheetDraft, SheetDraft.sheet_id == Sheet.id)
        .outerjoin(SheetReview, SheetReview.version_id == SheetVersion.id)
        .outerjoin(_Reviewer, _Reviewer.id == SheetReview.reviewer_id)
        .where(
            Sheet.id == bindparam("sheet_id", type_=Uuid),
            Sheet.assessment_id == bindparam("assessment_id", type_=Uuid),
            visible(scope),
        )
    )


async def read_sheet(session: AnySession, *, caller: Principal, assessment_id: UUID, sheet_id: UUID) -> SheetDetail:
    """One sheet with its current version, the standards to judge, and what the caller may do; `NotFound`.

    Two statements, three when the process does not know the form yet.
    """
    found = await session.execute(_detail(caller.scope), {"sheet_id": sheet_id, "assessment_id": assessment_id})
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    form = await site_form(session, assessment_id=assessment_id, site_type_code=row["site_type_code"])
    own = row["assessor_id"] == caller.user_id
    return SheetDetail.model_validate(
        {
            **row,
            "current": await _current(session, row),
            "draft": row["draft"] if own else None,
            "draft_saved_at": row["draft_saved_at"] if own else None,
            "form": form.lines,
            "allowed_actions": _allowed(row, caller),
        }
    )


async def _current(session: AnySession, row: RowMapping) -> dict[str, Any] | None:
    version_id = row["current_version_id"]
    if version_id is None:
        return None
    return {
        **row,
        "id": version_id,
        "sheet_id": row["id"],
        "no": row["version_no"],
        "author_id": row["assessor_id"],
        "author_name": row["assessor_name"],
        "lines": await _read_lines(session, version_id),
    }


def _allowed(row: RowMapping, caller: Principal) -> list[AllowedAction]:
    now = Situation(
        state=row["state"],
        is_author=row["assessor_id"] == caller.user_id,
        own_unit=is_own_unit(caller.unit_path, row["unit_path"]) and row["assessor_id"] == caller.user_id,
        entry_open=row["assessment_state"] in ENTRY_OPEN,
        review_open=row["assessment_state"] in REVIEW_OPEN,
        in_force=row["effective_draw_id"] == row["draw_id"] and row["draw_status"] in IN_FIELD,
        evidence=row["evidence"],
        may_submit=caller.may(Permission.SHEETS_SUBMIT),
        may_review=caller.may(Permission.SHEETS_REVIEW),
        may_assign=caller.may(Permission.SHEETS_ASSIGN),
    )
    refusals = {action: why_not(action, now) for action in SheetAction}
    return [
        AllowedAction(action=action, label=action.label, allowed=reason is None, why_not=reason)
        for action, reason in refusals.items()
    ]
