"""Changes of records: created, saved as versions, copied, deleted; reviewed inside the unit (L1.1–L1.3, L2.4)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, cast, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    StaleVersion,
    check_edited,
)
from wenming_api.ledgers.contents.queries import Categories, check_references, files_of
from wenming_api.ledgers.contents.rules import bigrams, differences, search_text, three_way
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.ledgers.drafts.models import RecordAutosave
from wenming_api.ledgers.records.models import Record, RecordCategory, RecordFeatures, RecordFile, RecordVersion
from wenming_api.ledgers.records.queries import RecordNotFound, base_content, repeats_photo, version_content, visible
from wenming_api.ledgers.records.rules import RecordAction, RecordState, SourceKind, allowed_from, next_state, why_not
from wenming_api.ledgers.records.schemas import RecordCopy, RecordCreate, RecordSave
from wenming_api.ledgers.verdicts.queries import Verdict, judge_content
from wenming_api.ledgers.video_pages.service import ask_for_pages
from wenming_api.system.audit.service import record as audit


class RecordIdTaken(Conflict):
    """A record with this id exists, and it is not the same one."""

    code = "record_id_taken"
    title = "记录标识已被使用"


class StaleRecord(StaleVersion):
    """The record was saved by somebody else since; `merge` shows each changed field: base, theirs, yours."""

    code = "stale_record"

    def __init__(self, current_version: int, *, current_no: int, merge: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(current_version)
        self.extensions |= {"current_version_no": current_no, "merge": list(merge)}


@dataclass(frozen=True, slots=True)
class Source:
    """What a record is made from without retyping."""

    kind: SourceKind
    id: UUID


async def create_record(
    session: WriteSession,
    *,
    caller: Principal,
    new: RecordCreate,
    source: Source | None = None,
    copied_from_id: UUID | None = None,
) -> Record:
    """Add a draft of the caller's unit with its first version. The same record sent again is found, not added.

    Raises:
        InvalidInput: categories, files or the work area are not to be used.
        RecordIdTaken: the id is another record's.
    """
    record_id = new.id or uuid7()
    if new.id is not None:
        known = await session.scalar(select(Record).where(Record.id == new.id))
        if known is not None:
            first = await version_content(session, record_id=new.id, no=1)
            if known.owner_id == caller.user_id and _hash(_stored(first)) == _hash(_stored(new.content)):
                return known
            raise RecordIdTaken("该标识已属于另一条记录，请换用新的标识。")
    categories, errors = await check_references(session, new.content, caller=caller, former=None)
    if errors:
        raise InvalidInput(errors=errors)
    made = Record(
        id=record_id,
        state=RecordState.DRAFT,
        current_version_no=0,
        owner_id=caller.user_id,
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
        region_path=caller.region_path,
        source_kind=source.kind if source else None,
        source_id=source.id if source else None,
        copied_from_id=copied_from_id,
    )
    await _keep_version(session, made, new.content, categories, caller=caller, reason=None)
    await audit(
        session,
        caller=caller,
        action="records.create",
        target=("record", record_id),
        after={"title": new.content.title, "version_no": 1, "source": source and source.kind.value},
    )
    return made


async def save_record(
    session: WriteSession, *, caller: Principal, record_id: UUID, version: int, save: RecordSave
) -> Record:
    """Save a new version of the content; an approved record becomes a draft again and keeps its approved version.

    Saving what is there already adds no version.

    Raises:
        StaleRecord: somebody saved since `version`; with a comparison field by field.
        IllegalTransition: in review.
        InvalidInput: categories, files or the work area are not to be used.
    """
    found = await lock_own(session, caller, record_id)
    former = await version_content(session, record_id=record_id, no=found.current_version_no)
    if version != found.version:
        base = await base_content(session, record_id, row_version=version)
        theirs, yours = _stored(former), _stored(save.content)
        merged = three_way(theirs if base is None else base, theirs, yours)
        raise StaleRecord(found.version, current_no=found.current_version_no, merge=[asdict(each) for each in merged])
    state = check_state(RecordAction.SAVE, found)
    changes = differences(_stored(former), _stored(save.content))
    if not changes:
        return found
    categories, errors = await check_references(session, save.content, caller=caller, former=former)
    if errors:
        raise InvalidInput(errors=errors)
    before, found.state = found.state, state
    await _keep_version(session, found, save.content, categories, caller=caller, reason=save.reason)
    await session.execute(
        delete(RecordAutosave).where(RecordAutosave.record_id == record_id, RecordAutosave.user_id == caller.user_id)
    )
    await audit(
        session,
        caller=caller,
        action="records.save",
        target=("record", record_id),
        before={"state": before.value, "version_no": found.current_version_no - 1},
        after={
            "state": state.value,
            "version_no": found.current_version_no,
            "fields": [change.path for change in changes],
        },
        reason=save.reason,
    )
    return found


async def copy_record(session: WriteSession, *, caller: Principal, record_id: UUID, new: RecordCopy) -> Record:
    """Start the next period from a record that the caller sees: what repeats is taken over, what happened is not
    (times, photos, videos, attachments, hours, the number of a document)."""
    source = await session.scalar(select(Record).where(Record.id == record_id, visible(caller.scope)))
    if source is None:
        raise RecordNotFound
    former = await version_content(session, record_id=record_id, no=source.current_version_no)
    try:
        content = Content(
            **former.model_dump(include={"title", "text", "node_ids", "work_area_code", "place", "participants"}),
            longitude=former.longitude,
            latitude=former.latitude,
            period_start=new.period_start,
            period_end=new.period_end,
        )
    except ValueError as error:
        raise InvalidInput("所属期止早于所属期起。") from error
    return await create_record(
        session, caller=caller, new=RecordCreate(id=new.id, content=content), copied_from_id=record_id
    )


async def delete_record(session: WriteSession, *, caller: Principal, record_id: UUID, version: int) -> None:
    """Delete a draft that was never submitted. Raises `StaleVersion`, `IllegalTransition`."""
    found = await lock_own(session, caller, record_id)
    check_edited(version, found.version)
    refusal = why_not(RecordAction.DELETE, found.state, submitted_once=found.submitted_once)
    if refusal is not None:
        raise IllegalTransition(f"{refusal}。", allowed=[each.value for each in allowed_from(found.state)])
    await session.delete(found)
    await audit(
        session,
        caller=caller,
        action="records.delete",
        target=("record", record_id),
        before={"title": found.title, "number": found.number, "version_no": found.current_version_no},
    )


def check_state(action: RecordAction, found: Record) -> RecordState:
    """Where the action leads; `IllegalTransition` when the table does not list it."""
    following = next_state(found.state, action)
    if following is None:
        refusal = why_not(action, found.state)
        raise IllegalTransition(f"{refusal}。", allowed=[each.value for each in allowed_from(found.state)])
    return following


async def lock_record(session: WriteSession, caller: Principal, record_id: UUID) -> Record:
    """The record until this transaction ends; `RecordNotFound` outside the scope."""
    found = await session.scalar(
        select(Record)
        .where(Record.id == record_id, visible(caller.scope))
        .with_for_update()
        .execution_options(populate_existing=True)  # it may have been read before its lock was free
    )
    if found is None:
        raise RecordNotFound
    return found


async def lock_own(session: WriteSession, caller: Principal, record_id: UUID) -> Record:
    """The record of the caller's own unit until this transaction ends; `RecordNotFound`, `Forbidden`."""
    found = await lock_record(session, caller, record_id)
    if found.unit_id != caller.unit_id:
        raise Forbidden("记录属于其他单位，只有填报单位可以修改。")
    return found


