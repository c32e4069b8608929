"""审批流程与审核级别 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search, Transition
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.workflow.approval_flows import queries, service
from wenming_api.workflow.approval_flows.rules import ApprovalKind
from wenming_api.workflow.approval_flows.schemas import (
    LEVEL_CODE_PATTERN,
    FlowCreate,
    FlowDetail,
    FlowOut,
    FlowPreview,
    FlowSort,
    FlowUpdate,
    LevelCreate,
    LevelDetail,
    LevelOut,
    LevelSort,
    LevelUpdate,
)
from wenming_api.workflow.approval_flows.service import FlowInUse, LevelCodeTaken, WholeSystemOnly

router = Router(tags=["流程"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.APPROVALS_READ, Permission.FLOWS_MANAGE))]
MayManage = Annotated[Principal, Depends(may(Permission.FLOWS_MANAGE))]
LevelPath = Annotated[str, Path(pattern=LEVEL_CODE_PATTERN, description="审核级别代码", examples=["county"])]


@router.get("/approval-levels", summary="查询审核级别")
async def list_levels(
    caller: MayRead, session: Reads, paging: Paging, sort: LevelSort = LevelSort.RANK
) -> Page[LevelOut]:
    """各审核级别及其对应权限。"""
    return await queries.list_levels(session, params=paging, sort=sort)


@router.post(
    "/approval-levels", summary="新增审核级别", status_code=201, responses=problems(LevelCodeTaken, WholeSystemOnly)
)
async def create_level(caller: MayManage, session: Writes, body: LevelCreate, response: Response) -> LevelDetail:
    """代码建立后不可修改。"""
    level = await service.create_level(session, caller=caller, new=body)
    etag(response, level.version)
    return await queries.read_level(session, caller=caller, code=level.code)


@router.get("/approval-levels/{code}", summary="查看审核级别", responses=problems(NotFound))
async def read_level(caller: MayRead, code: LevelPath, session: Reads, response: Response) -> LevelDetail:
    """审核级别、对应权限与用到它的流程数。"""
    detail = await queries.read_level(session, caller=caller, code=code)
    etag(response, detail.version)
    return detail


@router.patch(
    "/approval-levels/{code}",
    summary="修改审核级别",
    responses=problems(NotFound, StaleVersion, VersionRequired, LevelCodeTaken, WholeSystemOnly),
)
async def update_level(
    caller: MayManage, code: LevelPath, session: Writes, body: LevelUpdate, version: IfMatch, response: Response
) -> LevelDetail:
    """改变对应权限只影响此后开始的审批。"""
    level = await service.update_level(session, caller=caller, code=code, version=version, changes=body)
    etag(response, level.version)
    return await queries.read_level(session, caller=caller, code=code)


@router.get("/approval-flows", summary="查询审批流程")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: FlowSort = FlowSort.NAME,
    kind: Annotated[ApprovalKind | None, Query(description="审批内容的种类")] = None,
    unit_id: Annotated[UUID | None, Query(description="为该单位设置的流程")] = None,
    active: bool | None = None,
    q: Annotated[Search | None, Query(description="名称包含")] = None,
) -> Page[FlowOut]:
    """全系统的流程，以及数据范围内各单位的流程。"""
    return await queries.list_flows(
        session, scope=caller.scope, params=paging, sort=sort, kind=kind, unit_id=unit_id, active=active, q=q
    )


@router.get("/approval-flows/preview", summary="预览审批环节")
async def preview(
    caller: MayRead,
    session: Reads,
    kind: Annotated[ApprovalKind, Query(description="审批内容的种类")],
    unit_id: Annotated[UUID, Query(description="提交内容的单位")],
    receiver_unit_id: Annotated[UUID | None, Query(description="接收单位")] = None,
) -> FlowPreview:
    """该单位的内容现在提交，会依次由哪些单位审批；取最近的上级单位设置的流程，没有则取全系统的。"""
    return await queries.preview_flow(
        session, scope=caller.scope, kind=kind, unit_id=unit_id, receiver_unit_id=receiver_unit_id
    )


@router.post("/approval-flows", summary="新增审批流程", status_code=201, responses=problems(FlowInUse, WholeSystemOnly))
async def create(caller: MayManage, session: Writes, body: FlowCreate, response: Response) -> FlowDetail:
    """同一单位、同类内容只有一个在用的流程。"""
    flow = await service.create_flow(session, caller=caller, new=body)
    etag(response, flow.version)
    return await queries.read_flow(session, caller=caller, flow_id=flow.id)


@router.get("/approval-flows/{flow_id}", summary="查看审批流程", responses=problems(NotFound))
async def read(caller: MayRead, flow_id: UUID, session: Reads, response: Response) -> FlowDetail:
    """流程的环节与可用操作。"""
    detail = await queries.read_flow(session, caller=caller, flow_id=flow_id)
    etag(response, detail.version)
    return detail


@router.put(
    "/approval-flows/{flow_id}",
    summary="修改审批流程",
    responses=problems(NotFound, StaleVersion, VersionRequired, IllegalTransition, WholeSystemOnly),
)
async def update(
    caller: MayManage, flow_id: UUID, session: Writes, body: FlowUpdate, version: IfMatch, response: Response
) -> FlowDetail:
    """替换名称与全部环节；进行中的审批仍按原流程办完。"""
    flow = await service.update_flow(session, caller=caller, flow_id=flow_id, version=version, changes=body)
    etag(response, flow.version)
    return await queries.read_flow(session, caller=caller, flow_id=flow_id)


@router.post(
    "/approval-flows/{flow_id}/disable",
    summary="停用审批流程",
    responses=problems(NotFound, VersionMoved, IllegalTransition, WholeSystemOnly),
)
async def disable(
    caller: MayManage, flow_id: UUID, session: Writes, body: Transition, response: Response
) -> FlowDetail:
    """停用后，由更上级单位或全系统的流程代替。"""
    flow = await service.set_active(session, caller=caller, flow_id=flow_id, judged=body, active=False)
    etag(response, flow.version)
    return await queries.read_flow(session, caller=caller, flow_id=flow_id)


@router.post(
    "/approval-flows/{flow_id}/enable",
    summary="启用审批流程",
    responses=problems(NotFound, VersionMoved, IllegalTransition, FlowInUse, WholeSystemOnly),
)
async def enable(caller: MayManage, flow_id: UUID, session: Writes, body: Transition, response: Response) -> FlowDetail:
    """重新启用已停用的流程。"""
    flow = await service.set_active(session, caller=caller, flow_id=flow_id, judged=body, active=True)
    etag(response, flow.version)
    return await queries.read_flow(session, caller=caller, flow_id=flow_id)
