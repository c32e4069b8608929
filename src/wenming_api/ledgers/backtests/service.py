"""Back-testing a rule before it may be activated (L2.2)."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Judged
from wenming_api.kit.problems import check_judged
from wenming_api.ledgers.backtests.queries import back_test
from wenming_api.ledgers.quality.models import QualityRule
from wenming_api.ledgers.quality.queries import as_rule
from wenming_api.ledgers.quality.rules import RuleState
from wenming_api.ledgers.quality.service import check_step, lock_rule
from wenming_api.system.audit.service import record


async def test_rule(session: WriteSession, *, caller: Principal, rule_id: UUID, judged: Judged) -> QualityRule:
    """Judge the records of the caller's scope by the rule, and keep the counts with it.

    Only records that the rule concerns count. Raises `VersionMoved`, `IllegalTransition`.
    """
    rule = await lock_rule(session, caller=caller, rule_id=rule_id)
    check_judged(judged.version, rule.version)
    check_step(rule, "test")
    active = await session.scalar(
        select(QualityRule).where(QualityRule.code == rule.code, QualityRule.state == RuleState.ACTIVE)
    )
    report = await back_test(
        session, rule=as_rule(rule), active=as_rule(active) if active else None, scope=caller.scope
    )
    before = rule.state
    rule.state, rule.tested_at, rule.test_report = RuleState.TESTED, clock.now(), report
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="quality_rules.test",
        target=("quality_rule", rule.id),
        before={"state": before},
        after={"state": rule.state, "records": report["records"], "failing": report["failing"]},
    )
    return rule
