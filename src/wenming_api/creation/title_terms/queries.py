"""Reads of terms. A term is seen by whoever it is open to (its region holds his), and by whoever sees its region."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, func, literal, select
from sqlalchemy.sql import column, table

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.models import TitleRule
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_terms.models import TitleTerm
from wenming_api.creation.title_terms.rules import TermState, window_problem
from wenming_api.creation.title_terms.schemas import TermDetail, TermRow, TermSort
from wenming_api.kit import clock
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region

_LABELS = {"kind_label", "level_label", "state_label"}
_JOINED = {"region_name": Region.full_name, "rule_name": TitleRule.name}
_COLUMNS = [
    _JOINED[name].label(name) if name in _JOINED else getattr(TitleTerm, name)
    for name in TermRow.model_fields
    if name not in _LABELS
]
_SORTS = {"opens_on": TitleTerm.opens_on, "name": TitleTerm.name}


def today() -> date:
    """The day in Shanghai, by which windows open and close."""
    return clock.at_the_edge(clock.now()).date()


def visible(caller: Principal) -> ColumnElement[bool]:
    """Terms of regions that the caller sees, and published ones that are open to his own region."""
    open_to_him = and_(
        literal(caller.region_path, String).startswith(TitleTerm.region_path),
        TitleTerm.state != TermState.DRAFT,
    )
    return caller.scope.where(TitleTerm, also=(open_to_him,))


def _labels(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind_label": row["kind"].label, "level_label": row["level"].label, "state_label": row["state"].label}


def _seen(caller: Principal, *more: Any) -> Select[Any]:
    return (
        select(*_COLUMNS, *more)
        .join(Region, Region.id == TitleTerm.region_id)
        .join(TitleRule, TitleRule.id == TitleTerm.rule_id)
        .where(visible(caller))
    )


async def list_terms(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: TermSort = TermSort.NEWEST,
    kind: TitleKind | None = None,
    level: TitleLevel | None = None,
    state: TermState | None = None,
    open_on: date | None = None,
    q: str | None = None,
) -> Page[TermRow]:
    """Terms that match every filter given; `open_on`: those that take applications on that day. Two statements."""
    statement = _seen(caller)
    for its, value in ((TitleTerm.kind, kind), (TitleTerm.level, level), (TitleTerm.state, state)):
        if value is not None:
            statement = statement.where(its == value)
    if open_on is not None:
        statement = statement.where(
            TitleTerm.state == TermState.PUBLISHED, TitleTerm.opens_on <= open_on, TitleTerm.closes_on >= open_on
        )
    if q is not None:
        statement = statement.where(contains(TitleTerm.name, q))
    return await page(
        session, statement, params, sort=sort, columns=_SORTS, key=TitleTerm.id, into=TermRow, extra=_labels
    )


# Applications refer to terms, not the other way round: their table is named here only to be counted.
_APPLICATIONS = table("title_applications", column("term_id"), column("state"))


async def read_term(session: AnySession, *, caller: Principal, term_id: UUID) -> TermDetail:
    """One term with its counts and what the caller may do with it, in one statement; `NotFound`."""

    def counted(*states: str) -> Any:
        return (
            select(func.count())
            .select_from(_APPLICATIONS)
            .where(_APPLICATIONS.c.term_id == TitleTerm.id, _APPLICATIONS.c.state.in_(states))
            .correlate(TitleTerm)
            .scalar_subquery()
        )

    sent = ("recommending", "returned", "recommended", "evaluated", "named", "rejected", "revoked")
    found = await session.execute(
        _seen(
            caller,
            TitleTerm.note,
            TitleTerm.created_at,
            TitleTerm.updated_at,
            counted(*sent).label("applications"),
            counted("named", "revoked").label("named"),
        ).where(TitleTerm.id == term_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    state: TermState = row["state"]
    permitted = (caller.may(Permission.TITLE_RULES_MANAGE), f"需要“{Permission.TITLE_RULES_MANAGE.label}”权限")
    inside = (caller.scope.holds_region(row["region_path"]), "届别的区域不在您的数据范围内")
    window = window_problem(state, row["opens_on"], row["closes_on"], today())
    return TermDetail(
        **row,
        **_labels(row),
        closed_because=window,
        allowed_actions=[
            action("update", "修改", permitted, inside, (state is not TermState.CLOSED, "届别已结束")),
            action("publish", "发布", permitted, inside, (state is TermState.DRAFT, "只有草稿可以发布")),
            action("close", "结束", permitted, inside, (state is TermState.PUBLISHED, "只有已发布的届别可以结束")),
            action("reopen", "重新开放", permitted, inside, (state is TermState.CLOSED, "届别没有结束")),
            action(
                "apply",
                "申报",
                (caller.may(Permission.TITLES_APPLY), f"需要“{Permission.TITLES_APPLY.label}”权限"),
                (window is None, window or ""),
            ),
        ],
    )


async def find_term(session: AnySession, *, caller: Principal, term_id: UUID) -> TitleTerm | None:
    """The term when the caller sees it."""
    return await session.scalar(select(TitleTerm).where(TitleTerm.id == term_id, visible(caller)))
