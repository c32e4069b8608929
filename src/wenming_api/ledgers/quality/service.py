"""Changes of quality rules (质控标准, L2.2): drafted, activated after a back-test, retired; editions are kept."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Judged, Transition
from wenming_api.kit.invalidation import invalidate
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    check_edited,
    check_judged,
)
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.quality.models import QualityRule
from wenming_api.ledgers.quality.queries import RuleNotFound, as_rule, may_keep, visible
from wenming_api.ledgers.quality.rules import (
    MAX_ACTIVE,
    STEPS,
    MalformedExpression,
    Reach,
    RuleState,
    Severity,
    allowed_steps,
    fingerprint,
    parse,
    sample_rules,
)
from wenming_api.ledgers.quality.schemas import QualityRuleCreate, QualityRuleUpdate
from wenming_api.system.audit.service import record
from wenming_api.system.units.models import Unit

HOT = "quality_rules"
"""The topic that the published rule set is invalidated by."""
SAMPLE_NOTE = "（样例，待客户确认）"
"""Ends the name of a rule that no customer has decided on."""
_NULLABLE = {"effective_from", "effective_until", "source"}
_TRACKED = (
    "code", "no", "name", "message", "severity", "expression", "node_ids", "reach", "effective_from",
    "effective_until", "state", "source",
)  # fmt: skip
_OPEN = (RuleState.DRAFT, RuleState.TESTED)


class TestOutdated(Conflict):
    """The back-test judged something else, or compared with an edition that is not the active one any more."""

    code = "quality_test_outdated"
    title = "回测结果已过时"


class EditionOpen(Conflict):
    """There is an edition of this code that was not activated yet."""

    code = "quality_edition_open"
    title = "已有未启用的一版"


class TooManyRules(Conflict):
    """So many rules are active that judging would take long."""

    code = "quality_too_many_rules"
    title = "启用的质控标准过多"


def shown(rule: QualityRule) -> dict[str, Any]:
    """A rule as the audit log keeps it."""
    return {name: getattr(rule, name) for name in _TRACKED}


def expression_of(document: Any) -> dict[str, Any]:
    """The canonical form of an expression; `InvalidInput` points at every fault."""
    try:
        return parse(document).document()
    except MalformedExpression as malformed:
        raise InvalidInput(
            errors=[FieldError(f"/expression{fault.pointer}", fault.message) for fault in malformed.faults[:100]]
        ) from None


async def create_rule(session: WriteSession, *, caller: Principal, new: QualityRuleCreate) -> QualityRule:
    """A draft of the caller's unit, the first edition of its code."""
    given = new.model_dump() | {"expression": expression_of(new.expression)}
    _check_reach(caller, new.reach)
    await _check_nodes(session, new.node_ids)
    made = QualityRule(
        **given, no=1, unit_id=caller.unit_id, unit_path=caller.unit_path, region_path=caller.region_path
    )
    session.add(made)
    await session.flush()  # a taken code must answer before the audit entry is written
    await record(
        session, caller=caller, action="quality_rules.create", target=("quality_rule", made.id), after=shown(made)
    )
    return made


async def update_rule(
    session: WriteSession, *, caller: Principal, rule_id: UUID, version: int, changes: QualityRuleUpdate
) -> QualityRule:
    """Change a draft, or a tested rule, which is a draft again. Raises `StaleVersion`, `IllegalTransition`."""
    rule = await lock_rule(session, caller=caller, rule_id=rule_id)
    check_edited(version, rule.version)
    check_step(rule, "update")
    given = changes.model_dump(exclude_unset=True)
    errors = [FieldError(f"/{name}", "不能为空") for name in given if given[name] is None and name not in _NULLABLE]
    first = given.get("effective_from", rule.effective_from)
    last = given.get("effective_until", rule.effective_until)
    if first and last and last < first:
        errors.append(FieldError("/effective_until", "失效日期不能早于生效日期"))
    if errors:
        raise InvalidInput(errors=errors)
    if "expression" in given:
        given["expression"] = expression_of(given["expression"])
    if "reach" in given:
        _check_reach(caller, given["reach"])
    await _check_nodes(session, given.get("node_ids", []))
    before = shown(rule)
    for name, value in given.items():
        setattr(rule, name, value)
    rule.state, rule.tested_at, rule.test_report = RuleState.DRAFT, None, None
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="quality_rules.update",
        target=("quality_rule", rule.id),
        before=before,
        after=shown(rule),
    )
    return rule


