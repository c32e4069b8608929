"""测评体系导入导出 over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, File, Query, Response, UploadFile

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.edition_transfers import queries, service
from wenming_api.city.edition_transfers.schemas import EditionImportReport
from wenming_api.city.standards.queries import SystemNotFound
from wenming_api.city.standards.service import SystemNotDraft
from wenming_api.kit.http import Reads, Router, Writes
from wenming_api.kit.problems import Forbidden, Unauthenticated, VersionMoved, problems
from wenming_api.kit.workbooks import (
    MEDIA_TYPE,
    WorkbookEncrypted,
    WorkbookHeaderMismatch,
    WorkbookProblem,
    WorkbookTooLarge,
)

router = Router(prefix="/indicator-systems", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.STANDARDS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.STANDARDS_MANAGE))]
Workbook = Annotated[UploadFile, File(description="XLSX，含“体系”“指标”“标准”“评分细则”四个工作表")]
DryRun = Annotated[bool, Query(description="只校验，不保存")]
AsWorkbook = Annotated[bool, Query(description="有误时返回标出错误的工作簿，而不是 JSON")]
_BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}
_UNREADABLE = (WorkbookProblem, WorkbookTooLarge, WorkbookEncrypted, WorkbookHeaderMismatch)


@router.get("/template", summary="下载测评体系导入模板", response_class=Response, responses=_BINARY)
async def template(caller: MayManage) -> Response:
    """四个空的工作表，附可选值与填写说明。"""
    return _file("indicator-system-template", await queries.template_workbook())


@router.get(
    "/{system_id}/workbook",
    summary="导出测评体系",
    response_class=Response,
    responses={**_BINARY, **problems(SystemNotFound)},
)
async def export(caller: MayRead, system_id: UUID, session: Reads) -> Response:
    """四个工作表；原样导入后内容完全相同。"""
    code, data = await queries.export_workbook(session, system_id=system_id)
    return _file(code, data)


@router.post(
    "/imports",
    summary="导入为新的测评体系",
    response_model=EditionImportReport,
    responses={**_BINARY, **problems(*_UNREADABLE)},
)
async def import_(
    caller: MayManage, session: Writes, file: Workbook, dry_run: DryRun = False, workbook: AsWorkbook = False
) -> Response | EditionImportReport:
    """从工作簿新建草稿；有任何错误则全部不保存，并逐行说明。"""
    report, marked = await service.import_new(session, caller=caller, data=await file.read(), dry_run=dry_run)
    return _file("errors", marked) if workbook and marked is not None else report


@router.post(
    "/{system_id}/imports",
    summary="导入并替换草稿的全部内容",
    response_model=EditionImportReport,
    responses={**_BINARY, **problems(SystemNotFound, SystemNotDraft, VersionMoved, *_UNREADABLE)},
)
async def replace(
    caller: MayManage,
    system_id: UUID,
    session: Writes,
    file: Workbook,
    version: Annotated[int, Query(ge=1, le=2**31 - 1, description="所依据的体系版本；已变化则答 409")],
    dry_run: DryRun = False,
    workbook: AsWorkbook = False,
) -> Response | EditionImportReport:
    """体系编号不变，其余以工作簿为准；编号相同的指标与标准视为同一条。有任何错误则全部不保存。"""
    report, marked = await service.replace_content(
        session, caller=caller, system_id=system_id, version=version, data=await file.read(), dry_run=dry_run
    )
    return _file("errors", marked) if workbook and marked is not None else report


def _file(name: str, data: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"'}
    return Response(data, media_type=MEDIA_TYPE, headers=headers)
