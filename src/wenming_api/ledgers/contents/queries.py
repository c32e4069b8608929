"""What a content refers to, looked up and judged: categories, files, the work area."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import FieldError
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueState
from wenming_api.ledgers.contents.rules import WORK_AREAS, FileUse
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.system.dictionaries.queries import unusable_codes
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import visible
from wenming_api.system.files.rules import FileKind, FileState

_KINDS = {
    FileUse.PHOTO: frozenset({FileKind.PHOTO}),
    FileUse.COVER: frozenset({FileKind.PHOTO}),
    FileUse.VIDEO: frozenset({FileKind.VIDEO}),
    FileUse.ATTACHMENT: frozenset({FileKind.DOCUMENT, FileKind.WORKBOOK, FileKind.PHOTO}),
}
"""Kinds of files that a use takes; a scanned document may be a photo."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A file that a content shows, where (a JSON pointer), and as what."""

    file_id: UUID
    use: FileUse
    pointer: str


@dataclass(frozen=True, slots=True)
class _Node:
    """A category and one that it lies below (or itself)."""

    id: UUID
    leaf: bool
    active: bool
    state: CatalogueState
    above_id: UUID
    above_code: str


@dataclass(frozen=True, slots=True)
class Categories:
    """The codes and ids of the content's categories and of all above them."""

    codes: frozenset[str]
    ids: frozenset[UUID]


def files_of(content: Content) -> list[Shown]:
    """Every file that a content shows, in its order."""
    found = [Shown(each.file_id, FileUse.PHOTO, f"/photos/{no}/file_id") for no, each in enumerate(content.photos)]
    for no, video in enumerate(content.videos):
        if video.file_id is not None:
            found.append(Shown(video.file_id, FileUse.VIDEO, f"/videos/{no}/file_id"))
        if video.cover_file_id is not None:
            found.append(Shown(video.cover_file_id, FileUse.COVER, f"/videos/{no}/cover_file_id"))
    found += [
        Shown(each.file_id, FileUse.ATTACHMENT, f"/attachments/{no}/file_id")
        for no, each in enumerate(content.attachments)
    ]
    return found


async def categories_of(session: AnySession, node_ids: Iterable[UUID]) -> Categories:
    """The categories of a content that was accepted, with all above them. One statement."""
    rows = await _nodes(session, list(node_ids))
    return Categories(frozenset(row.above_code for row in rows), frozenset(row.above_id for row in rows))


async def check_references(
    session: AnySession, content: Content, *, caller: Principal, former: Content | None
) -> tuple[Categories, list[FieldError]]:
    """What is wrong with the things that a content names, and its categories.

    What the former version named already is taken as it is: a category may have been retired since, a file's owner
    may have left.
    """
    errors: list[FieldError] = []
    rows = await _nodes(session, content.node_ids)
    usable = {row.id for row in rows if row.leaf and row.active and row.state is CatalogueState.PUBLISHED}
    usable |= set(former.node_ids) if former else set()
    for no, node_id in enumerate(content.node_ids):
        if node_id not in usable:
            errors.append(FieldError(f"/node_ids/{no}", "分类不存在、已停用，或不是已发布目录中的小类"))
    area = content.work_area_code
    if (
        area
        and (former is None or former.work_area_code != area)
        and await unusable_codes(session, [(WORK_AREAS, area)])
    ):
        errors.append(FieldError("/work_area_code", "工作领域不存在或已停用"))
    errors += await _wrong_files(session, files_of(content), caller=caller, known=files_of(former) if former else [])
    categories = Categories(frozenset(row.above_code for row in rows), frozenset(row.above_id for row in rows))
    return categories, errors


async def _nodes(session: AnySession, node_ids: Collection[UUID]) -> Sequence[_Node]:
    above = aliased(CatalogueNode)
    found = await session.execute(
        select(
            CatalogueNode.id,
            CatalogueNode.leaf,
            CatalogueNode.active,
            Catalogue.state,
            above.id.label("above_id"),
            above.code.label("above_code"),
        )
        .join(Catalogue, Catalogue.id == CatalogueNode.catalogue_id)
        .join(
            above,
            and_(
                above.catalogue_id == CatalogueNode.catalogue_id,
                func.starts_with(CatalogueNode.path, above.path),
            ),
        )
        .where(CatalogueNode.id.in_(list(node_ids)))
    )
    return [_Node(*row) for row in found]


async def _wrong_files(
    session: AnySession, shown: list[Shown], *, caller: Principal, known: list[Shown]
) -> list[FieldError]:
    former = {(each.file_id, each.use) for each in known}
    new = [each for each in shown if (each.file_id, each.use) not in former]
    if not new:
        return []
    rows = await session.execute(
        select(File.id, File.kind, File.state).where(
            File.id.in_({each.file_id for each in new}),
            or_(File.owner_id == caller.user_id, visible(caller).where(File)),
        )
    )
    found = {row.id: row for row in rows}
    errors: list[FieldError] = []
    for each in new:
        row = found.get(each.file_id)
        if row is None:
            errors.append(FieldError(each.pointer, "文件不存在，或您看不到它"))
        elif row.kind not in _KINDS[each.use]:
            errors.append(FieldError(each.pointer, f"{each.use.label}不能用{row.kind.label}文件"))
        elif row.state is FileState.QUARANTINED:
            errors.append(FieldError(each.pointer, "文件已被隔离，请重新上传"))
    return errors
