"""Reads of score sheets."""

from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, Uuid, and_, bindparam, case, cast, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
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
from wenming_api.city.scoring.schemas import SheetDetail, SheetSort, VersionDetail, VersionRow
from wenming_api.city.sites.models import Site
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.bare import Row
from wenming_api.kit.db import AnySession
from wenming_api.kit.kept import SHAPES, Found, Kept, KeptPage, Shapes, Source, equals, under
from wenming_api.kit.pages import PageParams, escape_like, given
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


_MATCHES: dict[str, ColumnElement[bool]] = {
    "assessment_id": equals(Sheet.assessment_id),
    "assessor_id": equals(Sheet.owner_id, "assessor_id"),
    "site_id": equals(Sheet.site_id),
    "site_type_code": equals(Sheet.site_type_code),
    "under": under(Sheet.region_path, bindparam("under", type_=Text)),
    "state": equals(Sheet.state),
    "evidence": equals(Sheet.evidence),
    "q": Site.name.ilike(bindparam("q", type_=Text), escape="\\"),
}
_lists = Shapes[KeptPage]()


async def list_sheets(
    source: Source,
    *,
    scope: Scope,
    params: PageParams,
    sort: SheetSort = SheetSort.REGION,
    q: str | None = None,
    **filters: Any,
) -> Found:
    """Sheets (rows as `SheetRow`) that match every filter given: `assessment_id`, `assessor_id`, `site_id`,
    `site_type_code`, `state`, `evidence`, `under` (a region path whose subtree is meant), `q` (a site's name).

    Two statements.
    """
    values = given(q=q and f"%{escape_like(q)}%", **filters)

    def make() -> KeptPage:
        condition = and_(visible(scope), *(_MATCHES[name] for name in values))
        return KeptPage(_rows(), condition, sort=sort, columns=_SORTS, key=Sheet.id)

    return await _lists.of((scope, sort, *values), make).read(source, params, **values)


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
    return VersionDetail.model_validate({**row, "lines": await _read_lines(session, version_id)})


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


async def _read_lines(source: Source, version_id: UUID) -> list[dict[str, Any]]:
    return [_line(row) for row in await _lines().rows(source, version_id=version_id)]


def _line(row: Row) -> dict[str, Any]:
    """A line as `LineOut`: instants are text in the photos' JSON."""
    for photo in row["photos"]:
        if photo["taken_at"] is not None:
            photo["taken_at"] = datetime.fromisoformat(photo["taken_at"])
    return dict(row)


def _exact(column: Any) -> ColumnElement[str]:
    """A decimal as text without trailing zeros: JSON's numbers are read as floats."""
    return cast(func.trim_scale(column), Text)


@cache
def _lines() -> Kept:
    """The lines of a version in one statement, deductions and photos aggregated; built once, as building it costs
    more than running it.
    """
    deductions = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object(
                        *("no", Deduction.no, "points", _exact(Deduction.points)),
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
                        *("longitude", _exact(LinePhoto.longitude), "latitude", _exact(LinePhoto.latitude)),
                    ),
                    LinePhoto.no,
                )
            )
        )
        .outerjoin(File, File.id == LinePhoto.file_id)
        .where(LinePhoto.line_id == ScoreLine.id)
        .scalar_subquery()
    )
    return Kept(
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
_MADE = {"current", "draft", "draft_saved_at", "form", "allowed_actions"}
_SHOWN = [name for name in SheetDetail.model_fields if name not in _MADE]
_OF_VERSION = [
    name
    for name in VersionDetail.model_fields
    if name not in {"id", "sheet_id", "no", "author_id", "author_name", "lines"}
]


@lru_cache(maxsize=SHAPES)
def _detail(scope: Scope) -> Kept:
    """A sheet's row with all that its detail shows, for one scope."""
    current = [column for column in _VERSION if column.key not in _NAMED_ALIKE]
    return Kept(
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


async def read_sheet(source: Source, *, caller: Principal, assessment_id: UUID, sheet_id: UUID) -> dict[str, Any]:
    """One sheet as `SheetDetail`: its current version, the standards to judge, what the caller may do; `NotFound`.

    Two statements, three when the process does not know the form yet.
    """
    row = await _detail(caller.scope).row(source, sheet_id=sheet_id, assessment_id=assessment_id)
    if row is None:
        raise NotFound
    form = await site_form(source, assessment_id=assessment_id, site_type_code=row["site_type_code"])
    own = row["assessor_id"] == caller.user_id
    return {
        **{name: row[name] for name in _SHOWN},
        "current": await _current(source, row),
        "draft": row["draft"] if own else None,
        "draft_saved_at": row["draft_saved_at"] if own else None,
        "form": form.written,
        "allowed_actions": _allowed(row, caller),
    }


async def _current(source: Source, row: Row) -> dict[str, Any] | None:
    version_id = row["current_version_id"]
    if version_id is None:
        return None
    return {
        **{name: row[name] for name in _OF_VERSION},
        "id": version_id,
        "sheet_id": row["id"],
        "no": row["version_no"],
        "author_id": row["assessor_id"],
        "author_name": row["assessor_name"],
        "lines": await _read_lines(source, version_id),
    }


def _allowed(row: Row, caller: Principal) -> list[AllowedAction]:
    now = Situation(
        state=SheetState(row["state"]),
        is_author=row["assessor_id"] == caller.user_id,
        own_unit=is_own_unit(caller.unit_path, row["unit_path"]) and row["assessor_id"] == caller.user_id,
        entry_open=row["assessment_state"] in ENTRY_OPEN,
        review_open=row["assessment_state"] in REVIEW_OPEN,
        in_force=row["effective_draw_id"] == row["draw_id"] and row["draw_status"] in IN_FIELD,
        evidence=Evidence(row["evidence"]),
        may_submit=caller.may(Permission.SHEETS_SUBMIT),
        may_review=caller.may(Permission.SHEETS_REVIEW),
        may_assign=caller.may(Permission.SHEETS_ASSIGN),
    )
    refusals = {action: why_not(action, now) for action in SheetAction}
    return [
        AllowedAction(action=action, label=action.label, allowed=reason is None, why_not=reason)
        for action, reason in refusals.items()
    ]
