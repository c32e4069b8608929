"""Documents (L3.1, L3.2): states of a long print, and cutting it into parts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

PART_WEIGHT = 40
"""About how many pages one part has: what a child process sets at once within its memory."""
CHARACTERS_PER_PAGE = 900
MAX_RECORDS = 2_000
"""Most records of one batch print by selection; a book may have more."""


class DocumentKind(StrEnum):
    """What is printed at once."""

    RECORDS = "records"
    BOOK = "book"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"records": "批量打印", "book": "台账册"}[self.value]


class DocumentState(StrEnum):
    """queued → rendering → merging → ready | failed | cancelled."""

    QUEUED = "queued"
    RENDERING = "rendering"
    MERGING = "merging"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "queued": "排队中",
            "rendering": "排版中",
            "merging": "合并中",
            "ready": "已完成",
            "failed": "失败",
            "cancelled": "已取消",
        }[self.value]


UNDER_WAY = frozenset({DocumentState.QUEUED, DocumentState.RENDERING, DocumentState.MERGING})
"""States from which a document may still be cancelled."""


class DocumentAction(StrEnum):
    """What may be done with a document."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"cancel": "取消", "retry": "继续", "delete": "删除"}[self.value]


def why_not(action: DocumentAction, state: DocumentState) -> str | None:
    """Why the state forbids the action; None when it does not."""
    if action is DocumentAction.CANCEL:
        return None if state in UNDER_WAY else f"文档{state.label}，不能取消"
    if action is DocumentAction.RETRY:
        return None if state is DocumentState.FAILED else "只有失败的文档可以继续"
    return "正在生成，请先取消" if state in UNDER_WAY else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A record version in a print: `headings` are the (text, level) that begin with it; `level` that of its own."""

    record_id: str
    version_no: int
    title: str
    level: int
    headings: tuple[tuple[str, int], ...]
    weight: int
    node_id: str | None = None
    submitted_at: str | None = None

    def as_json(self) -> dict[str, object]:
        """As stored with its part."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> "Entry":
        """What `as_json` stored."""
        values: dict[str, object] = dict(stored)
        headings: list[list[object]] = values["headings"]  # type: ignore[assignment]
        values["headings"] = tuple((str(text), int(str(level))) for text, level in headings)
        return cls(**values)  # type: ignore[arg-type]


def weight(*, text_length: int, photos: int) -> int:
    """About how many pages a record takes."""
    return 2 + photos + text_length // CHARACTERS_PER_PAGE


def parts(entries: Iterable[Entry], *, limit: int = PART_WEIGHT) -> list[list[Entry]]:
    """Entries in order, cut so that no part weighs more than `limit` unless a single entry does."""
    cut: list[list[Entry]] = []
    load = 0
    for entry in entries:
        if not cut or load + entry.weight > limit:
            cut.append([])
            load = 0
        cut[-1].append(entry)
        load += entry.weight
    return cut


def ancestors(path: str) -> list[str]:
    """The paths from the top down to this one, itself included (`1/1-2/` → `1/`, `1/1-2/`)."""
    codes = path.split("/")[:-1]
    return ["".join(f"{code}/" for code in codes[:depth]) for depth in range(1, len(codes) + 1)]
