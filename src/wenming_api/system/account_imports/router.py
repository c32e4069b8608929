"""导入用户 over HTTP."""

from typing import Annotated

from fastapi import Depends, File, Query, Response, UploadFile

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Writes, no_replay
from wenming_api.kit.problems import Conflict, Forbidden, Unauthenticated, problems
from wenming_api.kit.workbooks import MEDIA_TYPE, WorkbookProblem, WorkbookTooLarge
from wenming_api.system.account_imports import service
from wenming_api.system.account_imports.schemas import AccountImportReport

router = Router(prefix="/users/imports", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayManageUsers = Annotated[Principal, Depends(may(Permission.USERS_MANAGE))]


@router.post(
    "",
    summary="导入用户",
    response_model=AccountImportReport,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(Conflict, WorkbookProblem, WorkbookTooLarge),
    },
)
@no_replay
async def create(
    caller: MayManageUsers,
    session: Writes,
    file: Annotated[UploadFile, File(description="XLSX 或 CSV：用户名、姓名、单位、处室、角色，最多 500 行")],
    dry_run: Annotated[bool, Query(description="只校验，不保存")] = False,
    partial: Annotated[bool, Query(description="有误的行跳过，其余保存；否则有误则全部不保存")] = False,
    workbook: Annotated[bool, Query(description="有误时返回标出错误的工作簿，而不是 JSON")] = False,
) -> Response | AccountImportReport:
    """初始密码由系统生成，只在本次响应中返回；首次登录须修改。"""
    report, marked = await service.import_users(
        session, caller=caller, data=await file.read(), dry_run=dry_run, partial=partial
    )
    if workbook and marked is not None and not report.applied:
        return Response(marked, media_type=MEDIA_TYPE)
    return report
