"""离线批量提交 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.offline import service
from wenming_api.city.offline.schemas import BatchIn, BatchOut
from wenming_api.city.submissions.service import SubmissionRace
from wenming_api.kit.http import Router, Writes
from wenming_api.kit.problems import Forbidden, Unauthenticated, problems

router = Router(
    prefix="/assessments/{assessment_id}/submissions",
    tags=["文明城市创建管理"],
    raises=(Unauthenticated, Forbidden),
)

MaySubmitSheets = Annotated[Principal, Depends(may(Permission.SHEETS_SUBMIT))]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="必填。同一键、同一内容只执行一次，返回同一结果（保留 48 小时）",
    ),
]


@router.post("", summary="离线批量提交测评表", responses=problems(SubmissionRace))
async def receive(caller: MaySubmitSheets, assessment_id: UUID, body: BatchIn, key: Key, session: Writes) -> BatchOut:
    """每份各自处理并返回结果，一份有误不影响其余；顺序不限，重复发送只记一次；冻结后到达的进入迟到箱。"""
    return await service.receive_batch(session, caller=caller, assessment_id=assessment_id, items=body.items)
