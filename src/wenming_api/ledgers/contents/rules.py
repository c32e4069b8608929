"""Contents of records (L1.1–L1.3): parts, limits, what changed from one to another, how they are searched. Pure."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

WORK_AREAS: Final = "work_area"
"""The dictionary of work areas (S4.6)."""

MAX_CATEGORIES: Final = 20
MAX_PHOTOS: Final = 60
MAX_VIDEOS: Final = 10
MAX_ATTACHMENTS: Final = 30
MAX_UNDERLINES: Final = 200
MIN_WORD: Final = 2
"""Fewest characters of a word that is searched for."""


class FileUse(StrEnum):
    """As what a version shows a file."""

    PHOTO = "photo"
    VIDEO = "video"
    COVER = "cover"
    ATTACHMENT = "attachment"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"photo": "照片", "video": "视频", "cover": "视频封面", "attachment": "附件"}[self.value]


class AttachmentKind(StrEnum):
    """What an attachment is, in the words of the notices for online declaration (网上申报)."""

    NORMATIVE_DOCUMENT = "normative_document"
    STATEMENT = "statement"
    TABLE = "table"
    OTHER = "other"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "normative_document": "规范文件",
            "statement": "说明报告",
            "table": "统计表格",
            "other": "其他",
        }[self.value]


LABELS: Final[Mapping[str, str]] = {
    "title": "标题",
    "text": "正文",
    "node_ids": "分类",
    "work_area_code": "工作领域",
    "happened_at": "开始时间",
    "ended_at": "结束时间",
    "period_start": "所属期起",
    "period_end": "所属期止",
    "place": "地点",
    "longitude": "经度",
    "latitude": "纬度",
    "participants": "参加人员",
    "participant_count": "参加人数",
    "photos": "照片",
    "videos": "视频",
    "attachments": "附件",
    "document_number": "文号",
    "volunteer_hours": "志愿服务时长",
    "conclusion": "结论性说明",
    "underlines": "标注文字",
}
"""The fields of a content, in the order of the form."""

CAPTION_LABELS: Final[Mapping[str, str]] = {
    "time": "时间",
    "place": "地点",
    "people": "人物",
    "theme": "主题",
    "background": "背景",
    "reason": "事由",
}
"""The six parts of a photo's caption, as the notices demand them."""

