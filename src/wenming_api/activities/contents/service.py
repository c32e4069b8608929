"""Changes of contents: what happened is kept in versions, and goes into the ledger record without retyping (A2.2)."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.activities.contents.models import ActivityContent
from wenming_api.activities.contents.queries import gaps_of
from wenming_api.activities.contents.schemas import ContentRecord, ContentSave
from wenming_api.activities.events.models import Activity
from wenming_api.activities.events.rules import ActivityAction, ActivityState, next_state
from wenming_api.activities.events.service import check_action, lock_activity, note_step
from wenming_api.activities.templates.models import ActivityTemplateVersion
from wenming_api.activities.templates.queries import fields_of
from wenming_api.activities.templates.rules import Phase, field_problems
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, FieldError, InvalidInput, check_edited, check_judged
from wenming_api.ledgers.contents.queries import check_references, files_of
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.ledgers.records.models import Record
from wenming_api.ledgers.records.rules import SourceKind
from wenming_api.ledgers.records.schemas import RecordCreate, RecordSave
from wenming_api.ledgers.records.service import Source, create_record, save_record
from wenming_api.system.files.service import hold


class EvidenceMissing(Conflict):
    """The content lacks what its template asks for; `gaps` names it."""

    code = "activity_evidence_missing"
    title = "活动材料不全"


async def _template(session: WriteSession, one: Activity) -> ActivityTemplateVersion | None:
    return await session.get(ActivityTemplateVersion, one.template_version_id) if one.template_version_id else None


async def _current(session: WriteSession, one: Activity) -> ActivityContent | None:
    return await session.get(ActivityContent, (one.id, one.content_no)) if one.content_no else None


async def save_content(
    session: WriteSession, *, caller: Principal, activity_id: UUID, version: int, save: ContentSave
) -> None:
    """Keep a new version of what happened; the record made from it gets the same as its next version.

    Raises:
        IllegalTransition: the plan is not approved yet, the activity cancelled; or the record is in review.
        InvalidInput: categories, files or the template's own fields.
    """
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_edited(version, one.version)
    await check_action(session, one, caller=caller, action="content")
    kept = await _current(session, one)
    former = Content.model_validate(kept.content) if kept else None
    _, errors = await check_references(session, save.content, caller=caller, former=former)
    errors = [FieldError(f"/content{each.pointer}", each.message) for each in errors]
    template = await _template(session, one)
    wrong = field_problems(fields_of(template), save.fields, phase=Phase.CONTENT)
    errors += [
        FieldError(f"/fields/{each.key}", each.message) for each in wrong if save.fields.get(each.key) not in {None, ""}
    ]
    if errors:
        raise InvalidInput(errors=errors)
    before = one.state
    one.content_no += 1
    session.add(
        ActivityContent(
            activity_id=one.id,
            no=one.content_no,
            content=save.content.model_dump(mode="json"),
            fields=save.fields,
            made_by=caller.user_id,
        )
    )
    one.state = next_state(ActivityAction.CONTENT, one.state, one.kind)
    if before is not one.state:
        one.state_since = clock.now()
    await hold(session, {each.file_id for each in files_of(save.content)})
    if one.record_id is not None:
        row_version = await session.scalar(select(Record.version).where(Record.id == one.record_id))
        await save_record(
            session,
            caller=caller,
            record_id=one.record_id,
            version=row_version or 1,
            save=RecordSave(content=save.content, reason="活动内容修改"),
        )
    await note_step(
        session, one, caller=caller, action="content", before=before, details={"content_no": one.content_no}
    )


async def make_record(session: WriteSession, *, caller: Principal, activity_id: UUID, judged: ContentRecord) -> None:
    """Make the ledger record of an activity, once; from then on it follows the content (C1.2).

    Raises:
        EvidenceMissing: by its template; `gaps` names what.
    """
    one = await lock_activity(session, caller=caller, activity_id=activity_id)
    check_judged(judged.version, one.version)
    await check_action(session, one, caller=caller, action="record")
    kept = await _current(session, one)
    if kept is None:
        raise AssertionError("an activity that was held has a content")
    content = Content.model_validate(kept.content)
    gaps = gaps_of(await _template(session, one), content, kept.fields)
    if gaps:
        raise EvidenceMissing("；".join(gaps) + "。", gaps=gaps)
    made = await create_record(
        session,
        caller=caller,
        new=RecordCreate(content=content),
        source=Source(kind=SourceKind.ACTIVITY, id=one.id),
    )
    before, one.record_id = one.state, made.id
    one.state, one.state_since = ActivityState.RECORDED, clock.now()
    await note_step(session, one, caller=caller, action="record", before=before, details={"record_id": str(made.id)})