async def activate_rule(session: WriteSession, *, caller: Principal, rule_id: UUID, judged: Judged) -> QualityRule:
    """Put a tested rule in force; the edition in force before is retired with it.

    Raises `VersionMoved`, `IllegalTransition`, `TestOutdated`, `TooManyRules`; `Conflict` when it would leave a gap.
    """
    rule, editions = await _lock_editions(session, caller=caller, rule_id=rule_id)
    check_judged(judged.version, rule.version)
    check_step(rule, "activate")
    former = next((each for each in editions if each.state is RuleState.ACTIVE), None)
    report = rule.test_report or {}
    if report.get("fingerprint") != fingerprint(as_rule(rule)):
        raise TestOutdated("回测之后内容或适用单位有变化，请重新回测后再启用。")
    if report.get("compared_no") != (former.no if former else None):
        raise TestOutdated("回测之后另有一版启用或停用，请重新回测后再启用。")
    if former is not None and rule.effective_from and rule.effective_from > clock.at_the_edge(clock.now()).date():
        raise Conflict("生效日期未到，而前一版仍在启用：请到生效日再启用，或将生效日期改为不晚于今天。")
    active = await session.scalar(select(func.count()).where(QualityRule.state == RuleState.ACTIVE))
    if former is None and (active or 0) >= MAX_ACTIVE:
        raise TooManyRules(f"最多同时启用 {MAX_ACTIVE} 条质控标准，请先停用不再需要的。")
    now = clock.now()
    if former is not None:
        former.state, former.retired_at = RuleState.RETIRED, now
        await session.flush()  # one active edition of a code: the former goes first
    rule.state, rule.activated_at = RuleState.ACTIVE, now
    await session.flush()  # the answer carries the new version
    await invalidate(session, HOT)
    await record(
        session,
        caller=caller,
        action="quality_rules.activate",
        target=("quality_rule", rule.id),
        before={"state": RuleState.TESTED, "active_no": former.no if former else None},
        after={"state": RuleState.ACTIVE, "active_no": rule.no},
    )
    return rule


async def retire_rule(session: WriteSession, *, caller: Principal, rule_id: UUID, judged: Transition) -> QualityRule:
    """Take a rule out of force, or give up a draft. Raises `VersionMoved`, `IllegalTransition`."""
    rule = await lock_rule(session, caller=caller, rule_id=rule_id)
    check_judged(judged.version, rule.version)
    check_step(rule, "retire")
    before = rule.state
    rule.state, rule.retired_at = RuleState.RETIRED, clock.now()
    await session.flush()  # the answer carries the new version
    await invalidate(session, HOT)
    await record(
        session,
        caller=caller,
        action="quality_rules.retire",
        target=("quality_rule", rule.id),
        before={"state": before},
        after={"state": RuleState.RETIRED},
        reason=judged.reason,
    )
    return rule


async def revise_rule(session: WriteSession, *, caller: Principal, rule_id: UUID, judged: Judged) -> QualityRule:
    """A draft of the next edition, copied from this one. Raises `VersionMoved`, `EditionOpen`."""
    rule, editions = await _lock_editions(session, caller=caller, rule_id=rule_id)
    check_judged(judged.version, rule.version)
    if any(each.state in _OPEN for each in editions):
        raise EditionOpen("同一编号已有一版尚未启用，请直接修改它，或先停用它。")
    copied = (
        "code", "name", "message", "severity", "expression", "node_ids", "reach", "effective_from", "effective_until",
        "source", "unit_id", "unit_path", "region_path",
    )  # fmt: skip
    made = QualityRule(
        **{name: getattr(rule, name) for name in copied},
        no=max(each.no for each in editions) + 1,
    )
    session.add(made)
    await session.flush()  # the answer is read from the database
    await record(
        session,
        caller=caller,
        action="quality_rules.revise",
        target=("quality_rule", made.id),
        before={"no": rule.no},
        after=shown(made),
    )
    return made


