"""Changes of packages (C1.5): making, writing statements, validating, asking for the building."""

from collections.abc import AsyncIterator
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession, copy_rows
from wenming_api.kit.fields import Judged, Transition
from wenming_api.kit.jobs import enqueue
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, check_edited, check_judged
from wenming_api.ledgers.books.queries import entries_of, find_book
from wenming_api.ledgers.books.rules import Node, in_catalogue_order
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.packages.models import Package, PackageGap, PackageMember, PackagePart, PackageStatement
from wenming_api.ledgers.packages.queries import PackageNotFound
from wenming_api.ledgers.packages.rules import (
    BUILDABLE,
    DEFAULT_PHOTO_LIMIT,
    DEFAULT_STATEMENT_LIMIT,
    EDITABLE,
    MANIFEST,
    MAX_MEMBERS,
    RUNNING,
    FileState,
    MemberKind,
    NodeDemand,
    PackageState,
    Piece,
    Plan,
    plan_node,
)
from wenming_api.ledgers.packages.schemas import PackageCreate, PackageUpdate, StatementsUpdate
from wenming_api.ledgers.records.models import RecordVersion
from wenming_api.system.audit.service import record
from wenming_api.system.files.models import File

VALIDATE = "ledgers.packages.validate"
BUILD = "ledgers.package_builds.build"
CLEAN = "ledgers.package_builds.clean"
_BATCH = 200


class PackageClosed(Conflict):
    """The package is being worked on, or built: nothing in it changes."""

    code = "package_closed"
    title = "材料包当前不能修改"


async def _locked(session: WriteSession, package_id: UUID, caller: Principal) -> Package:
    found = await session.execute(
        select(Package).where(Package.id == package_id, caller.scope.where(Package)).with_for_update()
    )
    package = found.scalar_one_or_none()
    if package is None:
        raise PackageNotFound
    return package


async def create_package(session: WriteSession, *, caller: Principal, new: PackageCreate) -> Package:
    """A draft made of a book. Raises `BookNotFound`."""
    book = await find_book(session, new.book_id, scope=caller.scope)
    package = Package(
        unit_id=book.unit_id,
        unit_path=book.unit_path,
        region_path=book.region_path,
        book_id=book.id,
        catalogue_id=book.catalogue_id,
        year=book.year,
        title=new.title or book.title,
        statement_limit=new.statement_limit,
        photo_limit_bytes=new.photo_limit_bytes,
        made_by=caller.user_id,
    )
    session.add(package)
    await session.flush()  # the audit entry and the answer name its id
    after = new.model_dump(mode="json")
    await record(session, caller=caller, action="packages.create", target=("package", package.id), after=after)
    return package


def _reopen(package: Package) -> None:
    """What was validated is out of date."""
    if package.state not in EDITABLE:
        raise PackageClosed(f"材料包{package.state.label}，不能修改。")
    package.state = PackageState.DRAFT


async def update_package(
    session: WriteSession, *, caller: Principal, package_id: UUID, version: int, changes: PackageUpdate
) -> None:
    """Change title or limits; the package has to be validated again. Raises `StaleVersion`, `PackageClosed`."""
    package = await _locked(session, package_id, caller)
    check_edited(version, package.version)
    _reopen(package)
    given = changes.model_dump(exclude_unset=True)
    if given.get("title", "") is None:
        raise InvalidInput(errors=[FieldError("/title", "不能为空")])
    before = {name: getattr(package, name) for name in given}
    for name, value in given.items():
        setattr(package, name, value)
    await session.flush()  # the answer carries the new version
    await record(
        session, caller=caller, action="packages.update", target=("package", package.id), before=before, after=given
    )


async def write_statements(
    session: WriteSession, *, caller: Principal, package_id: UUID, version: int, changes: StatementsUpdate
) -> None:
    """Write statements of nodes; an empty one is taken back. Raises `StaleVersion`, `PackageClosed`, `InvalidInput`."""
    package = await _locked(session, package_id, caller)
    check_edited(version, package.version)
    _reopen(package)
    texts = {each.node_id: each.text for each in changes.items}
    found = await session.execute(
        select(CatalogueNode.id).where(CatalogueNode.catalogue_id == package.catalogue_id, CatalogueNode.id.in_(texts))
    )
    known = set(found.scalars())
    faults = [
        FieldError(f"/items/{no}/node_id", "不是该目录的节点")
        for no, each in enumerate(changes.items)
        if each.node_id not in known
    ]
    if faults:
        raise InvalidInput(errors=faults)
    await session.execute(
        delete(PackageStatement).where(PackageStatement.package_id == package_id, PackageStatement.node_id.in_(texts))
    )
    rows = [{"package_id": package_id, "node_id": key, "text": text} for key, text in texts.items() if text]
    if rows:
        await session.execute(insert(PackageStatement), rows)
    package.updated_at = clock.now()
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="packages.write_statements",
        target=("package", package.id),
        after={"statements": {str(key): len(text) for key, text in texts.items()}},
    )


