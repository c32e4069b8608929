"""称号评选标准 over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules import queries, service
from wenming_api.creation.title_rules.rules import RuleAction, TitleKind, TitleRuleState
from wenming_api.creation.title_rules.schemas import (
    TitleRuleCreate,
    TitleRuleDetail,
    TitleRuleRow,
    TitleRuleSort,
    TitleRuleUpdate,
)
from wenming_api.creation.title_rules.service import RuleFrozen, RuleIncomplete, TitleRuleCodeTaken
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

router = Router(prefix="/title-rules", tags=["文明创建管理"], raises=(Unauthenticated, Forbidden))

MayRead = Annotated[Principal, Depends(may(Permission.TITLES_READ))]
MayManage = Annotated[Principal, Depends(may(Permission.TITLE_RULES_MANAGE))]


@router.get("", summary="查询称号评选标准")
async def list_(
    caller: MayRead,
    session: Reads,
    paging: Paging,
    sort: TitleRuleSort = TitleRuleSort.CODE,
    kind: Annotated[TitleKind | None, Query(description="称号类型")] = None,
    state: Annotated[TitleRuleState | None, Query(description="状态")] = None,
    q: Annotated[Search | None, Query(description="名称或代码")] = None,
) -> Page[TitleRuleRow]:
    """各类文明称号的评选标准；标注“示例”的来自公开资料，须补全后使用。"""
    return await queries.list_rules(session, params=paging, sort=sort, kind=kind, state=state, q=q)


@router.post("", summary="新增称号评选标准", status_code=201, responses=problems(TitleRuleCodeTaken))
async def create(caller: MayManage, body: TitleRuleCreate, session: Writes, response: Response) -> TitleRuleDetail:
    """建为草稿；评分项分值可以后补，发布前须补全。"""
    rule = await service.create_rule(session, caller=caller, new=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule.id)


@router.get("/{rule_id}", summary="查看称号评选标准", responses=problems(NotFound))
async def read(caller: MayRead, rule_id: UUID, session: Reads, response: Response) -> TitleRuleDetail:
    """评分项、否决情形、发布前须补全之处与可用操作。"""
    detail = await queries.read_rule(session, caller=caller, rule_id=rule_id)
    etag(response, detail.version)
    return detail


@router.patch(
    "/{rule_id}", summary="修改称号评选标准", responses=problems(NotFound, StaleVersion, VersionRequired, RuleFrozen)
)
async def update(
    caller: MayManage, rule_id: UUID, body: TitleRuleUpdate, version: IfMatch, session: Writes, response: Response
) -> TitleRuleDetail:
    """只有草稿可以修改；评分项与否决情形整体替换。"""
    rule = await service.update_rule(session, caller=caller, rule_id=rule_id, version=version, changes=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule_id)


@router.post(
    "/{rule_id}/publish",
    summary="发布称号评选标准",
    responses=problems(NotFound, VersionMoved, IllegalTransition, RuleIncomplete),
)
async def publish(
    caller: MayManage, rule_id: UUID, body: Transition, session: Writes, response: Response
) -> TitleRuleDetail:
    """发布后不能再修改；分值不全时拒绝并列出须补全之处。"""
    rule = await service.advance_rule(session, caller=caller, rule_id=rule_id, action=RuleAction.PUBLISH, judged=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule_id)


@router.post(
    "/{rule_id}/retire", summary="停用称号评选标准", responses=problems(NotFound, VersionMoved, IllegalTransition)
)
async def retire(
    caller: MayManage, rule_id: UUID, body: Transition, session: Writes, response: Response
) -> TitleRuleDetail:
    """停用后不能再用于新的届别；已用它的届别不受影响。"""
    rule = await service.advance_rule(session, caller=caller, rule_id=rule_id, action=RuleAction.RETIRE, judged=body)
    etag(response, rule.version)
    return await queries.read_rule(session, caller=caller, rule_id=rule_id)
