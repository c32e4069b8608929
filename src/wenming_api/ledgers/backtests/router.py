"""质控标准的回测 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Judged
from wenming_api.kit.http import Router, Writes, etag
from wenming_api.kit.problems import Forbidden, IllegalTransition, Unauthenticated, VersionMoved, problems
from wenming_api.ledgers.backtests import service
from wenming_api.ledgers.quality.queries import RuleNotFound, read_rule
from wenming_api.ledgers.quality.schemas import QualityRuleDetail

router = Router(prefix="/ledgers/quality-rules", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayManageRules = Annotated[Principal, Depends(may(Permission.QUALITY_RULES_MANAGE))]


@router.post(
    "/{rule_id}/test",
    summary="回测质控标准",
    responses=problems(RuleNotFound, VersionMoved, IllegalTransition),
)
async def test(
    caller: MayManageRules, rule_id: UUID, body: Judged, session: Writes, response: Response
) -> QualityRuleDetail:
    """以数据范围内全部记录的当前版本试判，得出不满足的数量、单位、类别与实例；回测后才能启用。"""
    rule = await service.test_rule(session, caller=caller, rule_id=rule_id, judged=body)
    etag(response, rule.version)
    return await read_rule(session, caller=caller, rule_id=rule_id)
