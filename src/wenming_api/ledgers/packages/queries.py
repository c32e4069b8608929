"""Reads of packages."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession, Database
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import Conflict, NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.kit.workbooks import WorkbookWriter
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.packages.models import Package, PackageGap, PackageMember, PackageStatement
from wenming_api.ledgers.packages.rules import BUILDABLE, EDITABLE, RUNNING, GapKind, MemberKind, PackageState
from wenming_api.ledgers.packages.schemas import (
    GapSort,
    MemberSort,
    PackageDetail,
    PackageGapOut,
    PackageLink,
    PackageMemberOut,
    PackageOut,
    PackageProgress,
    PackageSort,
    StatementOut,
)
from wenming_api.system.units.models import Unit

LINK_LIFE = timedelta(hours=6)
CONTENT_TYPE = "application/zip"


class PackageNotFound(NotFound):
    """There is no such package, or it lies outside the caller's scope."""

    code = "package_not_found"
    title = "未找到材料包"


class PackageNotBuilt(Conflict):
    """The package has not been built yet."""

    code = "package_not_built"
    title = "材料包尚未打包"


def object_key(package_id: UUID) -> str:
    """Where the archive lies in the store."""
    return f"packages/{package_id}.zip"


_ROW = [Unit.name.label(name) if name == "unit_name" else getattr(Package, name) for name in PackageOut.model_fields]


def _packages(scope: Scope, *more: Any) -> Select[Any]:
    return select(*_ROW, *more).join(Unit, Unit.id == Package.unit_id).where(scope.where(Package))


