"""荣誉榜与级别沿革 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.titles import queries
from wenming_api.creation.titles.schemas import HolderHistory, HonourSort, TitleEventOut
from wenming_api.kit.fields import Search
from wenming_api.kit.http import Paging, Reads, Router
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems

router = Router(prefix="/honours", tags=["文明创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.TITLES_READ))]


@router.get("", summary="查询荣誉榜")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: HonourSort = HonourSort.NEWEST,
    term_id: Annotated[UUID | None, Query(description="届别")] = None,
    kind: Annotated[TitleKind | None, Query(description="称号类型")] = None,
    level: Annotated[TitleLevel | None, Query(description="命名级别")] = None,
    under: Annotated[
        str | None, Query(pattern=r"^(\d{12}/){1,6}$", description="所在区域路径", examples=["370300000000/"])
    ] = None,
    unit_id: Annotated[UUID | None, Query(description="单位")] = None,
    year: Annotated[int | None, Query(ge=1980, le=2199, description="命名年份")] = None,
    in_force: Annotated[bool | None, Query(description="是否仍有效：其后没有晋级、复命名或撤销")] = None,
    q: Annotated[Search | None, Query(description="单位名称")] = None,
) -> Page[TitleEventOut]:
    """按届别、类型、级别、区域列出的命名；家庭的姓名对无权限者遮盖。"""
    return await queries.list_honours(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        term_id=term_id,
        kind=kind,
        level=level,
        under=under,
        unit_id=unit_id,
        year=year,
        in_force=in_force,
        q=q,
    )


@router.get("/{holder_id}/history", summary="查看级别沿革", responses=problems(NotFound))
async def history(caller: MayRead, holder_id: UUID, session: Reads) -> HolderHistory:
    """一个单位或家庭历次命名与撤销；只增不改。"""
    return await queries.read_history(session, caller=caller, holder_id=holder_id)
