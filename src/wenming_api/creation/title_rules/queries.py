"""Reads of title rules. They belong to the whole city and are not scoped."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.rules import Item, TitleKind, TitleRuleState, Veto, publication_gaps
from wenming_api.creation.title_rules.schemas import TitleRuleDetail, TitleRuleRow, TitleRuleSort
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound

_COLUMNS = [getattr(TitleRule, name) for name in TitleRuleRow.model_fields if name not in {"kind_label", "state_label"}]
_SORTS = {"code": TitleRule.code, "name": TitleRule.name, "created_at": TitleRule.created_at}


def items_of(rule: TitleRule) -> list[Item]:
    """The items of a rule."""
    return [Item.from_json(row) for row in rule.items]


def vetoes_of(rule: TitleRule) -> list[Veto]:
    """The vetoes of a rule."""
    return [Veto(**row) for row in rule.vetoes]


def _labels(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind_label": row["kind"].label, "state_label": row["state"].label}


async def list_rules(
    session: AnySession,
    *,
    params: PageParams,
    sort: TitleRuleSort = TitleRuleSort.CODE,
    kind: TitleKind | None = None,
    state: TitleRuleState | None = None,
    q: str | None = None,
) -> Page[TitleRuleRow]:
    """Rules that match every filter given, in two statements."""
    statement = select(*_COLUMNS)
    if kind is not None:
        statement = statement.where(TitleRule.kind == kind)
    if state is not None:
        statement = statement.where(TitleRule.state == state)
    if q is not None:
        statement = statement.where(or_(contains(TitleRule.name, q), contains(TitleRule.code, q)))
    return await page(
        session, statement, params, sort=sort, columns=_SORTS, key=TitleRule.id, into=TitleRuleRow, extra=_labels
    )


async def find_rule(session: AnySession, rule_id: UUID) -> TitleRule:
    """The rule; `NotFound`."""
    found = await session.scalar(select(TitleRule).where(TitleRule.id == rule_id))
    if found is None:
        raise NotFound
    return found


async def read_rule(session: AnySession, *, caller: Principal, rule_id: UUID) -> TitleRuleDetail:
    """One rule with what the caller may do with it, in one statement; `NotFound`."""
    rule = await find_rule(session, rule_id)
    items = items_of(rule)
    gaps = publication_gaps(items, pass_score=rule.pass_score)
    permitted = (caller.may(Permission.TITLE_RULES_MANAGE), f"需要“{Permission.TITLE_RULES_MANAGE.label}”权限")
    draft = (rule.state is TitleRuleState.DRAFT, f"标准{rule.state.label}，不能再修改")
    plain = {name: getattr(rule, name) for name in TitleRuleRow.model_fields if not name.endswith("_label")}
    return TitleRuleDetail(
        **plain,
        kind_label=rule.kind.label,
        state_label=rule.state.label,
        source=rule.source,
        note=rule.note,
        items=items,
        vetoes=vetoes_of(rule),
        maximum=sum((item.points for item in items if item.points is not None), start=Decimal(0)),
        gaps=gaps if rule.state is TitleRuleState.DRAFT else [],
        created_at=rule.created_at,
        updated_at=rule.updated_at,
        allowed_actions=[
            action("update", "修改", permitted, draft),
            action("publish", "发布", permitted, draft, (not gaps, "；".join(gaps))),
            action("retire", "停用", permitted, (rule.state is TitleRuleState.PUBLISHED, "只有已发布的标准可以停用")),
        ],
    )
