"""成绩册导出 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.result_books import queries
from wenming_api.kit.http import Reads, Router
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.kit.workbooks import MEDIA_TYPE

router = Router(tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReadResults = Annotated[Principal, Depends(may(Permission.RESULTS_READ))]


@router.get(
    "/assessments/{assessment_id}/results/{result_id}/workbook",
    summary="导出成绩册",
    response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(NotFound),
    },
)
async def export(
    caller: MayReadResults, assessment_id: UUID, result_id: UUID, session: Reads, request: Request
) -> StreamingResponse:
    """排名表、各口径成绩与点位成绩，一个 XLSX 文件；只含数据范围内的行。"""
    await queries.check_export(session, scope=caller.scope, assessment_id=assessment_id, result_id=result_id)
    pieces = queries.export_result(
        request.app.state.resources.database, scope=caller.scope, assessment_id=assessment_id, result_id=result_id
    )
    return StreamingResponse(
        pieces,
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="result-{result_id}.xlsx"'},
    )
