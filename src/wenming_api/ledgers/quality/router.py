"""质控标准 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.fields import Code, Judged, Search, Transition
from wenming_api.kit.hot import hot
from wenming_api.kit.http import IfMatch, Paging, Reads, Router, Writes, etag
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import (
    Conflict,
    Forbidden,
    IllegalTransition,
    StaleVersion,
    Unauthenticated,
    VersionMoved,
    VersionRequired,
    problems,
)
from wenming_api.ledgers.quality import queries, service
from wenming_api.ledgers.quality.queries import RuleNotFound
from wenming_api.ledgers.quality.rules import RuleState, Severity
from wenming_api.ledgers.quality.schemas import (
    QualityFeature,
    QualityJudgement,
    QualityRuleCreate,
    QualityRuleDetail,
    QualityRuleRevise,
    QualityRuleRow,
    QualityRuleSet,
    QualityRuleUpdate,
    QualityVerdict,
    RuleSort,
)
from wenming_api.ledgers.quality.service import EditionOpen, TestOutdated, TooManyRules

router = Router(prefix="/ledgers/quality-rules", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayReadRules = Annotated[Principal, Depends(may(Permission.QUALITY_RULES_READ))]
MayManageRules = Annotated[Principal, Depends(may(Permission.QUALITY_RULES_MANAGE))]


@router.get("", summary="查询质控标准")
async def list_(
    caller: MayReadRules,
    session: Reads,
    paging: Paging,
    sort: RuleSort = RuleSort.CODE,
    state: RuleState | None = None,
    severity: Severity | None = None,
    code: Annotated[Code | None, Query(description="编号（含各版）")] = None,
    node_id: Annotated[UUID | None, Query(description="直接指定了该类别的")] = None,
    unit_id: Annotated[UUID | None, Query(description="制定单位")] = None,
    q: Annotated[Search | None, Query(description="名称或提示语")] = None,
) -> Page[QualityRuleRow]:
    """数据范围内的质控标准，以及适用于本单位的启用标准。"""
    return await queries.list_rules(
        session,
        caller=caller,
        params=paging,
        sort=sort,
        state=state,
        severity=severity,
        code=code,
        node_id=node_id,
        unit_id=unit_id,
        q=q,
    )


@router.post("", summary="新增质控标准", status_code=201, responses=problems(Conflict))
async def create(
    caller: MayManageRules, body: QualityRuleCreate, session: Writes, response: Response
) -> QualityRuleDetail:
    """由本单位制定的草稿；回测后才能启用。"""
    rule = await service.create_rule(session, caller=caller, new=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule.id)


@router.get("/ruleset", summary="下载质控规则集", dependencies=[hot(service.HOT)])
async def ruleset(caller: MayReadRules, session: Reads) -> QualityRuleSet:
    """全部启用的规则，供客户端离线判定；内容不变时答 304。格式见 docs/quality-rules.md。"""
    return await queries.published(session)


@router.get("/features", summary="查询质控特征")
async def features(caller: MayReadRules) -> list[QualityFeature]:
    """表达式可用的全部特征。"""
    return queries.features_known()


@router.post("/judge", summary="试判")
async def judge(caller: MayReadRules, body: QualityJudgement, session: Writes) -> QualityVerdict:
    """以启用的规则（或所给的表达式）判定所给的特征，不保存。"""
    return await queries.judge_features(session, asked=body)


@router.get("/{rule_id}", summary="查看质控标准", responses=problems(RuleNotFound))
async def read(caller: MayReadRules, rule_id: UUID, session: Reads, response: Response) -> QualityRuleDetail:
    """详情、回测结果、各版与可用操作。"""
    detail = await queries.read_rule(session, caller=caller, rule_id=rule_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{rule_id}",
    summary="修改质控标准",
    responses=problems(RuleNotFound, StaleVersion, VersionRequired, IllegalTransition),
)
async def update(
    caller: MayManageRules,
    rule_id: UUID,
    body: QualityRuleUpdate,
    version: IfMatch,
    session: Writes,
    response: Response,
) -> QualityRuleDetail:
    """修改草稿或已回测的标准；修改后回到草稿，须重新回测。"""
    rule = await service.update_rule(session, caller=caller, rule_id=rule_id, version=version, changes=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule_id)


@router.post(
    "/{rule_id}/activate",
    summary="启用质控标准",
    responses=problems(RuleNotFound, VersionMoved, IllegalTransition, TestOutdated, TooManyRules),
)
async def activate(
    caller: MayManageRules, rule_id: UUID, body: Judged, session: Writes, response: Response
) -> QualityRuleDetail:
    """启用已回测的标准；同一编号的前一版同时停用。"""
    rule = await service.activate_rule(session, caller=caller, rule_id=rule_id, judged=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule_id)


@router.post(
    "/{rule_id}/retire",
    summary="停用质控标准",
    responses=problems(RuleNotFound, VersionMoved, IllegalTransition),
)
async def retire(
    caller: MayManageRules, rule_id: UUID, body: Transition, session: Writes, response: Response
) -> QualityRuleDetail:
    """停用后不再判定；已有的判定结果保留。"""
    rule = await service.retire_rule(session, caller=caller, rule_id=rule_id, judged=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule_id)


@router.post(
    "/{rule_id}/revise",
    summary="起草质控标准的新一版",
    status_code=201,
    responses=problems(RuleNotFound, VersionMoved, EditionOpen),
)
async def revise(
    caller: MayManageRules, rule_id: UUID, body: QualityRuleRevise, session: Writes, response: Response
) -> QualityRuleDetail:
    """复制为新一版的草稿；启用中的一版不受影响，直到新一版启用。"""
    rule = await service.revise_rule(session, caller=caller, rule_id=rule_id, judged=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule.id)
