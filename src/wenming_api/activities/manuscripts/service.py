"""Changes of manuscripts (A3.5, B4.1): written from an activity, kept in versions, sent with the activity's record."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.activities.contents.models import ActivityContent
from wenming_api.activities.events.models import Activity
from wenming_api.activities.events.queries import visible as visible_activities
from wenming_api.activities.manuscripts.models import Manuscript, ManuscriptDispatch, ManuscriptVersion
from wenming_api.activities.manuscripts.queries import ManuscriptNotFound, allowed_actions, visible
from wenming_api.activities.manuscripts.rules import MAX_PHOTOS, ManuscriptState, state_of, without_sending
from wenming_api.activities.manuscripts.schemas import (
    ManuscriptCreate,
    ManuscriptReady,
    ManuscriptSave,
    ManuscriptSend,
)
from wenming_api.activities.shares.rules import summary
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import (
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_edited,
    check_judged,
)
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.ledgers.destinations.rules import Purpose
from wenming_api.ledgers.destinations.schemas import Destination
from wenming_api.ledgers.dispatches.schemas import SubmissionSend
from wenming_api.ledgers.dispatches.service import send
from wenming_api.system.audit.service import record
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.units.models import Unit


async def create_manuscript(
    session: WriteSession, *, caller: Principal, activity_id: UUID, new: ManuscriptCreate
) -> Manuscript:
    """Make a manuscript from an activity of the caller's unit; what is not given is taken from its content.

    Raises:
        NotFound: no such activity in the caller's scope.
        Forbidden: another unit's.
        IllegalTransition: it has no content yet.
        InvalidInput: pictures that are not the activity's.
    """
    one = await session.scalar(select(Activity).where(Activity.id == activity_id, visible_activities(caller)))
    if one is None:
        raise NotFound
    if one.unit_id != caller.unit_id:
        raise Forbidden("只有主办单位可以撰写稿件。")
    if not one.content_no:
        raise IllegalTransition("活动尚未开展，没有可以写成稿件的内容。", allowed=["content"])
    content = await _content(session, one)
    pictures = [photo.file_id for photo in content.photos]
    unit = await session.get_one(Unit, one.unit_id)
    wanted = ManuscriptSave(
        title=new.title or content.title,
        lead=summary(content.text) if new.lead is None else new.lead,
        author_line=unit.name if new.author_line is None else new.author_line,
        body=content.text if new.body is None else new.body,
        file_ids=pictures[:MAX_PHOTOS] if new.file_ids is None else new.file_ids,
    )
    _check_pictures(wanted.file_ids, set(pictures))
    made = Manuscript(
        activity_id=one.id,
        unit_id=one.unit_id,
        unit_path=one.unit_path,
        region_path=one.region_path,
        owner_id=caller.user_id,
        title=wanted.title,
        current_no=1,
        ready_no=None,
    )
    session.add(made)
    await session.flush()  # its version refers to it
    await _keep(session, made, wanted, caller=caller)
    await _trace(session, made, caller=caller, action="create", before=None)
    return made


async def save_manuscript(
    session: WriteSession, *, caller: Principal, manuscript_id: UUID, version: int, save: ManuscriptSave
) -> None:
    """Keep a further version; it is a draft until it is called ready again.

    Raises `ManuscriptNotFound`, `StaleVersion`, `Forbidden`; `InvalidInput` for pictures that are not the activity's.
    """
    one, activity = await _locked(session, caller=caller, manuscript_id=manuscript_id)
    check_edited(version, one.version)
    _check_may(one, activity, caller=caller, action="update")
    former = await session.get_one(ManuscriptVersion, (one.id, one.current_no))
    there = {photo.file_id for photo in (await _content(session, activity)).photos}
    _check_pictures(save.file_ids, there | set(former.file_ids))
    before = _shown(one)
    one.current_no += 1
    one.title = save.title
    one.updated_at = clock.now()
    await _keep(session, one, save, caller=caller)
    await _trace(session, one, caller=caller, action="update", before=before, reason=save.reason)


async def make_ready(session: WriteSession, *, caller: Principal, manuscript_id: UUID, judged: ManuscriptReady) -> None:
    """Call the newest version ready for sending; `VersionMoved`, `IllegalTransition`, `Forbidden`."""
    one, activity = await _locked(session, caller=caller, manuscript_id=manuscript_id)
    check_judged(judged.version, one.version)
    if state_of(one.current_no, one.ready_no) is ManuscriptState.READY:
        raise IllegalTransition("稿件已定稿。", allowed=["send"])
    _check_may(one, activity, caller=caller, action="ready")
    before = _shown(one)
    one.ready_no = one.current_no
    one.updated_at = clock.now()
    await _trace(session, one, caller=caller, action="ready", before=before)


async def send_manuscript(
    session: WriteSession, *, caller: Principal, manuscript_id: UUID, request: ManuscriptSend
) -> None:
    """Send the ready version with the approved version of the activity's record to each destination: all or none.

    Raises `ManuscriptNotFound`, `VersionMoved`, `IllegalTransition`, `Forbidden`, and what sending a record raises.
    """
    await hold_tree(session)  # before any row: whoever moves a unit holds the tree and waits for rows
    one, activity = await _locked(session, caller=caller, manuscript_id=manuscript_id)
    check_judged(request.version, one.version)
    refused = without_sending(one.current_no, one.ready_no, recorded=activity.record_id is not None)
    if refused is not None or activity.record_id is None:
        raise IllegalTransition(f"{refused}。", allowed=["update", "ready"])
    _check_may(one, activity, caller=caller, action="send")
    wanted = [
        Destination(purpose=Purpose.MANUSCRIPT, receiver_unit_id=each.receiver_unit_id, media_name=each.media_name)
        for each in request.destinations
    ]
    made = await send(session, caller=caller, request=SubmissionSend(record_id=activity.record_id, destinations=wanted))
    session.add_all(
        ManuscriptDispatch(submission_id=each, manuscript_id=one.id, version_no=one.current_no) for each in made
    )
    before = _shown(one)
    one.updated_at = clock.now()
    await _trace(
        session, one, caller=caller, action="send", before=before, more={"submissions": [str(each) for each in made]}
    )


async def _locked(session: WriteSession, *, caller: Principal, manuscript_id: UUID) -> tuple[Manuscript, Activity]:
    one = await session.scalar(
        select(Manuscript)
        .where(Manuscript.id == manuscript_id, visible(caller))
        .with_for_update(of=Manuscript)
        .execution_options(populate_existing=True)
    )
    if one is None:
        raise ManuscriptNotFound
    return one, await session.get_one(Activity, one.activity_id)


async def _content(session: WriteSession, activity: Activity) -> Content:
    kept = await session.get_one(ActivityContent, (activity.id, activity.content_no))
    return Content.model_validate(kept.content)


def _check_may(one: Manuscript, activity: Activity, *, caller: Principal, action: str) -> None:
    listed = allowed_actions(
        caller=caller,
        unit_id=one.unit_id,
        numbers=(one.current_no, one.ready_no),
        recorded=activity.record_id is not None,
    )
    found = next(each for each in listed if each.action == action)
    if not found.allowed:
        raise Forbidden(f"{found.why_not}。")


def _check_pictures(wanted: list[UUID], there: set[UUID]) -> None:
    errors = [
        FieldError(f"/file_ids/{index}", "须是该活动的照片" if each not in there else "与前面的照片重复")
        for index, each in enumerate(wanted)
        if each not in there or each in wanted[:index]
    ]
    if errors:
        raise InvalidInput(errors=errors)


async def _keep(session: WriteSession, one: Manuscript, text: ManuscriptSave, *, caller: Principal) -> None:
    session.add(
        ManuscriptVersion(
            manuscript_id=one.id,
            no=one.current_no,
            **text.model_dump(),
            made_by=caller.user_id,
        )
    )


def _shown(one: Manuscript) -> dict[str, Any]:
    return {"title": one.title, "current_no": one.current_no, "ready_no": one.ready_no}


async def _trace(
    session: WriteSession,
    one: Manuscript,
    *,
    caller: Principal,
    action: str,
    before: dict[str, Any] | None,
    reason: str | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action=f"manuscripts.{action}",
        target=("manuscript", one.id),
        before=before,
        after=_shown(one) | (more or {}),
        reason=reason,
        context=("activity", one.activity_id),
    )
