"""测评成绩 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.results import queries, service
from wenming_api.city.results.rules import Cut
from wenming_api.city.results.schemas import (
    FigureOut,
    FigureSort,
    ListOut,
    PublishIn,
    ResultOut,
    ResultRow,
    ResultSort,
    SiteResultOut,
    SiteResultSort,
    SpreadOut,
    SpreadSort,
    Verification,
)
from wenming_api.kit.fields import Search
from wenming_api.kit.http import Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, IllegalTransition, NotFound, Unauthenticated, VersionMoved, problems

router = Router(
    prefix="/assessments/{assessment_id}/results", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden)
)

MayReadResults = Annotated[Principal, Depends(may(Permission.RESULTS_READ))]
MayComputeResults = Annotated[Principal, Depends(may(Permission.RESULTS_COMPUTE))]
MayPublishResults = Annotated[Principal, Depends(may(Permission.RESULTS_PUBLISH))]

Under = Annotated[
    str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="该区域路径及其下级", examples=["370300000000/"])
]
Key = Annotated[str | None, Query(max_length=64)]
ByName = Annotated[Search | None, Query(description="名称，或代码前缀")]


@router.get("", summary="历次成绩")
async def list_(
    caller: MayReadResults,
    assessment_id: UUID,
    session: Reads,
    paging: Paging,
    sort: ResultSort = ResultSort.NEWEST,
) -> Page[ResultRow]:
    """每次计算各留一份；未发布的仅组织者可见。"""
    return await queries.list_results(
        session, scope=caller.scope, params=paging, assessment_id=assessment_id, sort=sort
    )


@router.post(
    "",
    summary="计算成绩",
    status_code=201,
    responses=problems(NotFound, service.NotDrawn, service.ResultFinal),
)
async def compute(caller: MayComputeResults, assessment_id: UUID, session: Writes, response: Response) -> ResultOut:
    """按已审核通过的测评表计算全部成绩；发布之前可以反复计算。"""
    result = await service.compute_result(session, caller=caller, assessment_id=assessment_id)
    etag(response, result.version)
    return await queries.read_result(session, caller=caller, assessment_id=assessment_id, result_id=result.id)


@router.get("/{result_id}", summary="查看成绩", responses=problems(NotFound))
async def read(
    caller: MayReadResults, assessment_id: UUID, result_id: UUID, session: Reads, response: Response
) -> ResultOut:
    """哈希、计入的点位和测评表数、排名分组与可用操作。"""
    detail = await queries.read_result(session, caller=caller, assessment_id=assessment_id, result_id=result_id)
    etag(response, detail.version)
    return detail


@router.post(
    "/{result_id}/publish",
    summary="发布成绩",
    responses=problems(
        NotFound,
        VersionMoved,
        IllegalTransition,
        service.ResultFinal,
        service.ResultOutdated,
        service.ResultIncomplete,
    ),
)
async def publish(
    caller: MayPublishResults,
    assessment_id: UUID,
    result_id: UUID,
    body: PublishIn,
    session: Writes,
    response: Response,
) -> ResultOut:
    """冻结成绩并公布排名，测评随之结束；此后标准、点位、区域的变化不影响这份成绩。"""
    result = await service.publish_result(
        session, caller=caller, assessment_id=assessment_id, result_id=result_id, wish=body
    )
    await session.flush()  # the answer carries the new version
    etag(response, result.version)
    return await queries.read_result(session, caller=caller, assessment_id=assessment_id, result_id=result_id)


@router.get("/{result_id}/verification", summary="校验成绩", responses=problems(NotFound))
async def verify(caller: MayReadResults, assessment_id: UUID, result_id: UUID, session: Reads) -> Verification:
    """仅凭冻结的数据重新计算，比对哈希和每一项成绩。"""
    return await queries.verify_result(session, scope=caller.scope, assessment_id=assessment_id, result_id=result_id)


@router.get("/{result_id}/lists", summary="排名表", responses=problems(NotFound))
async def read_lists(caller: MayReadResults, assessment_id: UUID, result_id: UUID, session: Reads) -> list[ListOut]:
    """各排名分组的名次、各方法得分、加减分与总分。"""
    return await queries.read_lists(session, scope=caller.scope, assessment_id=assessment_id, result_id=result_id)


@router.get("/{result_id}/figures", summary="统计成绩", responses=problems(NotFound))
async def list_figures(
    caller: MayReadResults,
    assessment_id: UUID,
    result_id: UUID,
    session: Reads,
    paging: Paging,
    cut: Annotated[Cut, Query(description="按区域、部门、责任单位、行业、点位类型、指标或标准")],
    sort: FigureSort = FigureSort.PRINTED,
    level: Annotated[
        str | None, Query(max_length=20, description="区域级别（如 county）或指标层级（如 1）", examples=["county"])
    ] = None,
    parent_key: Key = None,
    q: ByName = None,
) -> Page[FigureOut]:
    """一种口径下的各项成绩；跨区域的口径仅对数据范围覆盖全部测评区域的用户开放。"""
    return await queries.list_figures(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        result_id=result_id,
        cut=cut,
        sort=sort,
        level=level,
        parent_key=parent_key,
        q=q,
    )


@router.get("/{result_id}/sites", summary="点位成绩", responses=problems(NotFound))
async def list_sites(
    caller: MayReadResults,
    assessment_id: UUID,
    result_id: UUID,
    session: Reads,
    paging: Paging,
    sort: SiteResultSort = SiteResultSort.CODE,
    under: Under = None,
    site_type_code: Key = None,
    industry_code: Key = None,
    unit_id: Annotated[UUID | None, Query(description="责任单位")] = None,
    scored: Annotated[bool | None, Query(description="是否有得分")] = None,
    q: ByName = None,
) -> Page[SiteResultOut]:
    """每个点位的得分及其构成。"""
    return await queries.list_sites(
        session,
        scope=caller.scope,
        params=paging,
        assessment_id=assessment_id,
        result_id=result_id,
        sort=sort,
        under=under,
        site_type_code=site_type_code,
        industry_code=industry_code,
        unit_id=unit_id,
        scored=scored,
        q=q,
    )


@router.get("/{result_id}/spreads", summary="测评分歧", responses=problems(NotFound))
async def list_spreads(
    caller: MayReadResults,
    assessment_id: UUID,
    result_id: UUID,
    session: Reads,
    paging: Paging,
    sort: SpreadSort = SpreadSort.SITE,
) -> Page[SpreadOut]:
    """同一点位同一标准上，多名测评人员得分相差超过阈值的。"""
    return await queries.list_spreads(
        session, scope=caller.scope, params=paging, assessment_id=assessment_id, result_id=result_id, sort=sort
    )
