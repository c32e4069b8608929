"""点位导入导出 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, File, Query, Request, Response, UploadFile
from fastapi.responses import StreamingResponse

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.site_transfers import queries, service
from wenming_api.city.site_transfers.queries import SiteImportNotFound
from wenming_api.city.site_transfers.rules import OnExisting, TransferFormat
from wenming_api.city.site_transfers.schemas import (
    TABLE,
    ImportOptions,
    ImportSort,
    SiteImportOut,
    SiteImportRow,
)
from wenming_api.city.site_transfers.service import SiteFileUnreadable, SitesMoved
from wenming_api.city.sites.schemas import SiteFilter
from wenming_api.kit.geo import Crs
from wenming_api.kit.http import Paging, Reads, Router, Writes, inline
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, Unauthenticated, problems
from wenming_api.kit.workbooks import (
    MEDIA_TYPE,
    WorkbookEncrypted,
    WorkbookHeaderMismatch,
    WorkbookProblem,
    WorkbookTooLarge,
    write_template,
)

router = Router(tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReadSites = Annotated[Principal, Depends(may(Permission.SITES_READ))]
MayManageSites = Annotated[Principal, Depends(may(Permission.SITES_MANAGE))]
Wanted = Annotated[SiteFilter, inline(SiteFilter)]
_MEDIA_TYPES = {
    TransferFormat.XLSX: MEDIA_TYPE,
    TransferFormat.CSV: "text/csv; charset=utf-8",
    TransferFormat.GEOJSON: "application/geo+json",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_EXPORTED = {
    _MEDIA_TYPES[TransferFormat.XLSX]: _BINARY,
    _MEDIA_TYPES[TransferFormat.CSV]: _BINARY,
    _MEDIA_TYPES[TransferFormat.GEOJSON]: {"schema": {"type": "object", "title": "GeoJSON FeatureCollection"}},
}


@router.post(
    "/site-imports",
    status_code=201,
    summary="导入点位",
    responses=problems(
        SiteFileUnreadable, SitesMoved, WorkbookProblem, WorkbookTooLarge, WorkbookEncrypted, WorkbookHeaderMismatch
    ),
)
async def import_(
    caller: MayManageSites,
    session: Writes,
    file: Annotated[UploadFile, File(description="XLSX、CSV 或 GeoJSON（点），最多 50,000 行")],
    format_: Annotated[TransferFormat, Query(alias="format", description="文件格式")] = TransferFormat.XLSX,
    dry_run: Annotated[bool, Query(description="仅检查，不保存")] = False,
    partial: Annotated[bool, Query(description="有错误时仍保存其余行；否则一行都不保存")] = False,
    on_existing: Annotated[
        OnExisting, Query(description="点位已存在时：reject 报错，update 更新，skip 跳过")
    ] = OnExisting.REJECT,
    crs: Annotated[Crs, Query(description="文件未注明时的坐标系")] = Crs.WGS84,
) -> SiteImportOut:
    """逐行检查；全部错误可从错误工作簿下载，改正后重新导入。"""
    options = ImportOptions(
        format=format_,
        file_name=service.file_name(file.filename),
        dry_run=dry_run,
        partial=partial,
        on_existing=on_existing,
        crs=crs,
    )
    return await service.import_sites(session, await file.read(), options, caller=caller)


@router.get("/site-imports", summary="查询本人的导入记录")
async def list_(
    caller: MayManageSites, session: Reads, paging: Paging, sort: ImportSort = ImportSort.NEWEST
) -> Page[SiteImportRow]:
    """最近的在前。"""
    return await queries.list_imports(session, caller=caller, params=paging, sort=sort)


@router.get(
    "/site-imports/template",
    summary="下载点位导入模板",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: _BINARY}}},
)
async def template(caller: MayManageSites) -> Response:
    """含列名、可选值与填写说明。"""
    return Response(
        write_template([TABLE]),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": 'attachment; filename="site-template.xlsx"'},
    )


@router.get("/site-imports/{import_id}", summary="导入结果", responses=problems(SiteImportNotFound))
async def read(caller: MayManageSites, session: Reads, import_id: UUID) -> SiteImportOut:
    """仅限本人的导入。"""
    return await queries.get_import(session, import_id, caller=caller)


@router.get(
    "/site-imports/{import_id}/errors",
    summary="下载错误工作簿",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: _BINARY}}, **problems(SiteImportNotFound)},
)
async def errors(caller: MayManageSites, session: Reads, import_id: UUID) -> Response:
    """有错误的行及错误说明；改正后可直接导入。"""
    return Response(
        await queries.error_workbook(session, import_id, caller=caller),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="site-errors-{import_id}.xlsx"'},
    )


@router.get(
    "/site-exports",
    summary="导出点位",
    response_class=StreamingResponse,
    responses={200: {"content": _EXPORTED}},
)
async def export(
    caller: MayReadSites,
    request: Request,
    wanted: Wanted,
    format_: Annotated[TransferFormat, Query(alias="format", description="文件格式")] = TransferFormat.XLSX,
) -> StreamingResponse:
    """筛选条件与列表相同；导出的文件可原样导入。GeoJSON 的几何坐标为 WGS 84，原坐标在属性中。"""
    chunks = queries.export_sites(
        request.app.state.resources.database, scope=caller.scope, wanted=wanted, format_=format_
    )
    return StreamingResponse(
        chunks,
        media_type=_MEDIA_TYPES[format_],
        headers={"Content-Disposition": f'attachment; filename="sites.{format_.value}"'},
    )
