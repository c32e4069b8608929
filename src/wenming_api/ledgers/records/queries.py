"""Reads of records: details, versions, what others need of their contents."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import BIT, JSONB
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.kept import SHAPES, Kept, Source
from wenming_api.kit.likeness import SAME
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.contents.rules import FileUse, differences
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.ledgers.drafts.models import RecordAutosave
from wenming_api.ledgers.records.models import Record, RecordCategory, RecordFile, RecordVersion
from wenming_api.ledgers.records.rules import RecordAction, RecordState, why_not
from wenming_api.ledgers.records.schemas import (
    Comparison,
    RecordOut,
    RecordRow,
    RecordVersionOut,
    RecordVersionRow,
    RecordVersionSort,
)
from wenming_api.ledgers.video_pages.models import VideoPage
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import link
from wenming_api.system.files.rules import FileKind, FileState, Variant
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import Standing

_Maker = aliased(User)


class RecordNotFound(NotFound):
    """There is no such record, or it lies outside the caller's scope."""

    code = "record_not_found"
    title = "未找到台账记录"


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which records a scope shows."""
    return scope.where(Record)


def _categories() -> ColumnElement[Any]:
    """The small categories of a record as JSON, a list even when there are none."""
    shown = func.jsonb_build_object(
        *("node_id", CatalogueNode.id, "code", CatalogueNode.code, "name", CatalogueNode.name),
        *("catalogue_id", Catalogue.id, "catalogue_name", Catalogue.name),
    )
    return (
        select(func.coalesce(func.jsonb_agg(shown), text("'[]'::jsonb")))
        .select_from(RecordCategory)
        .join(CatalogueNode, CatalogueNode.id == RecordCategory.node_id)
        .join(Catalogue, Catalogue.id == CatalogueNode.catalogue_id)
        .where(RecordCategory.record_id == Record.id)
        .correlate(Record)
        .scalar_subquery()
        .label("categories")
    )


def _files() -> ColumnElement[Any]:
    """The files of a record's current version as JSON, a list or null."""
    names = ("id", "kind", "state", "name", "content_type", "size")
    pairs = [part for name in names for part in (name, getattr(File, name))]
    shown = func.jsonb_build_object("use", RecordFile.use, "position", RecordFile.position, *pairs)
    return (
        select(func.jsonb_agg(shown))
        .select_from(RecordFile)
        .join(File, File.id == RecordFile.file_id)
        .where(RecordFile.record_id == Record.id, RecordFile.version_no == Record.current_version_no)
        .correlate(Record)
        .scalar_subquery()
        .label("shown_files")
    )


def _pages() -> ColumnElement[Any]:
    """What the pages of the version's video links said, by link, as JSON, or null."""
    video = func.jsonb_array_elements(RecordVersion.content["videos"]).table_valued(
        column("value", JSONB), name="video"
    )
    key = func.encode(func.sha256(func.convert_to(video.c.value["url"].astext, "UTF8")), "hex")
    names = ("title", "cover_url", "fetched_at", "failure")
    pairs = [part for name in names for part in (name, getattr(VideoPage, name))]
    return (
        select(func.jsonb_object_agg(VideoPage.url, func.jsonb_build_object(*pairs)))
        .select_from(video)
        .join(VideoPage, VideoPage.url_hash == key)
        .correlate(RecordVersion)
        .scalar_subquery()
        .label("pages")
    )


def selected(names: Iterable[str]) -> Select[Any]:
    """The given fields of `RecordRow` and columns of records, with what they refer to. The joins are outer ones to
    unique keys, so that a count leaves them out."""
    joined: dict[str, Any] = {
        "unit_name": Unit.name.label("unit_name"),
        "owner_name": User.display_name.label("owner_name"),
        "categories": _categories(),
    }
    columns = [joined[name] if name in joined else getattr(Record, name) for name in names]
    return (
        select(*columns)
        .select_from(Record)
        .outerjoin(Unit, Unit.id == Record.unit_id)
        .outerjoin(User, User.id == Record.owner_id)
    )


_DETAIL = [
    *RecordRow.model_fields,
    *("region_path", "unit_path", "source_kind", "source_id", "copied_from_id", "approval_id", "submitted_once"),
]


