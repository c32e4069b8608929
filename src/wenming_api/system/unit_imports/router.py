"""导入单位 over HTTP."""

from typing import Annotated

from fastapi import Depends, File, Query, Response, UploadFile

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Writes
from wenming_api.kit.imports import ImportReport
from wenming_api.kit.problems import Conflict, Forbidden, Unauthenticated, problems
from wenming_api.kit.workbooks import MEDIA_TYPE, WorkbookProblem, WorkbookTooLarge
from wenming_api.system.unit_imports import service

router = Router(prefix="/units/imports", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayManageUnits = Annotated[Principal, Depends(may(Permission.UNITS_MANAGE))]


@router.post(
    "",
    summary="导入单位",
    response_model=ImportReport,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(Conflict, WorkbookProblem, WorkbookTooLarge),
    },
)
async def create(
    caller: MayManageUnits,
    session: Writes,
    file: Annotated[UploadFile, File(description="XLSX 或 CSV：名称、区域代码、管理单位、信用代码、类别等")],
    dry_run: Annotated[bool, Query(description="只校验，不保存")] = False,
    partial: Annotated[bool, Query(description="有误的行跳过，其余保存；否则有误则全部不保存")] = False,
    workbook: Annotated[bool, Query(description="有误时返回标出错误的工作簿，而不是 JSON")] = False,
) -> Response | ImportReport:
    """同一区域的同名单位视为同一单位并更新；管理单位可以在同一文件中，行的先后不限。"""
    report, marked = await service.import_units(
        session, caller=caller, data=await file.read(), dry_run=dry_run, partial=partial
    )
    if workbook and marked is not None:
        return Response(marked, media_type=MEDIA_TYPE)
    return report
