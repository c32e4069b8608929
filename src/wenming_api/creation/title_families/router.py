"""文明家庭 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_families import queries, service
from wenming_api.creation.title_families.schemas import (
    FamilyCreate,
    FamilyDetail,
    FamilyOut,
    FamilySort,
    FamilyUpdate,
)
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)

router = Router(prefix="/title-families", tags=["文明创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.TITLES_READ, Permission.TITLE_FAMILIES_READ))]
MayApply = Annotated[Principal, Depends(may(Permission.TITLES_APPLY))]


@router.get("", summary="查询家庭")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: FamilySort = FamilySort.NEWEST,
    unit_id: Annotated[UUID | None, Query(description="负责登记的单位")] = None,
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径", examples=["370300000000/"])
    ] = None,
    active: bool | None = None,
) -> Page[FamilyOut]:
    """数据范围内登记的家庭；没有查看个人信息的权限时，姓名与住址已遮盖。"""
    return await queries.list_families(
        session, caller=caller, params=paging, sort=sort, unit_id=unit_id, under=under, active=active
    )


@router.post("", summary="登记家庭", status_code=201)
async def create(caller: MayApply, body: FamilyCreate, session: Writes, response: Response) -> FamilyDetail:
    """由社区等单位登记，供申报文明家庭；姓名与住址属个人信息，只存于此处。"""
    family = await service.create_family(session, caller=caller, new=body)
    etag(response, family.version)
    return await queries.read_family(session, caller=caller, family_id=family.id)


@router.get("/{family_id}", summary="查看家庭", responses=problems(NotFound))
async def read(caller: MayRead, family_id: UUID, session: Reads, response: Response) -> FamilyDetail:
    """一个家庭；没有查看个人信息的权限时，姓名与住址已遮盖。"""
    detail = await queries.read_family(session, caller=caller, family_id=family_id)
    etag(response, detail.version)
    return detail


@router.patch("/{family_id}", summary="修改家庭", responses=problems(NotFound, StaleVersion, VersionRequired))
async def update(
    caller: MayApply, family_id: UUID, body: FamilyUpdate, version: IfMatch, session: Writes, response: Response
) -> FamilyDetail:
    """只修改给出的字段；看不到个人信息的人不能修改。"""
    family = await service.update_family(session, caller=caller, family_id=family_id, version=version, changes=body)
    etag(response, family.version)
    return await queries.read_family(session, caller=caller, family_id=family_id)
