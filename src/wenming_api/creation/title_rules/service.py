"""Changes of title rules (L5)."""

from collections import Counter
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.queries import items_of
from wenming_api.creation.title_rules.rules import (
    RULE_STEPS,
    Item,
    RuleAction,
    TitleLevel,
    TitleRuleState,
    base_rules,
    publication_gaps,
)
from wenming_api.creation.title_rules.schemas import RuleItem, RuleVeto, TitleRuleCreate, TitleRuleUpdate
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_edited,
    check_judged,
)
from wenming_api.system.audit.service import record

_REQUIRED = ("name", "edition", "source", "note", "prerequisite", "items", "vetoes")


class TitleRuleCodeTaken(Conflict):
    """Another rule has this code."""

    code = "title_rule_code_taken"
    title = "评选标准代码已被使用"


class RuleIncomplete(Conflict):
    """The rule has gaps; `gaps` names them."""

    code = "title_rule_incomplete"
    title = "评选标准尚不完整"


class RuleFrozen(Conflict):
    """Only a draft can be changed."""

    code = "title_rule_frozen"
    title = "评选标准已发布"


def _stored_items(items: list[RuleItem]) -> list[dict[str, Any]]:
    return [Item(**item.model_dump()).to_json() for item in items]


def _check_codes(items: list[RuleItem] | None, vetoes: list[RuleVeto] | None) -> None:
    for name, rows in (("items", items), ("vetoes", vetoes)):
        twice = [code for code, count in Counter(row.code for row in rows or []).items() if count > 1]
        if twice:
            raise InvalidInput(errors=[FieldError(f"/{name}", f"编号重复：{'、'.join(twice)}")])


async def _locked(session: WriteSession, rule_id: UUID) -> TitleRule:
    found = await session.scalar(select(TitleRule).where(TitleRule.id == rule_id).with_for_update())
    if found is None:
        raise NotFound
    return found


async def create_rule(session: WriteSession, *, caller: Principal, new: TitleRuleCreate) -> TitleRule:
    """Add a rule as a draft; `TitleRuleCodeTaken`."""
    _check_codes(new.items, new.vetoes)
    if await session.scalar(select(TitleRule.id).where(TitleRule.code == new.code)):
        raise TitleRuleCodeTaken(f"代码“{new.code}”已被其他标准使用，请换一个。")
    values = new.model_dump(exclude={"items", "vetoes"})
    rule = TitleRule(
        **values, items=_stored_items(new.items), vetoes=[veto.model_dump() for veto in new.vetoes], sample=False
    )
    session.add(rule)
    await session.flush()  # a code taken at the same moment must answer before the audit entry is written
    await record(
        session,
        caller=caller,
        action="title_rules.create",
        target=("title_rule", rule.id),
        after=new.model_dump(mode="json"),
    )
    return rule


async def update_rule(
    session: WriteSession, *, caller: Principal, rule_id: UUID, version: int, changes: TitleRuleUpdate
) -> TitleRule:
    """Change a draft; `RuleFrozen` once it is published."""
    rule = await _locked(session, rule_id)
    check_edited(version, rule.version)
    if rule.state is not TitleRuleState.DRAFT:
        raise RuleFrozen(f"标准{rule.state.label}，不能再修改；请新增一份标准。")
    _check_codes(changes.items, changes.vetoes)
    given: dict[str, Any] = changes.model_dump(exclude_unset=True)
    given = {name: value for name, value in given.items() if value is not None or name not in _REQUIRED}
    if "items" in given:
        given["items"] = _stored_items(changes.items or [])
    before = {name: getattr(rule, name) for name in given}
    for name, value in given.items():
        setattr(rule, name, value)
    await session.flush()  # the answer carries the new version
    await record(
        session, caller=caller, action="title_rules.update", target=("title_rule", rule.id), before=before, after=given
    )
    return rule


async def advance_rule(
    session: WriteSession, *, caller: Principal, rule_id: UUID, action: RuleAction, judged: Transition
) -> TitleRule:
    """Publish or retire a rule; `RuleIncomplete` when it has gaps."""
    rule = await _locked(session, rule_id)
    check_judged(judged.version, rule.version)
    source, target = RULE_STEPS[action]
    if rule.state is not source:
        allowed = [each.value for each, (start, _) in RULE_STEPS.items() if start is rule.state]
        raise IllegalTransition(f"标准{rule.state.label}，不能进行此操作。", allowed=allowed)
    gaps = publication_gaps(items_of(rule), pass_score=rule.pass_score) if action is RuleAction.PUBLISH else []
    if gaps:
        raise RuleIncomplete("；".join(gaps) + "。", gaps=gaps)
    rule.state = target
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action=f"title_rules.{action}",
        target=("title_rule", rule.id),
        before={"state": source},
        after={"state": target},
        reason=judged.reason,
    )
    return rule


async def load_base_title_rules(session: WriteSession) -> int:
    """Add the sample rules delivered with the product that are not there yet, as drafts; answers how many."""
    now = clock.now()
    rows = [
        {
            "id": uuid7(),
            "code": rule.code,
            "kind": rule.kind,
            "name": rule.name,
            "edition": rule.edition,
            "source": rule.source,
            "note": rule.note,
            "prerequisite": TitleLevel.NONE,
            "items": [item.to_json() for item in rule.items],
            "vetoes": [{"code": veto.code, "text": veto.text} for veto in rule.vetoes],
            "sample": True,
            "state": TitleRuleState.DRAFT,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        }
        for rule in base_rules()
    ]
    added = await session.scalars(insert(TitleRule).values(rows).on_conflict_do_nothing().returning(TitleRule.id))
    return len(added.all())
