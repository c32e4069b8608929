"""Reads of manuscripts. Whoever has the unit in his scope sees all versions; a unit that received one sees those that
were sent or called ready."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.activities.events.models import Activity
from wenming_api.activities.manuscripts.models import Manuscript, ManuscriptDispatch, ManuscriptVersion
from wenming_api.activities.manuscripts.rules import ManuscriptState, state_of, without_sending
from wenming_api.activities.manuscripts.schemas import (
    ManuscriptDetail,
    ManuscriptPhoto,
    ManuscriptRow,
    ManuscriptSort,
    ManuscriptSubmission,
    ManuscriptVersionOut,
    ManuscriptVersionRow,
)
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.ledgers.submissions.queries import visible as visible_submissions
from wenming_api.ledgers.submissions.rules import SubmissionState
from wenming_api.system.files.queries import links
from wenming_api.system.files.rules import Variant
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

_M, _V, _D = Manuscript, ManuscriptVersion, ManuscriptDispatch
_SORTS = {"updated_at": _M.updated_at, "title": _V.title}
_MOST_VERSIONS = 100


class ManuscriptNotFound(NotFound):
    """There is no such manuscript, or it lies outside the caller's scope and was not sent to his unit."""

    code = "manuscript_not_found"
    title = "未找到稿件"


def _received(caller: Principal) -> ColumnElement[bool]:
    """Manuscripts that reached the caller's unit: sent to it, or recommended on to it."""
    return exists().where(
        _D.manuscript_id == _M.id,
        Submission.origin_id == _D.submission_id,
        Submission.receiver_unit_id == caller.unit_id,
        Submission.state != SubmissionState.WITHDRAWN,
    )


def visible(caller: Principal) -> ColumnElement[bool]:
    """Manuscripts in scope, and those that reached the caller's unit."""
    return caller.scope.where(_M, also=(_received(caller),))


def _seen(caller: Principal, *more: Any) -> Select[Any]:
    """Manuscripts that the caller sees, each with the version that he sees of it."""
    in_scope = caller.scope.where(_M)
    sent = select(func.count()).where(_D.manuscript_id == _M.id).correlate(_M).scalar_subquery()
    return (
        select(
            *(_M.id, _M.activity_id, _M.unit_id, Unit.name.label("unit_name"), _V.title, _V.no.label("version_no")),
            *(_M.current_no, _M.ready_no, sent.label("sent"), _M.created_at, _M.updated_at, _M.version),
            *more,
            in_scope.label("in_scope"),
        )
        .join(Unit, Unit.id == _M.unit_id)
        .join(_V, (_V.manuscript_id == _M.id) & (_V.no == case((in_scope, _M.current_no), else_=_M.ready_no)))
        .where(visible(caller))
    )


def _state(row: Mapping[str, Any]) -> dict[str, Any]:
    state = state_of(row["version_no"], row["ready_no"])
    return {"state": state, "state_label": state.label}


async def list_manuscripts(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: ManuscriptSort = ManuscriptSort.NEWEST,
    activity_id: UUID | None = None,
    unit_id: UUID | None = None,
    submission_id: UUID | None = None,
    state: ManuscriptState | None = None,
    q: str | None = None,
) -> Page[ManuscriptRow]:
    """Manuscripts that match every filter given; `submission_id`: the one that went with it. Two statements."""
    statement = _seen(caller)
    if activity_id is not None:
        statement = statement.where(_M.activity_id == activity_id)
    if unit_id is not None:
        statement = statement.where(_M.unit_id == unit_id)
    if submission_id is not None:
        with_it = exists().where(
            _D.manuscript_id == _M.id,
            Submission.origin_id == _D.submission_id,
            Submission.id == submission_id,
            visible_submissions(caller.scope),
        )
        statement = statement.where(with_it)
    if state is not None:
        ready = func.coalesce(_M.ready_no == _V.no, False)
        statement = statement.where(ready if state is ManuscriptState.READY else ~ready)
    if q is not None:
        statement = statement.where(contains(_V.title, q))
    return await page(
        session, statement, params, sort=sort, columns=_SORTS, key=_M.id, into=ManuscriptRow, extra=_state
    )


async def _photos(session: AnySession, file_ids: list[UUID], store: ObjectStore) -> list[ManuscriptPhoto]:
    found = await links(session, file_ids, store=store, variant=Variant.PREVIEW) if file_ids else {}
    return [ManuscriptPhoto(file_id=each, preview_url=found[each].url if each in found else None) for each in file_ids]


