"""审批 over HTTP: what waits for whom, and how it went. Deciding is done at the routes of what is approved."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Search
from wenming_api.kit.http import Paging, Reads, Router, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, NotFound, Unauthenticated, problems
from wenming_api.workflow.approval_flows.rules import ApprovalKind
from wenming_api.workflow.approvals import queries
from wenming_api.workflow.approvals.rules import ApprovalState
from wenming_api.workflow.approvals.schemas import ApprovalDetail, ApprovalRow, ApprovalSort, Myself, WaitingCounts

router = Router(prefix="/approvals", tags=["流程"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.APPROVALS_READ))]


@router.get("", summary="查询审批")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: ApprovalSort = ApprovalSort.NEWEST,
    waiting: Annotated[Myself | None, Query(description="me：等待本人审批的（含代理他人的）")] = None,
    decided: Annotated[Myself | None, Query(description="me：本人审批过的")] = None,
    author: Annotated[Myself | None, Query(description="me：本人提交的")] = None,
    kind: Annotated[ApprovalKind | None, Query(description="审批内容的种类")] = None,
    state: Annotated[ApprovalState | None, Query(description="审批的状态")] = None,
    overdue: Annotated[bool | None, Query(description="当前环节是否已逾期")] = None,
    subject_id: Annotated[UUID | None, Query(description="审批的对象")] = None,
    below: Annotated[
        str | None, Query(pattern=r"^(\d{1,18}/){1,20}$", description="对象所属单位的路径及其下级", examples=["1/15/"])
    ] = None,
    q: Annotated[Search | None, Query(description="标题包含")] = None,
) -> Page[ApprovalRow]:
    """各类内容的审批；waiting、decided、author 都不给时，为数据范围内、本人提交或经过本单位的全部审批。"""
    return await queries.list_approvals(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        waiting=waiting is not None,
        decided=decided is not None,
        own=author is not None,
        kind=kind,
        state=state,
        late=overdue,
        subject_id=subject_id,
        below=below,
        q=q,
    )


@router.get("/waiting-count", summary="待本人审批的数量")
async def count_waiting(caller: MayRead, session: Reads) -> WaitingCounts:
    """各类待本人审批（含代理他人）的数量及其中已逾期的。"""
    return await queries.count_waiting(session, caller=caller)


@router.get("/{approval_id}", summary="查看审批", responses=problems(NotFound))
async def read(caller: MayRead, approval_id: UUID, session: Reads, response: Response) -> ApprovalDetail:
    """审批的全部环节：谁在何时、代谁作出了什么决定，当前等谁，之后是谁。"""
    detail = await queries.read_approval(session, caller=caller, approval_id=approval_id)
    etag(response, detail.version)
    return detail