async def list_packages(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: PackageSort = PackageSort.NEWEST,
    book_id: UUID | None = None,
    unit_id: UUID | None = None,
    year: int | None = None,
    state: PackageState | None = None,
    q: str | None = None,
) -> Page[PackageOut]:
    """Packages inside the scope."""
    statement = _packages(scope)
    for column, value in (
        (Package.book_id, book_id),
        (Package.unit_id, unit_id),
        (Package.year, year),
        (Package.state, state),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if q is not None:
        statement = statement.where(contains(Package.title, q))
    columns = {"created_at": Package.created_at, "title": Package.title}
    return await page(session, statement, params, sort=sort, columns=columns, key=Package.id, into=PackageOut)


async def find_package(session: AnySession, package_id: UUID, *, scope: Scope, more: tuple[Any, ...] = ()) -> Any:
    """The row of a package, or `PackageNotFound`."""
    found = await session.execute(_packages(scope, *more).where(Package.id == package_id))
    row = found.one_or_none()
    if row is None:
        raise PackageNotFound
    return row


async def read_package(session: AnySession, *, caller: Principal, package_id: UUID) -> PackageDetail:
    """One package with what the caller may do with it; one statement."""
    row = await find_package(session, package_id, scope=caller.scope)
    state = row.state
    builds = (caller.may(Permission.PACKAGES_BUILD), f"需要“{Permission.PACKAGES_BUILD.label}”权限")
    open_ = (state in EDITABLE, f"当前为“{state.label}”")
    ready = (
        state in BUILDABLE and row.validated_at is not None,
        f"当前为“{state.label}”，须先校验且没有必须补正的缺项",
    )
    built = (state is PackageState.BUILT, "尚未打包")
    return PackageDetail(
        **row._mapping,
        state_label=state.label,
        allowed_actions=[
            action("update", "修改", builds, open_),
            action("validate", "校验", builds, open_),
            action("build", "打包", builds, ready),
            action("cancel", "取消", builds, (state in RUNNING, "没有正在进行的校验或打包")),
            action("download", "下载", built),
        ],
    )


async def read_progress(session: AnySession, *, scope: Scope, package_id: UUID) -> PackageProgress:
    """How far the building is; one statement."""
    row = await find_package(session, package_id, scope=scope, more=(Package.started_at, Package.progressed_at))
    built = row.state is PackageState.BUILT
    share = row.members_done / row.members_total if row.members_total else 0.0
    left = None
    if row.state is PackageState.BUILDING and row.started_at and row.progressed_at and 0 < share < 1:
        left = int((row.progressed_at - row.started_at).total_seconds() / share * (1 - share))
    names = (*("state", "members_total", "members_done", "bytes_done"), *("started_at", "progressed_at", "error"))
    return PackageProgress(
        **{name: getattr(row, name) for name in names},
        percent=100 if built else min(99, int(share * 100)),
        seconds_left=left,
    )


_GAP: tuple[Any, ...] = (
    *(
        getattr(PackageGap, name)
        for name in ("position", "kind", "blocking", "node_id", "submission_id", "file_id", "by", "message")
    ),
    CatalogueNode.code.label("node_code"),
    CatalogueNode.name.label("node_name"),
)


def _gaps(package_id: UUID) -> Select[Any]:
    return (
        select(*_GAP)
        .join(CatalogueNode, CatalogueNode.id == PackageGap.node_id)
        .where(PackageGap.package_id == package_id)
    )


async def list_gaps(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    package_id: UUID,
    sort: GapSort = GapSort.POSITION,
    kind: GapKind | None = None,
    blocking: bool | None = None,
    node_id: UUID | None = None,
) -> Page[PackageGapOut]:
    """What the last validation found wanting, in the order of the catalogue."""
    await find_package(session, package_id, scope=scope)
    statement = _gaps(package_id)
    for column, value in (
        (PackageGap.kind, kind),
        (PackageGap.blocking, blocking),
        (PackageGap.node_id, node_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    columns = {"position": PackageGap.position}
    return await page(
        session, statement, params, sort=sort, columns=columns, key=PackageGap.position, into=PackageGapOut
    )


async def list_members(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    package_id: UUID,
    sort: MemberSort = MemberSort.POSITION,
    kind: MemberKind | None = None,
) -> Page[PackageMemberOut]:
    """The files of the package, planned or written."""
    await find_package(session, package_id, scope=scope)
    statement: Any = select(*(getattr(PackageMember, name) for name in PackageMemberOut.model_fields))
    statement = statement.where(PackageMember.package_id == package_id)
    if kind is not None:
        statement = statement.where(PackageMember.kind == kind)
    columns = {"position": PackageMember.position, "size": PackageMember.size}
    return await page(
        session, statement, params, sort=sort, columns=columns, key=PackageMember.position, into=PackageMemberOut
    )


async def list_statements(session: AnySession, *, scope: Scope, package_id: UUID) -> list[StatementOut]:
    """The statements written for the package."""
    await find_package(session, package_id, scope=scope)
    found = await session.execute(
        select(PackageStatement.node_id, PackageStatement.text)
        .where(PackageStatement.package_id == package_id)
        .order_by(PackageStatement.node_id)
    )
    return [StatementOut.model_validate(row) for row in found]


async def download_link(session: AnySession, *, scope: Scope, package_id: UUID, store: ObjectStore) -> PackageLink:
    """A link to the archive in the store. Raises `PackageNotFound`, `PackageNotBuilt`."""
    row = await find_package(session, package_id, scope=scope)
    if row.state is not PackageState.BUILT:
        raise PackageNotBuilt("材料包尚未打包，请先校验并打包。")
    now = clock.now()
    url = store.download_url(
        object_key(package_id), filename=f"{row.title}.zip", content_type=CONTENT_TYPE, expires=LINK_LIFE, now=now
    )
    return PackageLink(url=url, expires_at=now + LINK_LIFE, size=row.size, manifest_hash=row.manifest_hash)


async def export_gaps(database: Database, *, package_id: UUID) -> AsyncIterator[bytes]:
    """Every gap as a workbook, in pieces. The caller has checked that the scope shows the package."""
    with tempfile.TemporaryFile() as file:
        async with database.snapshot() as session:
            with WorkbookWriter(file) as book:
                book.begin_plain("缺项", ("序号", "节点编号", "节点名称", "种类", "必须补正", "数量", "说明"))
                found = await session.stream(_gaps(package_id).order_by(PackageGap.position))
                async for rows in found.partitions(500):
                    await asyncio.to_thread(_add, book, rows)
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, 1 << 16):
            yield piece


def _add(book: WorkbookWriter, rows: Iterable[Any]) -> None:
    for row in rows:
        cells = (row.position, row.node_code, row.node_name, row.kind.label, "是" if row.blocking else "否", row.by)
        book.add_cells((*cells, row.message))