def _versions(manuscript_id: UUID, ready_no: int | None, *, all_of_them: bool, text: bool = False) -> Select[Any]:
    columns: tuple[Any, ...] = (_V.no, _V.title, User.display_name.label("made_by_name"), _V.made_at, _V.reason)
    if text:
        columns = (*columns, _V.manuscript_id, _V.lead, _V.author_line, _V.body, _V.file_ids)
    statement = select(*columns).join(User, User.id == _V.made_by).where(_V.manuscript_id == manuscript_id)
    if not all_of_them:
        sent = select(_D.version_no).where(_D.manuscript_id == manuscript_id)
        statement = statement.where(or_(_V.no == ready_no, _V.no.in_(sent)))
    return statement


async def _submissions(session: AnySession, manuscript_id: UUID, caller: Principal) -> list[ManuscriptSubmission]:
    receiver = aliased(Unit)
    found = await session.execute(
        select(
            *(Submission.id, receiver.name.label("receiver_unit_name"), Submission.media_name, Submission.level),
            *(_D.version_no.label("sent_no"), Submission.state, Submission.reason, Submission.submitted_at),
        )
        .join(_D, _D.submission_id == Submission.origin_id)
        .join(receiver, receiver.id == Submission.receiver_unit_id)
        .where(_D.manuscript_id == manuscript_id, visible_submissions(caller.scope))
        .order_by(Submission.submitted_at, Submission.id)
    )
    return [
        ManuscriptSubmission.model_validate(dict(row) | {"state_label": row["state"].label}) for row in found.mappings()
    ]


async def read_manuscript(
    session: AnySession, *, caller: Principal, manuscript_id: UUID, store: ObjectStore
) -> ManuscriptDetail:
    """One manuscript with its history and where it went, in at most four statements; `ManuscriptNotFound`."""
    found = await session.execute(
        _seen(
            caller,
            *(_V.lead, _V.author_line, _V.body, _V.file_ids, _M.owner_id),
            *(Activity.title.label("activity_title"), Activity.record_id),
        )
        .join(Activity, Activity.id == _M.activity_id)
        .where(_M.id == manuscript_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise ManuscriptNotFound
    history = await session.execute(
        _versions(manuscript_id, row["ready_no"], all_of_them=row["in_scope"])
        .order_by(_V.no.desc())
        .limit(_MOST_VERSIONS)
    )
    return ManuscriptDetail.model_validate(
        {
            **row,
            **_state(row),
            "photos": await _photos(session, row["file_ids"], store),
            "versions": [ManuscriptVersionRow.model_validate(dict(each)) for each in history.mappings()],
            "submissions": await _submissions(session, manuscript_id, caller),
            "allowed_actions": allowed_actions(
                caller=caller,
                unit_id=row["unit_id"],
                numbers=(row["current_no"], row["ready_no"]),
                recorded=row["record_id"] is not None,
            ),
        }
    )


async def read_version(
    session: AnySession, *, caller: Principal, manuscript_id: UUID, no: int, store: ObjectStore
) -> ManuscriptVersionOut:
    """One version in full, in at most three statements; `ManuscriptNotFound`, also for one that was not sent."""
    seen = await session.execute(
        select(_M.ready_no, caller.scope.where(_M).label("in_scope")).where(_M.id == manuscript_id, visible(caller))
    )
    one = seen.one_or_none()
    if one is None:
        raise ManuscriptNotFound
    found = await session.execute(
        _versions(manuscript_id, one.ready_no, all_of_them=one.in_scope, text=True).where(_V.no == no)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise ManuscriptNotFound
    photos = await _photos(session, row["file_ids"], store)
    return ManuscriptVersionOut.model_validate(dict(row) | {"photos": photos})


def allowed_actions(
    *, caller: Principal, unit_id: UUID, numbers: tuple[int, int | None], recorded: bool
) -> list[AllowedAction]:
    """What the caller may do with a manuscript, and why not the rest; `numbers`: its newest version, its ready one."""

    def holds(permission: Permission) -> tuple[bool, str]:
        return caller.may(permission), f"需要“{permission.label}”权限"

    own = (caller.unit_id == unit_id, "只有主办单位可以操作")
    writes, sends = holds(Permission.ACTIVITIES_WRITE), holds(Permission.SUBMISSIONS_SEND)
    refused = without_sending(*numbers, recorded=recorded)
    draft = (state_of(*numbers) is ManuscriptState.DRAFT, "已定稿")
    return [
        action("update", "修改", writes, own),
        action("ready", "定稿", writes, own, draft),
        action("send", "报送", sends, own, (refused is None, refused or "")),
    ]
