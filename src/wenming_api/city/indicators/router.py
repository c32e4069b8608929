"""指标 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.indicators import queries, service
from wenming_api.city.indicators.queries import IndicatorNotFound
from wenming_api.city.indicators.schemas import (
    IndicatorCreate,
    IndicatorMove,
    IndicatorOut,
    IndicatorTree,
    IndicatorUpdate,
)
from wenming_api.city.indicators.service import IndicatorInUse
from wenming_api.city.standards.queries import SystemNotFound
from wenming_api.city.standards.service import CodeTaken, SystemNotDraft
from wenming_api.kit.http import IfMatch, Reads, Router, Writes, etag
from wenming_api.kit.problems import (
    Forbidden,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)

router = Router(prefix="/indicator-systems/{system_id}", tags=["文明城市创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.STANDARDS_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.STANDARDS_MANAGE))]


@router.get("/tree", summary="整棵指标树", responses=problems(SystemNotFound))
async def read_tree(caller: MayRead, system_id: UUID, session: Reads, response: Response) -> IndicatorTree:
    """一次取回体系的全部指标与标准，按文件次序；各级附基本分值与标准数的合计。"""
    tree = await queries.get_tree(session, system_id=system_id)
    etag(response, tree.version)
    return tree


@router.post(
    "/indicators",
    status_code=201,
    summary="新增指标",
    responses=problems(SystemNotFound, SystemNotDraft, CodeTaken),
)
async def create(
    caller: MayManage, system_id: UUID, body: IndicatorCreate, session: Writes, response: Response
) -> IndicatorOut:
    """在上级之下新增；层级随上级而定，编号在体系内不重复。"""
    made = await service.create_indicator(session, system_id=system_id, request=body, caller=caller)
    etag(response, made.version)
    return made


@router.get("/indicators/{indicator_id}", summary="指标详情", responses=problems(IndicatorNotFound))
async def read(
    caller: MayRead, system_id: UUID, indicator_id: UUID, session: Reads, response: Response
) -> IndicatorOut:
    """含直接下级数、标准数与当前用户可做的操作。"""
    found = await queries.get_indicator(session, system_id=system_id, indicator_id=indicator_id, caller=caller)
    etag(response, found.version)
    return found


@router.patch(
    "/indicators/{indicator_id}",
    summary="修改指标",
    responses=problems(IndicatorNotFound, SystemNotDraft, CodeTaken, StaleVersion, VersionRequired),
)
async def update(
    caller: MayManage,
    system_id: UUID,
    indicator_id: UUID,
    body: IndicatorUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> IndicatorOut:
    """修改编号或名称；调整上级与次序请用移动。"""
    changed = await service.update_indicator(
        session, system_id=system_id, indicator_id=indicator_id, request=body, version=version, caller=caller
    )
    etag(response, changed.version)
    return changed


@router.post(
    "/indicators/{indicator_id}/move",
    summary="移动指标",
    responses=problems(IndicatorNotFound, SystemNotDraft, VersionMoved),
)
async def move(
    caller: MayManage,
    system_id: UUID,
    indicator_id: UUID,
    body: IndicatorMove,
    session: Writes,
    response: Response,
) -> IndicatorOut:
    """移到同一层级的另一上级之下，或改变次序；其下的内容随之移动。"""
    moved = await service.move_indicator(
        session, system_id=system_id, indicator_id=indicator_id, request=body, caller=caller
    )
    etag(response, moved.version)
    return moved


@router.delete(
    "/indicators/{indicator_id}",
    status_code=204,
    summary="删除指标",
    responses=problems(IndicatorNotFound, SystemNotDraft, IndicatorInUse, StaleVersion, VersionRequired),
)
async def delete(caller: MayManage, system_id: UUID, indicator_id: UUID, version: IfMatch, session: Writes) -> None:
    """只能删除其下没有内容的指标。"""
    await service.delete_indicator(
        session, system_id=system_id, indicator_id=indicator_id, version=version, caller=caller
    )