async def _keep_version(
    session: WriteSession,
    record: Record,
    content: Content,
    categories: Categories,
    *,
    caller: Principal,
    reason: str | None,
) -> Verdict:
    """Judge a content and keep it as the record's next version."""
    now = clock.now()
    repeats = await repeats_photo(
        session, unit_id=record.unit_id, record_id=record.id, file_ids=[each.file_id for each in content.photos]
    )
    verdict = await judge_content(
        session, content, unit_id=record.unit_id, categories=categories, saved_at=now, repeats_photo=repeats
    )
    stored = _stored(content)
    text = search_text(stored)
    record.title, record.work_area_code = content.title, content.work_area_code
    record.happened_on = clock.at_the_edge(content.happened_at).date() if content.happened_at else None
    record.period_start, record.period_end = content.period_start, content.period_end
    record.current_version_no += 1
    record.findings_worst = verdict.worst
    record.searched, record.updated_at = text, now
    record.search = func.array_to_tsvector(cast(bigrams(text), ARRAY(Text)))
    session.add(record)
    await session.flush()  # versions refer to it, and keep the version of its row
    version_id = uuid7()
    await session.execute(
        insert(RecordVersion).values(
            record_id=record.id,
            no=record.current_version_no,
            id=version_id,
            row_version=record.version,
            content=stored,
            content_hash=_hash(stored),
            findings=verdict.findings,
            ruleset_hash=verdict.ruleset_hash,
            made_by=caller.user_id,
            made_at=now,
            reason=reason,
        )
    )
    await session.execute(delete(RecordCategory).where(RecordCategory.record_id == record.id))
    await session.execute(
        insert(RecordCategory), [{"record_id": record.id, "node_id": node_id} for node_id in content.node_ids]
    )
    await session.execute(
        update(RecordFeatures)
        .where(RecordFeatures.record_id == record.id, RecordFeatures.current)
        .values(current=False)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        insert(RecordFeatures).values(
            **verdict.features.row(),
            version_id=version_id,
            record_id=record.id,
            unit_id=record.unit_id,
            owner_id=caller.user_id,
            current=True,
        )
    )
    shown = {(each.file_id, each.use): position for position, each in reversed(list(enumerate(files_of(content))))}
    if shown:
        await session.execute(
            insert(RecordFile),
            [
                {
                    "record_id": record.id,
                    "version_no": record.current_version_no,
                    "file_id": file_id,
                    "use": use,
                    "position": position,
                }
                for (file_id, use), position in shown.items()
            ],
        )
    await ask_for_pages(session, [video.url for video in content.videos if video.url and not video.title])
    return verdict


def _stored(content: Content) -> dict[str, Any]:
    return content.model_dump(mode="json")


def _hash(stored: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(stored, option=orjson.OPT_SORT_KEYS)).hexdigest()
