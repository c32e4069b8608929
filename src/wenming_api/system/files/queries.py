"""Reads of files, and the links by which their bytes are read. Links are signed here and lead to the object store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.decoding import Defect
from wenming_api.kit.likeness import from_signed
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import Conflict, NotFound, PayloadTooLarge
from wenming_api.kit.storage import ObjectMissing, ObjectStore, ObjectTooLarge
from wenming_api.system.files.models import File
from wenming_api.system.files.rules import ALLOWANCES, VARIANT_TYPES, FileKind, FileState, Variant, named
from wenming_api.system.files.schemas import FileItem, FileOut, FileSort, Link

LINK_LIFE = timedelta(hours=2)
LINK_STEP = timedelta(minutes=30)
"""Links made within one step are the same text, so that a browser's cache keeps the picture."""


class FileNotReady(Conflict):
    """The file has not arrived, is still being examined, or was put into quarantine."""

    code = "file_not_ready"
    title = "文件尚不可用"


class WrongFileKind(Conflict):
    """The file is of another kind than is wanted here."""

    code = "wrong_file_kind"
    title = "文件类型不符"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What other domains judge a file by. `taken_at` and the place are what the camera wrote."""

    id: UUID
    owner_id: UUID
    kind: FileKind
    state: FileState
    defect: Defect | None
    name: str
    content_type: str
    sha256: str | None
    phash: int | None
    duplicate_of_id: UUID | None
    taken_at: datetime | None
    longitude: Decimal | None
    latitude: Decimal | None


def object_key(file_id: UUID, variant: Variant) -> str:
    """Where a form of a file lies in the store."""
    return f"{variant.value}/{file_id}"


def incoming_key(file_id: UUID) -> str:
    """Where a client's bytes arrive; nobody is ever given a link to read there."""
    return f"incoming/{file_id}"


def link(store: ObjectStore, row: Mapping[str, Any], variant: Variant) -> Link | None:
    """A link to one form of a file (a row with id, kind, state, name, content_type); `None` when there is none."""
    kind = FileKind(row["kind"])
    original = variant is Variant.ORIGINAL
    content_type = row["content_type"] if original else VARIANT_TYPES[kind].get(variant)
    if row["state"] != FileState.READY or content_type is None:
        return None
    now = clock.now()
    signed_at = now - timedelta(seconds=now.timestamp() % LINK_STEP.total_seconds())
    url = store.download_url(
        object_key(row["id"], variant),
        filename=named(row["name"], content_type),
        content_type=content_type,
        expires=LINK_LIFE,
        inline=not original and content_type.startswith(("image/", "video/")),
        now=signed_at,
    )
    return Link(variant=variant, content_type=content_type, url=url, expires_at=signed_at + LINK_LIFE)


LINKED = ("id", "kind", "state", "name", "content_type")
_LINKED = [getattr(File, name) for name in LINKED]
_ITEM = (
    *_LINKED,
    File.owner_id,
    File.size,
    File.width,
    File.height,
    File.seconds,
    File.taken_at,
    File.longitude,
    File.latitude,
    File.defect,
    File.duplicate_of_id,
    File.created_at,
    File.version,
)


def visible(caller: Principal) -> Scope:
    """The caller's scope, narrowed to his own files when he may only upload."""
    if caller.may(Permission.FILES_READ):
        return caller.scope
    return Scope.own(caller.user_id)