async def _change(
    session: WriteSession, caller: Principal, package: Package, state: PackageState, action: str, reason: str | None
) -> None:
    before, package.state = package.state, state
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action=f"packages.{action}",
        target=("package", package.id),
        before={"state": before},
        after={"state": state},
        reason=reason,
    )


async def start_validation(session: WriteSession, *, caller: Principal, package_id: UUID, judged: Judged) -> None:
    """Ask for the validation, which also plans the members. Raises `VersionMoved`, `IllegalTransition`."""
    package = await _locked(session, package_id, caller)
    check_judged(judged.version, package.version)
    if package.state not in EDITABLE:
        raise IllegalTransition(f"材料包{package.state.label}，不能校验。", allowed=[])
    await _forget_building(session, package)
    await _change(session, caller, package, PackageState.VALIDATING, "validate", None)
    await enqueue(session, VALIDATE, {"package_id": str(package_id)})


async def start_building(session: WriteSession, *, caller: Principal, package_id: UUID, judged: Judged) -> None:
    """Ask for the building; a failed one goes on where it was. Raises `VersionMoved`, `IllegalTransition`."""
    package = await _locked(session, package_id, caller)
    check_judged(judged.version, package.version)
    if package.state not in BUILDABLE or package.validated_at is None:
        raise IllegalTransition(f"材料包{package.state.label}，须先校验且没有必须补正的缺项。", allowed=["validate"])
    package.error = None
    package.started_at = package.progressed_at = clock.now()
    await _change(session, caller, package, PackageState.BUILDING, "build", None)
    await enqueue(session, BUILD, {"package_id": str(package_id)})


async def cancel_package(session: WriteSession, *, caller: Principal, package_id: UUID, judged: Transition) -> None:
    """Stop validating or building; what is in the store already is removed."""
    package = await _locked(session, package_id, caller)
    check_judged(judged.version, package.version)
    if package.state not in RUNNING:
        raise IllegalTransition("没有正在进行的校验或打包。", allowed=[])
    await _forget_building(session, package)
    await _change(session, caller, package, PackageState.CANCELLED, "cancel", judged.reason)


async def _forget_building(session: WriteSession, package: Package) -> None:
    """Drop parts and facts; a worker that is still at it is overtaken."""
    package.run += 1
    package.members_done, package.bytes_done, package.error, package.validated_at = 0, 0, None, None
    if package.multipart_id is not None:
        payload = {"package_id": str(package.id), "multipart_id": package.multipart_id}
        await enqueue(session, CLEAN, payload)
        package.multipart_id = None
    await session.execute(delete(PackagePart).where(PackagePart.package_id == package.id))
    await session.execute(
        update(PackageMember)
        .where(PackageMember.package_id == package.id, PackageMember.size.is_not(None))
        .values(size=None, crc=None, sha256=None)
        .execution_options(synchronize_session=False)
    )


async def validate_package(session: WriteSession, package_id: UUID) -> None:
    """Find every gap and plan every member, anew. Does nothing unless the package waits for it."""
    found = await session.execute(
        select(Package).where(Package.id == package_id, Package.state == PackageState.VALIDATING).with_for_update()
    )
    package = found.scalar_one_or_none()
    if package is None:
        return
    plan = await _planned(session, package)
    await session.execute(delete(PackageGap).where(PackageGap.package_id == package_id))
    await session.execute(delete(PackageMember).where(PackageMember.package_id == package_id))
    if len(plan.members) > MAX_MEMBERS:
        package.state, package.error = PackageState.FAILED, f"文件超过 {MAX_MEMBERS} 个，请先分发台账册"
        return
    gaps = [
        {"package_id": package_id, "position": no, "kind": gap.kind.value, "blocking": gap.kind.blocking}
        | {name: getattr(gap, name) for name in ("node_id", "submission_id", "file_id", "by", "message")}
        for no, gap in enumerate(plan.gaps, start=1)
    ]
    members: list[dict[str, Any]] = [
        {"package_id": package_id, "position": no, "kind": each.kind.value, "limit_bytes": each.limit}
        | {name: getattr(each, name) for name in ("name", "node_id", "submission_id", "file_id", "caption", "body")}
        for no, each in enumerate(plan.members, start=1)
    ]
    manifest = dict.fromkeys(("node_id", "submission_id", "file_id", "limit_bytes", "caption", "body"))
    members.append(
        {"package_id": package_id, "position": len(members) + 1, "kind": MemberKind.MANIFEST.value, "name": MANIFEST}
        | manifest
    )
    await copy_rows(session, PackageGap, gaps)
    await copy_rows(session, PackageMember, members)
    package.blocking = sum(gap.kind.blocking for gap in plan.gaps)
    package.warnings = len(gaps) - package.blocking
    package.members_total, package.validated_at = len(members), clock.now()
    empty = len(members) == 1
    package.error = "台账册中没有可以打包的内容" if empty else None
    package.state = PackageState.INCOMPLETE if package.blocking or empty else PackageState.READY


