"""Reads of quality rules: the active set (kept in the process), lists, details."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, literal, or_, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import FieldError, InvalidInput, NotFound
from wenming_api.ledgers.features.rules import FEATURES
from wenming_api.ledgers.quality.models import QualityRule
from wenming_api.ledgers.quality.rules import (
    FORMAT,
    STEPS,
    MalformedExpression,
    MalformedFeatures,
    Reach,
    Rule,
    RuleSet,
    RuleState,
    Severity,
    features_from,
    judge,
    parse,
)
from wenming_api.ledgers.quality.schemas import (
    PublishedQualityRule,
    QualityFeature,
    QualityFinding,
    QualityJudgement,
    QualityRuleDetail,
    QualityRuleEdition,
    QualityRuleRow,
    QualityRuleSet,
    QualityVerdict,
    RuleSort,
)
from wenming_api.system.units.models import Unit

_SORTS = {"code": QualityRule.code, "created_at": QualityRule.created_at, "name": QualityRule.name}
_ROW = [
    Unit.name.label("unit_name") if name == "unit_name" else getattr(QualityRule, name)
    for name in QualityRuleRow.model_fields
]
_KEPT: OrderedDict[tuple[Any, ...], RuleSet] = OrderedDict()
_KEPT_SETS = 4


class RuleNotFound(NotFound):
    """There is no such rule, or it neither lies in the caller's scope nor judges his unit."""

    code = "quality_rule_not_found"
    title = "未找到质控标准"


def as_rule(row: Any) -> Rule:
    """The rule of a row."""
    reach = Reach(row.reach)
    return Rule(
        code=row.code,
        no=row.no,
        name=row.name,
        message=row.message,
        severity=Severity(row.severity),
        expression=parse(row.expression),
        node_ids=frozenset(row.node_ids),
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        reach=reach,
        reach_path=row.region_path if reach is Reach.REGION else row.unit_path or "",
    )


async def active_rules(session: AnySession, *, on: date | None) -> RuleSet:
    """The active rules in force on a day, or all of them.

    Parsed rules stay in the process. Which they are is asked each time, in one small statement, so that a transaction
    sees its own changes and no process judges by rules that were retired.
    """
    head = select(QualityRule.id, QualityRule.version, QualityRule.region_path, QualityRule.unit_path)
    found = await session.execute(head.where(QualityRule.state == RuleState.ACTIVE).order_by(QualityRule.code))
    key = tuple(tuple(row) for row in found)
    kept = _KEPT.get(key)
    if kept is None:
        rows = await session.execute(
            select(*QualityRule.__table__.columns).where(QualityRule.id.in_([each[0] for each in key]))
        )
        kept = _KEPT[key] = RuleSet.of(as_rule(row) for row in rows)
        while len(_KEPT) > _KEPT_SETS:
            _KEPT.popitem(last=False)
    else:
        _KEPT.move_to_end(key)
    return kept if on is None else kept.on(on)


def visible(caller: Principal) -> ColumnElement[bool]:
    """Rules of the caller's scope, and active ones that judge his own unit."""
    reached = or_(
        and_(
            QualityRule.reach == Reach.REGION,
            literal(caller.region_path).startswith(QualityRule.region_path),
        ),
        and_(QualityRule.reach == Reach.UNITS, literal(caller.unit_path).startswith(QualityRule.unit_path)),
    )
    return caller.scope.where(QualityRule, also=(and_(QualityRule.state == RuleState.ACTIVE, reached),))


def may_keep(scope: Scope, reach: Reach, *, region_path: str, unit_path: str | None) -> bool:
    """Whether everything that such a rule judges lies in the scope."""
    return scope.holds_region(region_path) if reach is Reach.REGION else scope.holds_unit(unit_path or "", region_path)


async def list_rules(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: RuleSort = RuleSort.CODE,
    state: RuleState | None = None,
    severity: Severity | None = None,
    code: str | None = None,
    node_id: UUID | None = None,
    unit_id: UUID | None = None,
    q: str | None = None,
) -> Page[QualityRuleRow]:
    """Rules that match every filter given. Two statements."""
    statement = select(*_ROW).join(Unit, Unit.id == QualityRule.unit_id).where(visible(caller))
    for of, value in (
        (QualityRule.state, state),
        (QualityRule.severity, severity),
        (QualityRule.code, code),
        (QualityRule.unit_id, unit_id),
    ):
        if value is not None:
            statement = statement.where(of == value)
    if node_id is not None:
        statement = statement.where(QualityRule.node_ids.contains([node_id]))
    if q is not None:
        statement = statement.where(contains(QualityRule.name, q) | contains(QualityRule.message, q))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=QualityRule.id, into=QualityRuleRow)


