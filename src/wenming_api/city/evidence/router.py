"""证据照片 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.evidence import queries
from wenming_api.city.evidence.schemas import EvidencePhoto
from wenming_api.kit.http import Reads, Router, Store
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems

router = Router(tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayOpenSheets = Annotated[
    Principal, Depends(may(Permission.SHEETS_READ, Permission.SHEETS_SUBMIT, Permission.SHEETS_REVIEW))
]


@router.get(
    "/assessments/{assessment_id}/sheets/{sheet_id}/photos",
    summary="测评表的证据照片",
    responses=problems(NotFound),
)
async def list_(
    caller: MayOpenSheets,
    session: Reads,
    store: Store,
    assessment_id: UUID,
    sheet_id: UUID,
    version_id: Annotated[UUID | None, Query(description="指定版本；默认当前版本")] = None,
) -> list[EvidencePhoto]:
    """能查看测评表者即可查看其照片：缩略图、预览与大图的限时地址，以及照片自带的拍摄时间与地点供核对。"""
    return await queries.list_photos(
        session,
        store=store,
        scope=caller.scope,
        assessment_id=assessment_id,
        sheet_id=sheet_id,
        version_id=version_id,
    )