_KEYED: Final = {"photos": "file_id", "attachments": "file_id"}
"""Lists whose items are known by an id, so that a moved item is not a changed one."""
_PARTS: Final[Mapping[str, str]] = {**CAPTION_LABELS, "name": "名称", "kind": "种类", "title": "标题"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One difference: where (a JSON pointer), what a user calls it, and the values; None where there was nothing."""

    path: str
    label: str
    before: Any
    after: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    """What changed from one content to another, field by field, both as JSON.

    Photos and attachments are compared item by item (`/photos/<file id>/caption/theme`); when their order changed, one
    more entry (`/photos`) holds the ids in order. Other lists are compared whole.
    """
    found: list[FieldChange] = []
    names = [*LABELS, *sorted((old.keys() | new.keys()) - LABELS.keys())]
    for name in names:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        label = LABELS.get(name, name)
        if name in _KEYED and _by_id(name, before) is not None and _by_id(name, after) is not None:
            found += _items(name, label, before or [], after or [])
        else:
            found.append(FieldChange(f"/{name}", label, before, after))
    return found


def _by_id(name: str, items: Any) -> dict[str, Any] | None:
    """The items by their id; None when two have the same one, so that only the whole list can be compared."""
    key = _KEYED[name]
    found = {str(item[key]): item for item in items or []}
    return found if len(found) == len(items or []) else None


def _items(name: str, label: str, before: list[Any], after: list[Any]) -> list[FieldChange]:
    key, found = _KEYED[name], []
    old, new = _by_id(name, before) or {}, _by_id(name, after) or {}
    for item_id in [*old, *(each for each in new if each not in old)]:
        path = f"/{name}/{item_id}"
        place = f"{label}{1 + list(new if item_id in new else old).index(item_id)}"
        if item_id not in old or item_id not in new:
            found.append(FieldChange(path, place, old.get(item_id), new.get(item_id)))
        else:
            found += _parts(path, place, old[item_id], new[item_id], skip=key)
    kept_before = [str(item[key]) for item in before if str(item[key]) in new]
    kept_after = [str(item[key]) for item in after]
    if kept_before != [each for each in kept_after if each in old] or kept_after[: len(kept_before)] != kept_before:
        found.append(FieldChange(f"/{name}", f"{label}的顺序", [str(item[key]) for item in before], kept_after))
    return found


def _parts(path: str, place: str, old: Mapping[str, Any], new: Mapping[str, Any], *, skip: str) -> list[FieldChange]:
    found: list[FieldChange] = []
    for name in [*old, *(each for each in new if each not in old)]:
        before, after = old.get(name), new.get(name)
        if name == skip or before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += _parts(f"{path}/{name}", place, before, after, skip="")
        else:
            found.append(FieldChange(f"{path}/{name}", f"{place}·{_PARTS.get(name, name)}", before, after))
    return found


def apply(changes: list[FieldChange], old: Mapping[str, Any]) -> dict[str, Any]:
    """The content that `changes`, made by `differences(old, …)`, lead to: nothing is lost in them."""
    result: dict[str, Any] = dict(old)
    orders: dict[str, list[str]] = {}
    for change in changes:
        name, *rest = change.path.removeprefix("/").split("/")
        if not rest:
            if name in _KEYED and change.label.endswith("的顺序"):
                orders[name] = change.after
            else:
                result[name] = change.after
            continue
        items = {str(item[_KEYED[name]]): item for item in result.get(name) or []}
        items = _applied(items, rest, change.after)
        result[name] = list(items.values())
    for name, order in orders.items():
        items = {str(item[_KEYED[name]]): item for item in result[name]}
        result[name] = [items[each] for each in order]
    return result


def _applied(holder: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    changed = dict(holder)
    if rest:
        changed[first] = _applied(changed[first], rest, value)
    elif value is None and first not in _PARTS:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


@dataclass(frozen=True, slots=True)
class FieldMerge:
    """A field that somebody else, or you, or both have changed since a common base."""

    path: str
    label: str
    base: Any
    theirs: Any
    yours: Any
    conflict: bool


def three_way(base: Mapping[str, Any], theirs: Mapping[str, Any], yours: Mapping[str, Any]) -> list[FieldMerge]:
    """What both sides did since `base`; a conflict is where both changed the same place, or one inside the other, and
    not to the same."""
    there = {change.path: change for change in differences(base, theirs)}
    here = {change.path: change for change in differences(base, yours)}
    merged = []
    for path in [*there, *(each for each in here if each not in there)]:
        other, own = there.get(path), here.get(path)
        before = (other or own).before  # type: ignore[union-attr]
        if other and own:
            conflict = other.after != own.after
        else:
            conflict = any(_overlap(path, each) for each in (here if other else there))
        merged.append(
            FieldMerge(
                path=path,
                label=(other or own).label,  # type: ignore[union-attr]
                base=before,
                theirs=other.after if other else before,
                yours=own.after if own else before,
                conflict=conflict,
            )
        )
    return merged


def _overlap(path: str, other: str) -> bool:
    return path.startswith(f"{other}/") or other.startswith(f"{path}/")


def searchable(text: str) -> str:
    """Text as it is searched: NFKC, without letter case, every run of white space one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def bigrams(text: str) -> list[str]:
    """Every two neighbouring characters inside the words of a `searchable` text, sorted, each once."""
    found = {word[at : at + 2] for line in text.split("\n") for word in line.split() for at in range(len(word) - 1)}
    return sorted(found)


class SearchTooShort(ValueError):
    """A word of one character, which no index can find."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search looks for: `query` for the index (a tsquery), and the words that have to be looked for in the
    text itself, because neighbouring characters alone do not make them."""

    query: str
    words: tuple[str, ...]


def wanted(text: str) -> Wanted:
    """What to look for when a user types `text`: all words, each of two characters or more.

    Raises:
        SearchTooShort: with the Chinese reason.
    """
    words = list(dict.fromkeys(searchable(text).split()))
    short = [word for word in words if len(word) < MIN_WORD]
    if short or not words:
        raise SearchTooShort(f"“{short[0] if short else text}”太短，请输入两个字以上的词")
    lexemes = sorted({pair for word in words for pair in bigrams(word)})
    return Wanted(" & ".join(map(_quoted, lexemes)), tuple(word for word in words if len(word) > MIN_WORD))


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def search_text(content: Mapping[str, Any]) -> str:
    """The text that a search looks into, one `searchable` line for each field."""
    captions = [part for photo in content.get("photos", ()) for part in photo["caption"].values()]
    names = [each["name"] for each in content.get("attachments", ())]
    titles = [each["title"] for each in content.get("videos", ())]
    fields = ("title", "text", "place", "participants", "document_number", "conclusion")
    lines = [content.get(name) for name in fields] + names + titles + captions
    return "\n".join(dict.fromkeys(filter(None, (searchable(line) for line in lines if line))))
