"""States of a screening and the area that it looks at (L4.1)."""

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

NAMED = 5
"""So many records a message to their owner names."""


class ScreeningState(StrEnum):
    """How far a screening has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"queued": "排队中", "running": "筛查中", "done": "已完成", "failed": "未能完成"}[self.value]


UNDER_WAY = (ScreeningState.QUEUED, ScreeningState.RUNNING)


class ScreeningAction(StrEnum):
    """What its asker can do with a screening."""

    ALERT = "alert"
    DELETE = "delete"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"alert": "提醒填报人", "delete": "删除"}[self.value]


def why_not(action: ScreeningAction, state: ScreeningState, *, alerted: bool) -> str | None:
    """Why the state forbids the action; None when it does not. A screening is deleted in any state: it stops."""
    if action is ScreeningAction.DELETE:
        return None
    if state is not ScreeningState.DONE:
        return f"筛查{state.label}，完成后才能提醒"
    return "已经提醒过" if alerted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Which records a screening looks at: the asker's scope, as it was, and the filters that he gave, as paths."""

    all_rows: bool = False
    user_id: UUID | None = None
    region_prefixes: tuple[str, ...] = ()
    unit_prefixes: tuple[str, ...] = ()
    unit_paths: tuple[str, ...] = ()
    unit_path: str | None = None
    region_path: str | None = None
    node_id: UUID | None = None
    happened_from: date | None = None
    happened_to: date | None = None

    def document(self) -> dict[str, Any]:
        """As stored with the screening."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}


def area_from(document: dict[str, Any]) -> Area:
    """What `Area.document` wrote."""
    given = dict(document)
    for name in ("user_id", "node_id"):
        given[name] = UUID(given[name]) if given[name] else None
    for name in ("happened_from", "happened_to"):
        given[name] = date.fromisoformat(given[name]) if given[name] else None
    for name in ("region_prefixes", "unit_prefixes", "unit_paths"):
        given[name] = tuple(given[name])
    return Area(**given)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def alert_words(titles: list[str], records: int) -> str:
    """What the owner of flagged records is told."""
    named = "、".join(f"《{title}》" for title in titles[:NAMED])
    more = f"等 {records} 条" if records > len(titles[:NAMED]) else f"共 {records} 条"
    return f"{named}{more}台账记录不符合质控标准，请打开记录查看问题并补正。"