async def lock_rule(session: WriteSession, *, caller: Principal, rule_id: UUID) -> QualityRule:
    """The rule, locked; `RuleNotFound`, `Forbidden` when it judges more than the caller's scope."""
    rule = await session.scalar(select(QualityRule).where(QualityRule.id == rule_id, visible(caller)).with_for_update())
    if rule is None:
        raise RuleNotFound
    _check_own(caller, rule)
    return rule


async def _lock_editions(
    session: WriteSession, *, caller: Principal, rule_id: UUID
) -> tuple[QualityRule, Sequence[QualityRule]]:
    """The rule and all editions of its code, locked in their order, so that two of them cannot become active."""
    code = await session.scalar(select(QualityRule.code).where(QualityRule.id == rule_id, visible(caller)))
    found = await session.scalars(
        select(QualityRule).where(QualityRule.code == code).order_by(QualityRule.no).with_for_update()
    )
    editions = found.all()
    rule = next((each for each in editions if each.id == rule_id), None)
    if rule is None:
        raise RuleNotFound
    _check_own(caller, rule)
    return rule, editions


def _check_own(caller: Principal, rule: QualityRule) -> None:
    if not may_keep(caller.scope, rule.reach, region_path=rule.region_path, unit_path=rule.unit_path):
        raise Forbidden("这条质控标准的适用单位超出您的数据范围，请由制定单位变更。")


def _check_reach(caller: Principal, reach: Reach) -> None:
    if not may_keep(caller.scope, reach, region_path=caller.region_path, unit_path=caller.unit_path):
        raise InvalidInput(errors=[FieldError("/reach", f"“{reach.label}”超出您的数据范围")])


def check_step(rule: QualityRule, step: str) -> None:
    """`IllegalTransition` unless the rule's state allows the step."""
    if rule.state not in STEPS[step][0]:
        raise IllegalTransition(
            f"质控标准现为“{rule.state.label}”，不能{_VERBS[step]}。", allowed=allowed_steps(rule.state)
        )


_VERBS = {"update": "修改", "test": "回测", "activate": "启用，须先回测", "retire": "停用"}


async def _check_nodes(session: WriteSession, node_ids: Sequence[UUID]) -> None:
    if not node_ids:
        return
    there = set(await session.scalars(select(CatalogueNode.id).where(CatalogueNode.id.in_(node_ids))))
    errors = [FieldError(f"/node_ids/{no}", "没有这个类别") for no, each in enumerate(node_ids) if each not in there]
    if errors:
        raise InvalidInput(errors=errors)


async def load_base_rules(session: WriteSession) -> int:
    """Add the sample rules whose codes are not there yet, as drafts of the topmost unit; answers how many.

    Drafts judge nothing: an office gives them categories, back-tests and activates what it wants, or retires it. None
    are added before there is a unit to keep them.
    """
    keeper = await session.scalar(select(Unit).where(Unit.managing_unit_id.is_(None)).order_by(Unit.number).limit(1))
    if keeper is None:
        return 0
    there = set(await session.scalars(select(QualityRule.code)))
    missing = [each for each in sample_rules() if each["code"] not in there]
    session.add_all(
        QualityRule(
            code=each["code"],
            no=1,
            name=each["name"] + SAMPLE_NOTE,
            message=each["message"],
            severity=Severity(each["severity"]),
            expression=expression_of(each["expression"]),
            node_ids=[],
            reach=Reach.REGION,
            source=each["source"],
            unit_id=keeper.id,
            unit_path=keeper.unit_path,
            region_path=keeper.region_path,
        )
        for each in missing
    )
    await session.flush()  # whoever seeds on reads them
    return len(missing)
