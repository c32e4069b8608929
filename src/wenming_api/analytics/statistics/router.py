"""测评数据统计 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.analytics.statistics import queries
from wenming_api.analytics.statistics.rules import Dimension, Period
from wenming_api.analytics.statistics.schemas import PivotOut, PivotWish
from wenming_api.catalog.permissions import Permission
from wenming_api.city.results.service import RESULTS
from wenming_api.kit.hot import hot
from wenming_api.kit.http import Reads, Router
from wenming_api.kit.problems import FieldError, Forbidden, InvalidInput, Unauthenticated
from wenming_api.system.regions.rules import RegionLevel

router = Router(prefix="/statistics", tags=["统计分析决策"], raises=(Unauthenticated, Forbidden))

MayReadStatistics = Annotated[Principal, Depends(may(Permission.STATISTICS_READ))]
Code = Annotated[str | None, Query(max_length=64)]


async def _wish(
    dimension: Annotated[
        list[Dimension], Query(min_length=1, max_length=3, description="一至三个维度，按次序", examples=[["region"]])
    ],
    region_level: RegionLevel = RegionLevel.COUNTY,
    indicator_level: Annotated[int, Query(ge=1, le=6, description="指标层级，1 为最上级")] = 1,
    period: Period = Period.MONTH,
    assessment_id: Annotated[list[UUID], Query(max_length=100, description="只统计这些测评；缺省为全部")] = [],  # noqa: B006
    region_code: Code = None,
    site_type_code: Code = None,
    industry_code: Code = None,
    unit_id: Annotated[UUID | None, Query(description="点位的责任单位")] = None,
    department_id: Annotated[UUID | None, Query(description="标准的牵头部门")] = None,
    indicator_id: Annotated[UUID | None, Query(description="该指标及其下级")] = None,
    method: Code = None,
) -> PivotWish:
    if len(set(dimension)) < len(dimension):
        raise InvalidInput(errors=[FieldError("/query/dimension", "维度不能重复")])
    return PivotWish(
        dimensions=tuple(dimension),
        region_level=region_level,
        indicator_level=indicator_level,
        period=period,
        assessment_ids=tuple(assessment_id),
        region_code=region_code,
        site_type_code=site_type_code,
        industry_code=industry_code,
        unit_id=unit_id,
        department_id=department_id,
        indicator_id=indicator_id,
        method=method,
    )


@router.get("/pivot", summary="测评数据统计", dependencies=[hot(RESULTS, seconds=60)])
async def pivot(caller: MayReadStatistics, session: Reads, wish: Annotated[PivotWish, Depends(_wish)]) -> PivotOut:
    """对各次测评最新一次成绩按任意一至三个维度汇总；每一行可用同样的条件在“成绩依据”中查到评分与照片。"""
    return await queries.read_pivot(session, scope=caller.scope, wish=wish)