async def _planned(session: WriteSession, package: Package) -> Plan:
    book = await find_book(session, package.book_id, scope=Scope.everything("the package's own book"))
    names = ("id", "parent_id", "position", "code", "name", "required", "active", "leaf", "statement_limit")
    rows = await session.execute(
        select(*(getattr(CatalogueNode, name) for name in names), CatalogueNode.photo_limit_bytes).where(
            CatalogueNode.catalogue_id == package.catalogue_id
        )
    )
    nodes = {row.id: row for row in rows}
    written = await session.execute(
        select(PackageStatement.node_id, PackageStatement.text).where(PackageStatement.package_id == package.id)
    )
    statements = {row.node_id: row.text for row in written}
    order = in_catalogue_order(
        Node(row.id, row.parent_id, row.position, row.code, row.required, row.active) for row in nodes.values()
    )
    plan = Plan()
    pieces = _pieces(session, book, [node.id for node in order])
    held = await anext(pieces, None)
    for no, node in enumerate(order, start=1):
        row = nodes[node.id]
        demand = NodeDemand(
            id=node.id,
            code=node.code,
            name=row.name,
            required=node.required if node.active and row.leaf else 0,
            statement_limit=package.statement_limit or row.statement_limit or DEFAULT_STATEMENT_LIMIT,
            photo_limit=package.photo_limit_bytes or row.photo_limit_bytes or DEFAULT_PHOTO_LIMIT,
            statement=statements.get(node.id),
        )
        mine: list[Piece] = []
        if held is not None and held[0] == node.id:
            mine = held[1]
            held = await anext(pieces, None)
        plan_node(plan, no, demand, mine, await _files(session, mine))
    return plan


async def _pieces(session: WriteSession, book: Any, order: list[UUID]) -> AsyncIterator[tuple[UUID, list[Piece]]]:
    """The entries of the book by node, in the order given; contents are read a node at a time."""
    entries = entries_of(book)
    found = await session.execute(select(entries))
    position = {node_id: no for no, node_id in enumerate(order)}
    rows = sorted(found, key=lambda row: (position[row.node_id], row.decided_at, row.submission_id))
    for node_id, group in groupby(rows, key=lambda row: row.node_id):
        pieces: list[Piece] = []
        members = list(group)
        for start in range(0, len(members), _BATCH):
            batch = members[start : start + _BATCH]
            contents = await session.execute(
                select(RecordVersion.record_id, RecordVersion.no, RecordVersion.content).where(
                    RecordVersion.record_id.in_([row.record_id for row in batch])
                )
            )
            known = {(each.record_id, each.no): each.content for each in contents}
            pieces += [Piece(row.submission_id, known[row.record_id, row.version_no]) for row in batch]
        yield node_id, pieces


async def _files(session: WriteSession, pieces: list[Piece]) -> dict[UUID, FileState]:
    ids = list(
        {
            UUID(str(each["file_id"]))
            for piece in pieces
            for name in ("photos", "attachments")
            for each in piece.content.get(name) or ()
        }
    )
    files: dict[UUID, FileState] = {}
    for start in range(0, len(ids), 5_000):
        found = await session.execute(
            select(File.id, File.kind, File.state, File.name, File.content_type, File.size).where(
                File.id.in_(ids[start : start + 5_000])
            )
        )
        files |= {
            row.id: FileState(row.kind.value, row.state.value, row.name, row.content_type, row.size) for row in found
        }
    return files
