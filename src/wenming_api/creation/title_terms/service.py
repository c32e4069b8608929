"""Changes of terms (L5)."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel, TitleRuleState
from wenming_api.creation.title_terms.models import TitleTerm
from wenming_api.creation.title_terms.rules import TERM_LABELS, TERM_STEPS, TermAction, TermState, allowed_from
from wenming_api.creation.title_terms.schemas import TermCreate, TermUpdate
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
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
from wenming_api.system.regions.models import Region

_WHEN_PUBLISHED = {"opens_on", "closes_on", "note"}


class TermExists(Conflict):
    """The region has a term with this kind, level and number."""

    code = "title_term_exists"
    title = "该届别已存在"


async def _check_rule(session: WriteSession, rule_id: UUID, kind: TitleKind) -> None:
    rule = await session.get(TitleRule, rule_id)
    if rule is None or rule.state is not TitleRuleState.PUBLISHED or rule.kind is not kind:
        raise InvalidInput(errors=[FieldError("/rule_id", f"须是已发布的“{kind.label}”评选标准")])


async def create_term(session: WriteSession, *, caller: Principal, new: TermCreate) -> TitleTerm:
    """Add a term as a draft, in a region of the caller's scope; `TermExists`."""
    region = await session.get(Region, new.region_id)
    if region is None or not region.active or not caller.scope.holds_region(region.path):
        raise InvalidInput(errors=[FieldError("/region_id", "区域不存在、已停用，或不在您的数据范围内")])
    if new.level is TitleLevel.NONE:
        raise InvalidInput(errors=[FieldError("/level", "请选择命名的级别")])
    if new.closes_on < new.opens_on:
        raise InvalidInput(errors=[FieldError("/closes_on", "截止日不能早于开始日")])
    await _check_rule(session, new.rule_id, new.kind)
    taken = await session.scalar(
        select(TitleTerm.id).where(
            TitleTerm.region_id == region.id,
            TitleTerm.kind == new.kind,
            TitleTerm.level == new.level,
            TitleTerm.no == new.no,
        )
    )
    if taken:
        raise TermExists(f"该区域已有第 {new.no} 届{new.level.label}{new.kind.label}。")
    term = TitleTerm(**new.model_dump(), region_path=region.path)
    session.add(term)
    await session.flush()  # a term made at the same moment must answer before the audit entry is written
    await record(
        session,
        caller=caller,
        action="title_terms.create",
        target=("title_term", term.id),
        after=new.model_dump(mode="json"),
    )
    return term


async def _locked(session: WriteSession, term_id: UUID, caller: Principal) -> TitleTerm:
    found = await session.scalar(
        select(TitleTerm).where(TitleTerm.id == term_id, caller.scope.where(TitleTerm)).with_for_update()
    )
    if found is None:
        raise NotFound
    return found


async def update_term(
    session: WriteSession, *, caller: Principal, term_id: UUID, version: int, changes: TermUpdate
) -> TitleTerm:
    """Change a draft; of a published term only its window and note."""
    term = await _locked(session, term_id, caller)
    check_edited(version, term.version)
    if term.state is TermState.CLOSED:
        raise IllegalTransition("届别已结束，不能修改；请先重新开放。", allowed=allowed_from(term.state))
    given: dict[str, Any] = {
        name: value for name, value in changes.model_dump(exclude_unset=True).items() if value is not None
    }
    fixed = [FieldError(f"/{name}", "已发布的届别不能修改此项") for name in given if name not in _WHEN_PUBLISHED]
    if term.state is TermState.PUBLISHED and fixed:
        raise InvalidInput(errors=fixed)
    if "rule_id" in given:
        await _check_rule(session, given["rule_id"], term.kind)
    before = {name: getattr(term, name) for name in given}
    for name, value in given.items():
        setattr(term, name, value)
    if term.closes_on < term.opens_on:
        raise InvalidInput(errors=[FieldError("/closes_on", "截止日不能早于开始日")])
    await session.flush()  # the answer carries the new version
    await record(
        session, caller=caller, action="title_terms.update", target=("title_term", term.id), before=before, after=given
    )
    return term


async def advance_term(
    session: WriteSession, *, caller: Principal, term_id: UUID, action: TermAction, judged: Transition
) -> TitleTerm:
    """Publish, close or open a term again."""
    term = await _locked(session, term_id, caller)
    check_judged(judged.version, term.version)
    source, target = TERM_STEPS[action]
    if term.state is not source:
        raise IllegalTransition(
            f"届别{term.state.label}，不能{TERM_LABELS[action]}。", allowed=allowed_from(term.state)
        )
    if action is TermAction.PUBLISH:
        await _check_rule(session, term.rule_id, term.kind)
    term.state = target
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action=f"title_terms.{action}",
        target=("title_term", term.id),
        before={"state": source},
        after={"state": target},
        reason=judged.reason,
    )
    return term
