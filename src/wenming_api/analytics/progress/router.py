"""测评进度 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.analytics.progress import queries
from wenming_api.analytics.progress.schemas import ProgressLevel, ProgressOut
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import HotReads, Router
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems

router = Router(tags=["统计分析决策"], raises=(Unauthenticated, Forbidden))

MayFollow = Annotated[
    Principal, Depends(may(Permission.STATISTICS_READ, Permission.SHEETS_READ, Permission.SHEETS_SUBMIT))
]


@router.get("/assessments/{assessment_id}/progress", summary="测评进度", responses=problems(NotFound))
async def read(
    caller: MayFollow, assessment_id: UUID, reader: HotReads, level: ProgressLevel = ProgressLevel.COUNTY
) -> ProgressOut:
    """按区域、测评人员、点位类型、测评方法的点位数与测评表数；随提交即时变化。"""
    return await queries.read_progress(reader, scope=caller.scope, assessment_id=assessment_id, level=level)
