"""成绩依据 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.result_lines import queries
from wenming_api.city.result_lines.schemas import LineFilter, LineSort, ResultLine
from wenming_api.city.standards.rules import Outcome
from wenming_api.kit.http import Paging, Reads, Router
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems

router = Router(tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReadResults = Annotated[Principal, Depends(may(Permission.RESULTS_READ))]
Code = Annotated[str | None, Query(max_length=64)]


async def _wanted(
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="该区域路径及其下级", examples=["370300000000/"])
    ] = None,
    region_code: Annotated[str | None, Query(max_length=64, description="该区域及其下级")] = None,
    site_id: UUID | None = None,
    site_type_code: Code = None,
    industry_code: Code = None,
    unit_id: Annotated[UUID | None, Query(description="点位的责任单位")] = None,
    department_id: Annotated[UUID | None, Query(description="标准的责任部门（牵头或配合）")] = None,
    standard_id: UUID | None = None,
    indicator_id: Annotated[UUID | None, Query(description="该指标及其下级")] = None,
    method: Code = None,
    conforming: Annotated[bool | None, Query(description="是否符合（得满分）")] = None,
    outcome: Outcome | None = None,
) -> LineFilter:
    return LineFilter(
        under,
        region_code,
        site_id,
        site_type_code,
        industry_code,
        unit_id,
        department_id,
        standard_id,
        indicator_id,
        method,
        conforming,
        outcome,
    )


@router.get("/assessments/{assessment_id}/results/{result_id}/lines", summary="成绩依据", responses=problems(NotFound))
async def list_(
    caller: MayReadResults,
    assessment_id: UUID,
    result_id: UUID,
    session: Reads,
    paging: Paging,
    wanted: Annotated[LineFilter, Depends(_wanted)],
    sort: LineSort = LineSort.SITE,
) -> Page[ResultLine]:
    """任一项成绩由哪些评分、扣分和照片得来；筛选条件与统计口径一一对应。"""
    return await queries.list_lines(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        result_id=result_id,
        wanted=wanted,
        sort=sort,
    )
