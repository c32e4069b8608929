"""测评表 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.service import EntryFrozen
from wenming_api.city.scoring import queries, service
from wenming_api.city.scoring.rules import Evidence, SheetState
from wenming_api.city.scoring.schemas import (
    DraftIn,
    DraftSaved,
    SheetDetail,
    SheetRow,
    SheetSort,
    VersionDetail,
    VersionRow,
)
from wenming_api.kit.answers import answer, answer_page
from wenming_api.kit.fields import Search
from wenming_api.kit.http import HotReads, IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)

router = Router(tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayReadSheets = Annotated[Principal, Depends(may(Permission.SHEETS_READ))]
MayOpenSheets = Annotated[
    Principal, Depends(may(Permission.SHEETS_READ, Permission.SHEETS_SUBMIT, Permission.SHEETS_REVIEW))
]
MaySubmitSheets = Annotated[Principal, Depends(may(Permission.SHEETS_SUBMIT))]

SiteType = Annotated[str | None, Query(max_length=64, description="点位类型代码")]
Under = Annotated[
    str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="该区域路径及其下级", examples=["370300000000/"])
]
ByName = Annotated[Search | None, Query(description="点位名称")]


@router.get("/assessments/{assessment_id}/sheets", summary="查询测评表", response_model=Page[SheetRow])
async def list_(
    caller: MayReadSheets,
    assessment_id: UUID,
    reader: HotReads,
    paging: Paging,
    sort: SheetSort = SheetSort.REGION,
    state: Annotated[SheetState | None, Query(description="状态")] = None,
    assessor_id: Annotated[UUID | None, Query(description="测评人员")] = None,
    site_id: Annotated[UUID | None, Query(description="点位")] = None,
    site_type_code: SiteType = None,
    under: Under = None,
    evidence: Annotated[Evidence | None, Query(description="照片是否齐全")] = None,
    q: ByName = None,
) -> Response:
    """按状态、测评人员、点位、类型、区域筛选；责任单位在成绩发布后才能看到本单位的测评表。"""
    found = await queries.list_sheets(
        reader,
        scope=caller.scope,
        params=paging,
        sort=sort,
        assessment_id=assessment_id,
        state=state,
        assessor_id=assessor_id,
        site_id=site_id,
        site_type_code=site_type_code,
        under=under,
        evidence=evidence,
        q=q,
    )
    return answer_page(found)


@router.get("/me/sheets", summary="我的测评任务", response_model=Page[SheetRow])
async def list_mine(
    caller: MaySubmitSheets,
    reader: HotReads,
    paging: Paging,
    sort: SheetSort = SheetSort.REGION,
    assessment_id: Annotated[UUID | None, Query(description="测评")] = None,
    state: Annotated[SheetState | None, Query(description="状态")] = None,
    site_type_code: SiteType = None,
    under: Under = None,
    q: ByName = None,
) -> Response:
    """分配给本人的测评表。"""
    found = await queries.list_sheets(
        reader,
        scope=caller.scope,
        params=paging,
        sort=sort,
        assessor_id=caller.user_id,
        assessment_id=assessment_id,
        state=state,
        site_type_code=site_type_code,
        under=under,
        q=q,
    )
    return answer_page(found)


@router.get(
    "/assessments/{assessment_id}/sheets/{sheet_id}",
    summary="查看测评表",
    response_model=SheetDetail,
    responses=problems(NotFound),
)
async def read(caller: MayOpenSheets, assessment_id: UUID, sheet_id: UUID, reader: HotReads) -> Response:
    """应评标准、当前版本的评分与照片、本人的草稿、可用操作。"""
    detail = await queries.read_sheet(reader, caller=caller, assessment_id=assessment_id, sheet_id=sheet_id)
    return answer(detail, version=detail["version"])


@router.get(
    "/assessments/{assessment_id}/sheets/{sheet_id}/versions", summary="测评表的历次提交", responses=problems(NotFound)
)
async def list_versions(caller: MayOpenSheets, assessment_id: UUID, sheet_id: UUID, session: Reads) -> list[VersionRow]:
    """每次提交、退回后重新提交、更正各为一个版本，已提交的版本不可修改。"""
    return await queries.list_versions(session, scope=caller.scope, assessment_id=assessment_id, sheet_id=sheet_id)


@router.get(
    "/assessments/{assessment_id}/sheets/{sheet_id}/versions/{version_id}",
    summary="查看测评表的一个版本",
    responses=problems(NotFound),
)
async def read_version(
    caller: MayOpenSheets, assessment_id: UUID, sheet_id: UUID, version_id: UUID, session: Reads
) -> VersionDetail:
    """该版本的全部评分、扣分项与照片。"""
    return await queries.read_version(
        session, scope=caller.scope, assessment_id=assessment_id, sheet_id=sheet_id, version_id=version_id
    )


@router.put(
    "/assessments/{assessment_id}/sheets/{sheet_id}/draft",
    summary="保存测评表草稿",
    responses=problems(NotFound, EntryFrozen, IllegalTransition, StaleVersion, VersionRequired),
)
async def save_draft(
    caller: MaySubmitSheets,
    assessment_id: UUID,
    sheet_id: UUID,
    body: DraftIn,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> DraftSaved:
    """内容可不完整；提交时才检查。"""
    saved = await service.save_draft(
        session, caller=caller, assessment_id=assessment_id, sheet_id=sheet_id, version=version, draft=body
    )
    etag(response, saved.version)
    return saved
