"""分类目录中的分类 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.http import IfMatch, Reads, Router, Writes, etag
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionRequired,
    problems,
)
from wenming_api.ledgers.catalogue_nodes import service
from wenming_api.ledgers.catalogues import queries
from wenming_api.ledgers.catalogues.queries import CatalogueNotFound, NodeNotFound
from wenming_api.ledgers.catalogues.schemas import CategoryLinks, NodeCreate, NodeOut, NodeTree, NodeUpdate

router = Router(prefix="/catalogues", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.CATALOGUES_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.CATALOGUES_MANAGE))]
_EDITED = (CatalogueNotFound, NodeNotFound, IllegalTransition, StaleVersion, VersionRequired)


@router.get("/{catalogue_id}/nodes", summary="查看目录的全部分类", responses=problems(CatalogueNotFound))
async def list_(
    caller: MayRead,
    catalogue_id: UUID,
    session: Reads,
    active: Annotated[bool | None, Query(description="是否启用")] = None,
) -> NodeTree:
    """按树的次序一次列出，每个分类在其下级之前。"""
    return await queries.read_tree(session, scope=caller.scope, catalogue_id=catalogue_id, active=active)


@router.post(
    "/{catalogue_id}/nodes",
    summary="新增分类",
    status_code=201,
    responses=problems(CatalogueNotFound, IllegalTransition, service.NodeCodeTaken),
)
async def create(
    caller: MayManage, catalogue_id: UUID, body: NodeCreate, session: Writes, response: Response
) -> NodeOut:
    """仅在草稿中；上级随之成为大类。"""
    made = await service.add_node(session, caller=caller, catalogue_id=catalogue_id, new=body)
    return await _answer(session, caller, catalogue_id, made.id, response)


@router.get("/{catalogue_id}/nodes/{node_id}", summary="查看分类", responses=problems(NodeNotFound))
async def read(caller: MayRead, catalogue_id: UUID, node_id: UUID, session: Reads, response: Response) -> NodeOut:
    """含同时计入的其他分类与可做的操作。"""
    found = await queries.read_node(session, caller=caller, catalogue_id=catalogue_id, node_id=node_id)
    etag(response, found.version)
    return found


@router.patch(
    "/{catalogue_id}/nodes/{node_id}",
    summary="修改分类",
    responses=problems(*_EDITED, service.NodeCodeTaken),
)
async def update(
    caller: MayManage,
    catalogue_id: UUID,
    node_id: UUID,
    body: NodeUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> NodeOut:
    """仅在草稿中；修改编号时下级的路径随之改变。"""
    await service.update_node(
        session, caller=caller, catalogue_id=catalogue_id, node_id=node_id, version=version, changes=body
    )
    return await _answer(session, caller, catalogue_id, node_id, response)


@router.delete("/{catalogue_id}/nodes/{node_id}", summary="删除分类", status_code=204, responses=problems(*_EDITED))
async def delete(caller: MayManage, catalogue_id: UUID, node_id: UUID, version: IfMatch, session: Writes) -> None:
    """仅在草稿中，连同其下级。"""
    await service.delete_node(session, caller=caller, catalogue_id=catalogue_id, node_id=node_id, version=version)


@router.put("/{catalogue_id}/nodes/{node_id}/links", summary="设置同时计入的分类", responses=problems(*_EDITED))
async def link(
    caller: MayManage,
    catalogue_id: UUID,
    node_id: UUID,
    body: CategoryLinks,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> NodeOut:
    """归入此小类的记录同时计入其他目录的小类（如某项指标），只需填报一次。"""
    await service.link_node(
        session, caller=caller, catalogue_id=catalogue_id, node_id=node_id, version=version, node_ids=body.node_ids
    )
    return await _answer(session, caller, catalogue_id, node_id, response)


async def _answer(
    session: WriteSession, caller: Principal, catalogue_id: UUID, node_id: UUID, response: Response
) -> NodeOut:
    await session.flush()  # the answer carries the new version
    found = await queries.read_node(session, caller=caller, catalogue_id=catalogue_id, node_id=node_id)
    etag(response, found.version)
    return found