async def list_files(
    session: AnySession,
    *,
    store: ObjectStore,
    scope: Scope,
    params: PageParams,
    sort: FileSort,
    kind: FileKind | None = None,
    state: FileState | None = None,
    owner_id: UUID | None = None,
    upload_session_id: UUID | None = None,
) -> Page[FileItem]:
    """One page of the files inside the scope."""
    statement: Any = select(*_ITEM).where(scope.where(File))
    for column, value in (
        (File.kind, kind),
        (File.state, state),
        (File.owner_id, owner_id),
        (File.upload_session_id, upload_session_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    columns = {"created_at": File.created_at, "size": File.size}
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns=columns,
        key=File.id,
        into=FileItem,
        extra=lambda row: {"thumbnail": link(store, row, Variant.THUMBNAIL)},
    )


async def find_file(session: AnySession, file_id: UUID, *, scope: Scope) -> File:
    """The file, or `NotFound` when it is not there or outside the scope."""
    found = await session.scalar(select(File).where(File.id == file_id, scope.where(File)))
    if found is None:
        raise NotFound
    return found


def may_original(file: File, caller: Principal) -> bool:
    """Whether the caller may read the untouched bytes, with all that a camera wrote into them."""
    return file.owner_id == caller.user_id or caller.may(Permission.FILES_ORIGINALS)


def detail(store: ObjectStore, file: File, caller: Principal) -> FileOut:
    """The file as its caller sees it."""
    row = {name: getattr(file, name) for name in LINKED}
    copies = [one for one in Variant if one is not Variant.ORIGINAL]
    links = [made for variant in copies if (made := link(store, row, variant)) is not None]
    plain = {
        name: getattr(file, name)
        for name in FileOut.model_fields
        if name not in {"state_label", "defect_label", "phash", "links", "allowed_actions"}
    }
    return FileOut(
        **plain,
        state_label=file.state.label,
        defect_label=file.defect.label if file.defect else None,
        phash=None if file.phash is None else f"{from_signed(file.phash):016x}",
        links=links,
        allowed_actions=[
            action(
                "complete",
                "确认上传完成",
                (file.owner_id == caller.user_id, "只有上传者可以确认"),
                (file.state is FileState.PENDING, "文件已经收到"),
            ),
            action(
                "original",
                "下载原件",
                (may_original(file, caller), f"需要“{Permission.FILES_ORIGINALS.label}”权限"),
                (file.state is FileState.READY, "文件尚不可用"),
            ),
            action(
                "delete",
                "删除",
                (file.owner_id == caller.user_id, "只有上传者可以删除"),
                (not file.held, "文件已被引用，不能删除"),
            ),
        ],
    )


async def show_file(session: AnySession, file_id: UUID, *, store: ObjectStore, caller: Principal) -> FileOut:
    """A file's detail with links to its copies."""
    return detail(store, await find_file(session, file_id, scope=visible(caller)), caller)


async def facts(session: AnySession, file_ids: Iterable[UUID]) -> dict[UUID, FileFacts]:
    """What is known of these files, for domains that have judged access by their own rows. Unknown ids are absent."""
    columns = [getattr(File, name) for name in FileFacts.__slots__]
    found = await session.execute(select(*columns).where(File.id.in_(list(file_ids))))
    return {row.id: FileFacts(*row) for row in found}


async def links(
    session: AnySession, file_ids: Iterable[UUID], *, store: ObjectStore, variant: Variant = Variant.THUMBNAIL
) -> dict[UUID, Link]:
    """Links to one form of each ready file, in one statement. For domains that have judged access by their own rows;
    the original is never among them."""
    if variant is Variant.ORIGINAL:
        raise ValueError("originals are handed out one by one, and noted in the audit log")
    found = await session.execute(select(*_LINKED).where(File.id.in_(list(file_ids))))
    made = {row["id"]: link(store, dict(row), variant) for row in found.mappings()}
    return {file_id: one for file_id, one in made.items() if one is not None}


async def read_bytes(
    session: AnySession,
    file_id: UUID,
    *,
    store: ObjectStore,
    caller: Principal,
    kinds: frozenset[FileKind] = frozenset({FileKind.WORKBOOK}),
    limit: int = 50 * 1024 * 1024,
) -> tuple[str, str, bytes]:
    """The caller's own uploaded file whole: (name, content type, bytes). For imports; `limit` in bytes.

    Raises `NotFound`, `WrongFileKind`, `FileNotReady`, `PayloadTooLarge`, `StoreUnavailable`.
    """
    file = await find_file(session, file_id, scope=Scope.own(caller.user_id))
    if file.kind not in kinds:
        raise WrongFileKind(f"这里需要{'或'.join(kind.label for kind in sorted(kinds))}，而该文件是{file.kind.label}。")
    if file.state is not FileState.READY:
        why = f"：{file.defect.label}" if file.defect else "，请稍候再试"
        raise FileNotReady(f"文件{file.state.label}{why}。", state=file.state.value)
    try:
        return file.name, file.content_type, await store.get(object_key(file.id, Variant.ORIGINAL), limit=limit)
    except ObjectTooLarge as error:
        raise PayloadTooLarge(f"文件不能超过 {limit // 1024 // 1024} MB。") from error
    except ObjectMissing as error:
        raise FileNotReady("文件内容缺失，请重新上传。", state=file.state.value) from error


def allowed_types() -> dict[FileKind, list[str]]:
    """Content types that may be uploaded, by kind."""
    return {kind: sorted(allowance.types) for kind, allowance in ALLOWANCES.items()}