async def read_rule(session: AnySession, *, caller: Principal, rule_id: UUID) -> QualityRuleDetail:
    """One rule with its editions and what the caller may do, in two statements; `RuleNotFound`."""
    found = await session.execute(
        select(QualityRule, Unit.name.label("unit_name"))
        .join(Unit, Unit.id == QualityRule.unit_id)
        .where(QualityRule.id == rule_id, visible(caller))
    )
    row = found.one_or_none()
    if row is None:
        raise RuleNotFound
    stored: QualityRule = row.QualityRule
    rule = as_rule(stored)
    others = await session.execute(
        select(*(getattr(QualityRule, name) for name in QualityRuleEdition.model_fields))
        .where(QualityRule.code == stored.code)
        .where(visible(caller))
        .order_by(QualityRule.no.desc())
    )
    editions = [QualityRuleEdition.model_validate(each) for each in others]
    return QualityRuleDetail.model_validate(
        {name: getattr(stored, name) for name in QualityRuleDetail.model_fields if hasattr(stored, name)}
        | {
            "unit_name": row.unit_name,
            "in_words": rule.expression.words(),
            "server_only": rule.server_only,
            "editions": editions,
            "allowed_actions": _actions(stored, caller, editions),
        }
    )


_LABELS = {"update": "修改", "test": "回测", "activate": "启用", "retire": "停用"}
_WHY_NOT = {
    "update": "只有草稿和已回测的可以修改，启用后请起草新的一版",
    "test": "只有草稿和已回测的可以回测",
    "activate": "须先回测",
    "retire": "已经停用",
}


def _actions(rule: QualityRule, caller: Principal, editions: Iterable[QualityRuleEdition]) -> list[Any]:
    permitted = (caller.may(Permission.QUALITY_RULES_MANAGE), "需要“维护质控标准”权限")
    kept = may_keep(caller.scope, rule.reach, region_path=rule.region_path, unit_path=rule.unit_path)
    own = (kept, "由上级或其他单位制定，超出您的数据范围")
    closed = rule.state in (RuleState.ACTIVE, RuleState.RETIRED)
    done = {"activate": "已经启用或停用，请起草新的一版"} if closed else {}
    open_ = any(each.state in (RuleState.DRAFT, RuleState.TESTED) for each in editions)
    return [
        *(
            action(name, label, permitted, own, (rule.state in STEPS[name][0], done.get(name, _WHY_NOT[name])))
            for name, label in _LABELS.items()
        ),
        action("revise", "起草新的一版", permitted, own, (not open_, "已有未启用的一版，请直接修改")),
    ]


async def judge_features(session: AnySession, *, asked: QualityJudgement) -> QualityVerdict:
    """The server's verdict on given features, by the rules in force or by one expression; nothing is stored.

    `InvalidInput` points at every fault of the features and of the expression.
    """
    errors = []
    features = expression = None
    try:
        features = features_from(asked.features)
    except MalformedFeatures as wrong:
        errors += [FieldError(f"/features{at}", message) for at, message in wrong.faults]
    try:
        expression = parse(asked.expression) if asked.expression is not None else None
    except MalformedExpression as wrong:
        errors += [FieldError(f"/expression{fault.pointer}", fault.message) for fault in wrong.faults]
    if errors or features is None:
        raise InvalidInput(errors=errors[:100])
    if expression is not None:
        tried = Rule("expression", 1, "试判", f"须：{expression.words()}", Severity.MINOR, expression)
        ruleset = RuleSet.of([tried])
    else:
        ruleset = await active_rules(session, on=asked.on or clock.at_the_edge(clock.now()).date())
    findings = judge(ruleset, features, server=True)
    return QualityVerdict(
        ruleset_hash=ruleset.hash,
        judged=sum(rule.concerns(features) for rule in ruleset.rules),
        holds=not findings,
        findings=[QualityFinding.model_validate(each) for each in findings],
    )


async def published(session: AnySession) -> QualityRuleSet:
    """Every active rule that is or will be in force, as clients judge by them."""
    ruleset = await active_rules(session, on=None)
    today = clock.at_the_edge(clock.now()).date()
    coming = RuleSet(tuple(each for each in ruleset.rules if not each.effective_until or each.effective_until >= today))
    return QualityRuleSet(
        format=FORMAT,
        hash=coming.hash,
        rules=[PublishedQualityRule.model_validate(rule.document()) for rule in coming.rules],
    )


def features_known() -> list[QualityFeature]:
    """Every feature that an expression may name."""
    return [QualityFeature.model_validate(each) for each in FEATURES.values()]
