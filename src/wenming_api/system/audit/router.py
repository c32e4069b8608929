"""审计日志 over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Paging, Reads, Router
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import Forbidden, Unauthenticated
from wenming_api.system.audit import queries
from wenming_api.system.audit.schemas import AuditEntryOut, AuditSort

router = Router(prefix="/audit-entries", tags=["系统管理"], raises=(Unauthenticated, Forbidden))

MayReadAudit = Annotated[Principal, Depends(may(Permission.AUDIT_READ))]


@router.get("", summary="查询审计日志")
async def list_(
    caller: MayReadAudit,
    session: Reads,
    paging: Paging,
    sort: AuditSort = AuditSort.NEWEST,
    actor_id: UUID | None = None,
    action: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z_.\-]+$")] = None,
    target_type: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z_]+$")] = None,
    target_id: UUID | None = None,
    context_id: Annotated[UUID | None, Query(description="所属业务，如某次测评")] = None,
    since: Annotated[datetime | None, Query(description="起始时间（含）")] = None,
    until: Annotated[datetime | None, Query(description="截止时间（不含）")] = None,
) -> Page[AuditEntryOut]:
    """按操作人、动作、对象、业务与时间筛选。"""
    return await queries.list_entries(
        session,
        params=paging,
        sort=sort,
        actor_id=actor_id,
        action=action,
        target_type=target_type,
        target_id=target_id,
        context_id=context_id,
        since=since,
        until=until,
    )
