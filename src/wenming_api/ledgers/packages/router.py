"""申报材料包 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Judged, Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Store, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.kit.workbooks import MEDIA_TYPE
from wenming_api.ledgers.books.queries import BookNotFound
from wenming_api.ledgers.books.schemas import Year
from wenming_api.ledgers.packages import queries, service
from wenming_api.ledgers.packages.queries import PackageNotBuilt, PackageNotFound
from wenming_api.ledgers.packages.rules import GapKind, MemberKind, PackageState
from wenming_api.ledgers.packages.schemas import (
    GapSort,
    MemberSort,
    PackageCreate,
    PackageDetail,
    PackageGapOut,
    PackageLink,
    PackageMemberOut,
    PackageOut,
    PackageProgress,
    PackageSort,
    PackageUpdate,
    StatementOut,
    StatementsUpdate,
)
from wenming_api.ledgers.packages.service import PackageClosed

router = Router(prefix="/ledgers/packages", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayReadPackages = Annotated[Principal, Depends(may(Permission.PACKAGES_READ))]
MayBuildPackages = Annotated[Principal, Depends(may(Permission.PACKAGES_BUILD))]


async def _answer(session: Writes, caller: Principal, package_id: UUID, response: Response) -> PackageDetail:
    detail = await queries.read_package(session, caller=caller, package_id=package_id)
    etag(response, detail.version)
    return detail


@router.get("", summary="查询材料包")
async def list_(
    caller: MayReadPackages,
    session: Reads,
    paging: Paging,
    sort: PackageSort = PackageSort.NEWEST,
    book_id: Annotated[UUID | None, Query(description="取材的台账册")] = None,
    unit_id: Annotated[UUID | None, Query(description="申报单位")] = None,
    year: Annotated[Year | None, Query(description="年度")] = None,
    state: Annotated[PackageState | None, Query(description="状态")] = None,
    q: Annotated[Search | None, Query(description="名称包含")] = None,
) -> Page[PackageOut]:
    """数据范围内的申报材料包。"""
    return await queries.list_packages(
        session, scope=caller.scope, params=paging, sort=sort, book_id=book_id, unit_id=unit_id, year=year,
        state=state, q=q,
    )  # fmt: skip


@router.post("", summary="新建材料包", status_code=201, responses=problems(BookNotFound))
async def create(caller: MayBuildPackages, body: PackageCreate, session: Writes, response: Response) -> PackageDetail:
    """从一册台账取材；指标目录的台账册按指标组织材料。"""
    package = await service.create_package(session, caller=caller, new=body)
    return await _answer(session, caller, package.id, response)


@router.get("/{package_id}", summary="查看材料包", responses=problems(PackageNotFound))
async def read(caller: MayReadPackages, package_id: UUID, session: Reads, response: Response) -> PackageDetail:
    """状态、缺项数、进度与可用操作。"""
    detail = await queries.read_package(session, caller=caller, package_id=package_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{package_id}",
    summary="修改材料包",
    responses=problems(PackageNotFound, PackageClosed, StaleVersion, VersionRequired),
)
async def update(
    caller: MayBuildPackages,
    package_id: UUID,
    body: PackageUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> PackageDetail:
    """名称、字数与照片大小的限额；修改后须重新校验。"""
    await service.update_package(session, caller=caller, package_id=package_id, version=version, changes=body)
    return await _answer(session, caller, package_id, response)


@router.get("/{package_id}/statements", summary="查看各节点的说明", responses=problems(PackageNotFound))
async def statements(caller: MayReadPackages, package_id: UUID, session: Reads) -> list[StatementOut]:
    """为材料包填写的说明；未填写的节点用台账记录的结论性说明。"""
    return await queries.list_statements(session, scope=caller.scope, package_id=package_id)


@router.put(
    "/{package_id}/statements",
    summary="填写各节点的说明",
    responses=problems(PackageNotFound, PackageClosed, StaleVersion, VersionRequired),
)
async def write_statements(
    caller: MayBuildPackages,
    package_id: UUID,
    body: StatementsUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> PackageDetail:
    """只改给出的节点，空白即撤回；修改后须重新校验。"""
    await service.write_statements(session, caller=caller, package_id=package_id, version=version, changes=body)
    return await _answer(session, caller, package_id, response)


@router.post(
    "/{package_id}/validate", summary="校验材料包", responses=problems(PackageNotFound, VersionMoved, IllegalTransition)
)
async def validate(
    caller: MayBuildPackages, package_id: UUID, body: Judged, session: Writes, response: Response
) -> PackageDetail:
    """列出全部缺项并排定包内文件；完成后状态为可打包或有缺项。"""
    await service.start_validation(session, caller=caller, package_id=package_id, judged=body)
    return await _answer(session, caller, package_id, response)


@router.get("/{package_id}/gaps", summary="查询缺项", responses=problems(PackageNotFound))
async def gaps(
    caller: MayReadPackages,
    package_id: UUID,
    session: Reads,
    paging: Paging,
    sort: GapSort = GapSort.POSITION,
    kind: Annotated[GapKind | None, Query(description="缺项种类")] = None,
    blocking: Annotated[bool | None, Query(description="是否必须补正")] = None,
    node_id: Annotated[UUID | None, Query(description="目录节点")] = None,
) -> Page[PackageGapOut]:
    """最近一次校验的结果，按目录顺序。"""
    return await queries.list_gaps(
        session, scope=caller.scope, params=paging, package_id=package_id, sort=sort, kind=kind, blocking=blocking,
        node_id=node_id,
    )  # fmt: skip


@router.get(
    "/{package_id}/gaps/workbook",
    summary="导出缺项",
    response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(PackageNotFound),
    },
)
async def gaps_workbook(
    caller: MayReadPackages, package_id: UUID, session: Reads, request: Request
) -> StreamingResponse:
    """全部缺项，一个 XLSX 文件。"""
    await queries.find_package(session, package_id, scope=caller.scope)
    return StreamingResponse(
        queries.export_gaps(request.app.state.resources.database, package_id=package_id),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="gaps-{package_id}.xlsx"'},
    )


@router.get("/{package_id}/members", summary="查询包内文件", responses=problems(PackageNotFound))
async def members(
    caller: MayReadPackages,
    package_id: UUID,
    session: Reads,
    paging: Paging,
    sort: MemberSort = MemberSort.POSITION,
    kind: Annotated[MemberKind | None, Query(description="文件种类")] = None,
) -> Page[PackageMemberOut]:
    """校验时排定的文件；写入后有字节数和 SHA-256。"""
    return await queries.list_members(
        session, scope=caller.scope, params=paging, package_id=package_id, sort=sort, kind=kind
    )


@router.post(
    "/{package_id}/build", summary="打包", responses=problems(PackageNotFound, VersionMoved, IllegalTransition)
)
async def build(
    caller: MayBuildPackages, package_id: UUID, body: Judged, session: Writes, response: Response
) -> PackageDetail:
    """在后台进行，中断后从断处继续；失败后可再次打包。"""
    await service.start_building(session, caller=caller, package_id=package_id, judged=body)
    return await _answer(session, caller, package_id, response)


@router.get("/{package_id}/progress", summary="查看打包进度", responses=problems(PackageNotFound))
async def progress(caller: MayReadPackages, package_id: UUID, session: Reads) -> PackageProgress:
    """文件数、字节数、百分比与估计剩余时间。"""
    return await queries.read_progress(session, scope=caller.scope, package_id=package_id)


@router.post(
    "/{package_id}/cancel", summary="取消打包", responses=problems(PackageNotFound, VersionMoved, IllegalTransition)
)
async def cancel(
    caller: MayBuildPackages, package_id: UUID, body: Transition, session: Writes, response: Response
) -> PackageDetail:
    """停止校验或打包，已写入的部分随之清除。"""
    await service.cancel_package(session, caller=caller, package_id=package_id, judged=body)
    return await _answer(session, caller, package_id, response)


@router.get("/{package_id}/download", summary="下载材料包", responses=problems(PackageNotFound, PackageNotBuilt))
async def download(caller: MayReadPackages, package_id: UUID, session: Reads, store: Store) -> PackageLink:
    """限时有效的链接，直接从文件存储下载。"""
    return await queries.download_link(session, scope=caller.scope, package_id=package_id, store=store)
