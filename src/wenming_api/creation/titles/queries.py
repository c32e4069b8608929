"""Reads of titles: the honour list (荣誉榜) and the history of a holder."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.creation.title_families.models import TitleFamily
from wenming_api.creation.title_families.queries import shown
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.title_terms.models import TitleTerm
from wenming_api.creation.titles.models import TitleEvent
from wenming_api.creation.titles.rules import Event, TitleCause
from wenming_api.creation.titles.schemas import HolderHistory, HonourSort, TitleEventOut
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.units.models import Unit

_later = aliased(TitleEvent)
_UNTIL = (
    select(func.min(_later.from_on))
    .where(_later.holder_id == TitleEvent.holder_id, _later.kind == TitleEvent.kind, _later.no == TitleEvent.no + 1)
    .correlate(TitleEvent)
    .scalar_subquery()
)
_COLUMNS = (
    *(getattr(TitleEvent, name) for name in TitleEventOut.model_fields if hasattr(TitleEvent, name)),
    TitleEvent.family_id,
    Unit.name.label("unit_name"),
    TitleTerm.name.label("term_name"),
    TitleFamily.name,
    TitleFamily.address,
    TitleFamily.owner_id,
    _UNTIL.label("until_on"),
)
_SORTS = {"from_on": TitleEvent.from_on, "unit_name": Unit.name}


def _seen(caller: Principal) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(Unit, Unit.id == TitleEvent.unit_id)
        .join(TitleTerm, TitleTerm.id == TitleEvent.term_id)
        .outerjoin(TitleFamily, TitleFamily.id == TitleEvent.family_id)
        .where(caller.scope.where(TitleEvent))
    )


def _more(row: Mapping[str, Any], caller: Principal) -> dict[str, Any]:
    return {
        "kind_label": row["kind"].label,
        "level_label": row["level"].label,
        "cause_label": row["cause"].label,
        "holder_name": row["unit_name"] if row["family_id"] is None else shown(row, caller)["name"],
    }


async def list_honours(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: HonourSort = HonourSort.NEWEST,
    term_id: UUID | None = None,
    kind: TitleKind | None = None,
    level: TitleLevel | None = None,
    under: str | None = None,
    unit_id: UUID | None = None,
    year: int | None = None,
    in_force: bool | None = None,
    q: str | None = None,
) -> Page[TitleEventOut]:
    """Namings that match every filter given; `in_force`: neither raised, renewed nor revoked since. Two statements.

    `q` looks for units; families are not searched by name, which would see through masks.
    """
    statement = _seen(caller).where(TitleEvent.cause == TitleCause.NAMED)
    for column, value in (
        (TitleEvent.term_id, term_id),
        (TitleEvent.kind, kind),
        (TitleEvent.level, level),
        (TitleEvent.unit_id, unit_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if under is not None:
        statement = statement.where(TitleEvent.region_path.startswith(under, autoescape=True))
    if year is not None:
        statement = statement.where(TitleEvent.from_on >= date(year, 1, 1), TitleEvent.from_on <= date(year, 12, 31))
    if in_force is not None:
        statement = statement.where(_UNTIL.is_(None) if in_force else _UNTIL.is_not(None))
    if q is not None:
        statement = statement.where(contains(Unit.name, q))
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns=_SORTS,
        key=TitleEvent.id,
        into=TitleEventOut,
        extra=lambda row: _more(row, caller),
    )


async def read_history(session: AnySession, *, caller: Principal, holder_id: UUID) -> HolderHistory:
    """Every change of a holder's level, newest first, in one statement; `NotFound` when there is none to see."""
    order = (TitleEvent.from_on.desc(), TitleEvent.kind, TitleEvent.no.desc())
    found = await session.execute(_seen(caller).where(TitleEvent.holder_id == holder_id).order_by(*order))
    events = [TitleEventOut.model_validate({**row, **_more(row, caller)}) for row in found.mappings()]
    if not events:
        raise NotFound("没有称号记录，或不在您的数据范围内。")
    held = [event.level for event in events if event.until_on is None]
    level = max(held, key=lambda each: each.rank)
    return HolderHistory(
        holder_id=holder_id,
        holder_name=events[0].holder_name,
        level=level,
        level_label=level.label,
        events=events,
    )


async def events_of(session: AnySession, *, holder_id: UUID, kind: TitleKind) -> list[Event]:
    """The chain of a holder in a kind, oldest first, in one statement."""
    found = await session.execute(
        select(TitleEvent.no, TitleEvent.level, TitleEvent.from_on, TitleEvent.application_id)
        .where(TitleEvent.holder_id == holder_id, TitleEvent.kind == kind)
        .order_by(TitleEvent.no)
    )
    return [Event(*row) for row in found]


async def highest_level(session: AnySession, *, unit_id: UUID) -> TitleLevel:
    """The highest level that a unit itself holds now, whatever the kind; its families do not count."""
    rank = case({level.value: level.rank for level in TitleLevel}, value=TitleEvent.level, else_=0)
    found = await session.scalar(
        select(TitleEvent.level)
        .where(TitleEvent.holder_id == unit_id, TitleEvent.family_id.is_(None), _UNTIL.is_(None))
        .order_by(rank.desc())
        .limit(1)
    )
    return found or TitleLevel.NONE