@lru_cache(maxsize=SHAPES)
def _detail(scope: Scope) -> Kept:
    statement = selected(_DETAIL).add_columns(
        RecordVersion.content,
        RecordVersion.findings,
        RecordVersion.made_by,
        RecordVersion.made_at,
        _Maker.display_name.label("made_by_name"),
        RecordAutosave.saved_at.label("draft_saved_at"),
        _files(),
        _pages(),
    )
    return Kept(
        statement.join(
            RecordVersion,
            and_(RecordVersion.record_id == Record.id, RecordVersion.no == Record.current_version_no),
        )
        .join(_Maker, _Maker.id == RecordVersion.made_by)
        .outerjoin(
            RecordAutosave,
            and_(
                RecordAutosave.record_id == Record.id,
                RecordAutosave.user_id == bindparam("reader_id", type_=Uuid),
            ),
        )
        .where(Record.id == bindparam("record_id", type_=Uuid), visible(scope))
    )


async def get_record(
    source: Source, session: AnySession, record_id: UUID, *, caller: Principal, store: ObjectStore
) -> dict[str, Any]:
    """One record with its current content and what the caller may do with it, as `RecordOut`.

    One statement; two more in `session` while it is in review. Raises :class:`RecordNotFound` outside the scope.
    """
    row = await _detail(caller.scope).row(source, record_id=record_id, reader_id=caller.user_id)
    if row is None:
        raise RecordNotFound
    standing = None
    if row["state"] == RecordState.IN_REVIEW and row["approval_id"]:
        found = await standings(session, caller=caller, approval_ids=[UUID(str(row["approval_id"]))])
        standing = next(iter(found.values()), None)
    shown = sorted(row["shown_files"] or [], key=lambda each: (list(FileUse).index(each["use"]), each["position"]))
    kept = {name: row[name] for name in RecordOut.model_fields if name in row}
    return kept | {
        "files": [_file_out(store, each) for each in shown],
        "videos": _videos(row["content"], row["pages"] or {}),
        "allowed_actions": allowed_actions(row, caller=caller, standing=standing),
    }


def _videos(content: Mapping[str, Any], pages: Mapping[str, Any]) -> list[dict[str, Any]]:
    unread = {"title": None, "cover_url": None, "fetched_at": None, "failure": None}
    found = []
    for url in dict.fromkeys(video["url"] for video in content.get("videos", ()) if video["url"]):
        page = pages.get(url, unread)
        read_at = page["fetched_at"]
        found.append({**page, "url": url, "fetched_at": datetime.fromisoformat(read_at) if read_at else None})
    return found


def _file_out(store: ObjectStore, shown: Mapping[str, Any]) -> dict[str, Any]:
    row = {**shown, "id": UUID(shown["id"]), "state": FileState(shown["state"]), "kind": FileKind(shown["kind"])}
    thumbnail = link(store, row, Variant.THUMBNAIL)
    fields = ("use", "kind", "state", "name", "content_type", "size")
    return {"file_id": shown["id"], **{name: shown[name] for name in fields}, "thumbnail": thumbnail and thumbnail.url}


def allowed_actions(row: Mapping[str, Any], *, caller: Principal, standing: Standing | None) -> list[AllowedAction]:
    """What the caller may do with a record, and why not the rest. `row` has the columns of the record."""
    state = RecordState(row["state"])
    writes = (caller.may(Permission.RECORDS_WRITE), f"没有“{Permission.RECORDS_WRITE.label}”权限")
    own = (str(row["unit_id"]) == str(caller.unit_id), "记录属于其他单位")
    offered = []
    for each in RecordAction:
        refusal = why_not(each, state, submitted_once=row["submitted_once"])
        legal = (refusal is None, refusal or "")
        if each in (RecordAction.APPROVE, RecordAction.RETURN):
            may = standing is not None and standing.may_decide
            reviews = (caller.may(Permission.RECORDS_REVIEW) or may, f"没有“{Permission.RECORDS_REVIEW.label}”权限")
            turn = (may, (standing.why_not if standing else None) or "记录不在审核中")
            wrote = (str(row["made_by"]) != str(caller.user_id), "不能审核本人填报的内容")
            offered.append(action(each.value, each.label, legal, reviews, wrote, turn))
        else:
            offered.append(action(each.value, each.label, writes, own, legal))
    return offered


_VERSION = (
    RecordVersion.no,
    RecordVersion.content_hash,
    func.jsonb_array_length(RecordVersion.findings).label("findings_count"),
    RecordVersion.made_by,
    _Maker.display_name.label("made_by_name"),
    RecordVersion.made_at,
    RecordVersion.reason,
    func.coalesce(RecordVersion.no == Record.approved_version_no, False).label("approved"),
)


def _versions(record_id: UUID, scope: Scope, *more: Any) -> Select[Any]:
    return (
        select(*_VERSION, *more)
        .join(Record, Record.id == RecordVersion.record_id)
        .join(_Maker, _Maker.id == RecordVersion.made_by)
        .where(Record.id == record_id, visible(scope))
    )


async def list_versions(
    session: AnySession,
    record_id: UUID,
    *,
    scope: Scope,
    params: PageParams,
    sort: RecordVersionSort = RecordVersionSort.NEWEST,
) -> Page[RecordVersionRow]:
    """The versions of a record. Two statements; :class:`RecordNotFound` outside the scope."""
    found = await page(
        session,
        _versions(record_id, scope),
        params,
        sort=sort,
        columns={"no": RecordVersion.no},
        key=RecordVersion.id,
        into=RecordVersionRow,
    )
    if found.total == 0:
        raise RecordNotFound
    return found


async def read_version(session: AnySession, record_id: UUID, no: int, *, scope: Scope) -> RecordVersionOut:
    """One version with its content. One statement; :class:`RecordNotFound`."""
    statement = _versions(record_id, scope, Record.id.label("record_id"), RecordVersion.content, RecordVersion.findings)
    row = (await session.execute(statement.where(RecordVersion.no == no))).mappings().one_or_none()
    if row is None:
        raise RecordNotFound("记录或版本不存在，或不在您的数据范围内。")
    return RecordVersionOut.model_validate(dict(row))


async def compare_versions(
    session: AnySession, record_id: UUID, *, from_no: int, to_no: int, scope: Scope
) -> Comparison:
    """What changed between two versions, field by field. One statement; :class:`RecordNotFound`."""
    found = await session.execute(
        select(RecordVersion.no, RecordVersion.content)
        .join(Record, Record.id == RecordVersion.record_id)
        .where(Record.id == record_id, RecordVersion.no.in_([from_no, to_no]), visible(scope))
    )
    by_no = {row.no: row.content for row in found}
    if not {from_no, to_no} <= by_no.keys():
        raise RecordNotFound("记录或版本不存在，或不在您的数据范围内。")
    changes = differences(by_no[from_no], by_no[to_no])
    return Comparison.model_validate(
        {"record_id": record_id, "from_no": from_no, "to_no": to_no, "changes": changes}, from_attributes=True
    )


async def version_content(session: AnySession, *, record_id: UUID, no: int) -> Content:
    """The content of one version, for domains that have judged access by their own rows; :class:`RecordNotFound`."""
    found = await contents(session, [(record_id, no)])
    if (record_id, no) not in found:
        raise RecordNotFound
    return found[record_id, no]


async def contents(session: AnySession, versions: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], Content]:
    """The contents of versions (record, number) in one statement; unknown ones are absent."""
    wanted = list(versions)
    if not wanted:
        return {}
    found = await session.execute(
        select(RecordVersion.record_id, RecordVersion.no, RecordVersion.content).where(
            tuple_(RecordVersion.record_id, RecordVersion.no).in_(wanted)
        )
    )
    return {(row.record_id, row.no): Content.model_validate(row.content) for row in found}


async def base_content(session: AnySession, record_id: UUID, *, row_version: int) -> Mapping[str, Any] | None:
    """The content that the record had when its row was at this version; None before there was one."""
    found: Mapping[str, Any] | None = await session.scalar(
        select(RecordVersion.content)
        .where(RecordVersion.record_id == record_id, RecordVersion.row_version <= row_version)
        .order_by(RecordVersion.no.desc())
        .limit(1)
    )
    return found


async def repeats_photo(session: AnySession, *, unit_id: UUID, record_id: UUID, file_ids: Iterable[UUID]) -> bool:
    """Whether another record of the unit shows one of these photos now: the same bytes, or a picture just like it.

    Photos that have not been examined yet are like nothing.
    """
    wanted = list(file_ids)
    if not wanted:
        return False
    ours, theirs = aliased(File), aliased(File)
    alike = func.bit_count(cast(ours.phash.op("#")(theirs.phash), BIT(64))) <= SAME
    found = await session.scalar(
        select(literal(1))
        .select_from(Record)
        .join(
            RecordFile,
            and_(RecordFile.record_id == Record.id, RecordFile.version_no == Record.current_version_no),
        )
        .join(theirs, theirs.id == RecordFile.file_id)
        .join(ours, or_(ours.id == theirs.id, ours.sha256 == theirs.sha256, alike))
        .where(Record.unit_id == unit_id, Record.id != record_id, RecordFile.use == FileUse.PHOTO, ours.id.in_(wanted))
        .limit(1)
    )
    return found is not None
