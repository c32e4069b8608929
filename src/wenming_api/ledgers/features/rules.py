"""The typed feature vector that quality rules judge (L2.2), and how it is made of a record's content.

A rule looks at nothing but features, so that a phone, the server and one SQL statement over stored features say the
same. Counts, lengths and flags are counted here once, by the definitions in `docs/quality-rules.md`.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Characters with the Unicode property White_Space: what surrounds a text does not count."""

CAPTION_FIELDS: Final = ("time", "place", "people", "theme", "background", "reason")
"""时间、地点、人物、主题、背景、事由."""

LARGEST_COUNT: Final = 1_000_000
LARGEST_AMOUNT: Final = Decimal("1000000")
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2100, 12, 31)


class Kind(StrEnum):
    """What a feature is."""

    COUNT = "count"
    AMOUNT = "amount"
    DATE = "date"
    FLAG = "flag"
    CODE = "code"

    @property
    def sql(self) -> str:
        """The type of its column."""
        return {"count": "integer", "amount": "numeric(12,2)", "date": "date", "flag": "boolean", "code": "text"}[
            self.value
        ]


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature: its kind, what users call it, and the field of a record that it speaks of.

    `optional`: a record may lack it (None). `server_only`: only the server can know it; elsewhere it is None.
    """

    name: str
    kind: Kind
    label: str
    path: str
    optional: bool = False
    server_only: bool = False


_C, _F, _D = Kind.COUNT, Kind.FLAG, Kind.DATE
FEATURES: Final[Mapping[str, Feature]] = {
    each.name: each
    for each in (
        Feature("photos", _C, "照片数", "/photos"),
        Feature("photos_with_time", _C, "写明时间的照片数", "/photos"),
        Feature("photos_with_place", _C, "写明地点的照片数", "/photos"),
        Feature("photos_with_people", _C, "写明人物的照片数", "/photos"),
        Feature("photos_with_theme", _C, "写明主题的照片数", "/photos"),
        Feature("photos_with_background", _C, "写明背景的照片数", "/photos"),
        Feature("photos_with_reason", _C, "写明事由的照片数", "/photos"),
        Feature("photos_fully_captioned", _C, "六项说明齐全的照片数", "/photos"),
        Feature("photos_naming_unit", _C, "说明中写有单位名称的照片数", "/photos"),
        Feature("videos", _C, "视频数", "/videos"),
        Feature("attachments", _C, "附件数", "/attachments"),
        Feature("normative_documents", _C, "规范文件附件数", "/attachments"),
        Feature("statements", _C, "说明报告附件数", "/attachments"),
        Feature("tables", _C, "统计表格附件数", "/attachments"),
        Feature("other_attachments", _C, "其他附件数", "/attachments"),
        Feature("title_length", _C, "标题字数", "/title"),
        Feature("text_length", _C, "正文字数", "/text"),
        Feature("conclusion_length", _C, "结论性说明字数", "/conclusion"),
        Feature("underlines", _C, "划线段落数", "/underlines"),
        Feature("participants", _C, "参加人数", "/participant_count", optional=True),
        Feature("volunteer_hours", Kind.AMOUNT, "志愿服务时长（小时）", "/volunteer_hours", optional=True),
        Feature("happened_on", _D, "发生日期", "/happened_at", optional=True),
        Feature("period_start", _D, "时段起", "/period_start", optional=True),
        Feature("period_end", _D, "时段止", "/period_end", optional=True),
        Feature("saved_on", _D, "保存日期", ""),
        Feature("has_document_number", _F, "有文号", "/document_number"),
        Feature("document_number_well_formed", _F, "文号合规", "/document_number"),
        Feature("place_given", _F, "写明地点", "/place"),
        Feature("located", _F, "有坐标", "/longitude"),
        Feature("people_named", _F, "写明参加人员", "/participants"),
        Feature("unit_named_in_text", _F, "正文写有单位名称", "/text"),
        Feature("duplicate_photo", _F, "有重复照片", "/photos", optional=True, server_only=True),
        Feature("work_area", Kind.CODE, "工作领域", "/work_area_code", optional=True),
    )
}
"""Every feature that an expression may name."""

COLUMNS: Final[Mapping[str, tuple[str, bool]]] = {
    **{name: (each.kind.sql, each.optional) for name, each in FEATURES.items()},
    "category_codes": ("text[]", False),
    "category_ids": ("uuid[]", False),
    "unit_path": ("text", False),
    "region_path": ("text", False),
}
"""Columns that the table of stored features must have: name → (SQL type, nullable)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What rules know of one version of a record.

    Lengths are Unicode code points in NFC, without surrounding white space. `category_codes` and `category_ids` name
    the record's categories and everything above them. `volunteer_hours` has two decimals.
    """

    photos: int = 0
    photos_with_time: int = 0
    photos_with_place: int = 0
    photos_with_people: int = 0
    photos_with_theme: int = 0
    photos_with_background: int = 0
    photos_with_reason: int = 0
    photos_fully_captioned: int = 0
    photos_naming_unit: int = 0
    videos: int = 0
    attachments: int = 0
    normative_documents: int = 0
    statements: int = 0
    tables: int = 0
    other_attachments: int = 0
    title_length: int = 0
    text_length: int = 0
    conclusion_length: int = 0
    underlines: int = 0
    participants: int | None = None
    volunteer_hours: Decimal | None = None
    happened_on: date | None = None
    period_start: date | None = None
    period_end: date | None = None
    saved_on: date
    has_document_number: bool = False
    document_number_well_formed: bool = False
    place_given: bool = False
    located: bool = False
    people_named: bool = False
    unit_named_in_text: bool = False
    duplicate_photo: bool | None = None
    work_area: str | None = None
    category_codes: frozenset[str] = frozenset()
    category_ids: frozenset[UUID] = frozenset()
    unit_path: str = ""
    region_path: str = ""

    def row(self) -> dict[str, Any]:
        """The columns of `COLUMNS`, as PostgreSQL takes them."""
        values: dict[str, Any] = {name: getattr(self, name) for name in COLUMNS}
        return values | {
            "category_codes": sorted(self.category_codes),
            "category_ids": sorted(self.category_ids),
        }

    def document(self) -> dict[str, Any]:
        """As JSON; what an empty record would have is left out."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: _plain(value)
            for name, value in given.items()
            if name == "saved_on"
            or value not in (None, False, 0, "", frozenset())
            # 0 people and 0 hours differ from none given
            or (value is not None and name in FEATURES and FEATURES[name].optional)
        }


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(str(each) for each in value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else value


class MalformedFeatures(ValueError):
    """Features as JSON that are not what they should be: `pointer` and Chinese `message` of each fault."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("；".join(message for _, message in faults))
        self.faults = faults


def features_from(document: Mapping[str, Any]) -> Features:
    """Features from JSON, as `Features.document` writes them; `MalformedFeatures`."""
    values: dict[str, Any] = {}
    faults: list[tuple[str, str]] = []
    for name, value in document.items():
        if name not in COLUMNS:
            faults.append(("/" + str(name)[:60], "没有这项特征"))
            continue
        try:
            values[name] = _read(name, value)
        except (ValueError, InvalidOperation) as wrong:
            faults.append((f"/{name}", str(wrong)))
    if "saved_on" not in document:
        faults.append(("/saved_on", "须给出保存日期"))
    if faults:
        raise MalformedFeatures(faults)
    return Features(**values)


def _read(name: str, value: Any) -> Any:
    if name in ("unit_path", "region_path"):
        return checked_text(value, 400)
    if name in ("category_codes", "category_ids"):
        if not isinstance(value, list) or len(value) > 500:
            raise ValueError("应为不超过 500 项的数组")
        return frozenset(checked_text(each) if name == "category_codes" else checked_id(each) for each in value)
    feature = FEATURES[name]
    if value is None and feature.optional:
        return None
    match feature.kind:
        case Kind.COUNT:
            return checked_count(value)
        case Kind.AMOUNT:
            return checked_amount(value)
        case Kind.DATE:
            return checked_day(value)
        case Kind.FLAG:
            if not isinstance(value, bool):
                raise ValueError("应为 true 或 false")
            return value
        case Kind.CODE:
            return checked_text(value)


def checked_count(value: Any) -> int:
    """A whole number from 0 to `LARGEST_COUNT`; `ValueError` in Chinese, as all of these."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_COUNT:
        raise ValueError(f"应为 0 至 {LARGEST_COUNT} 的整数")
    return value


def checked_amount(value: Any) -> Decimal:
    """An exact decimal of at most two places: a whole number, or a string such as "2.5"."""
    wrong = ValueError('应为不超过两位小数的非负数，写作字符串，例如 "2.5"')
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or len(text) > 12 or not text.isascii():
        raise wrong
    whole, point, places = text.partition(".")
    if not whole.isdigit() or (point and not (places.isdigit() and len(places) <= 2)):
        raise wrong
    amount = Decimal(text)
    if amount > LARGEST_AMOUNT:
        raise wrong
    return amount


def checked_day(value: Any) -> date:
    """A day from 1900 to 2100, written 2026-03-01."""
    wrong = ValueError("应为 1900 至 2100 年间的日期，例如 2026-03-01")
    if not isinstance(value, str) or len(value) != 10 or not value.isascii():
        raise wrong
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise wrong from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise wrong
    return day


def checked_text(value: Any, longest: int = 64) -> str:
    """Text of one line without control characters."""
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"应为不超过 {longest} 个字符的文字")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise ValueError("含有不可见的控制字符")
    return value


def checked_id(value: Any) -> UUID:
    """A UUID as text."""
    try:
        return UUID(checked_text(value))
    except ValueError:
        raise ValueError("应为 UUID") from None


def trimmed(text: str | None) -> str:
    """The text in NFC, without surrounding white space."""
    return unicodedata.normalize("NFC", text or "").strip(WHITE_SPACE)


def is_document_number(text: str | None) -> bool:
    """Whether a text has the form of an official document number (发文字号, GB/T 9704-2012 7.2.5).

    Agency code of 1–20 Chinese or Latin letters, year of four digits in 〔〕, number without leading zeros, 号:
    文明办〔2026〕12号. Spaces inside, other brackets and 第 are not well-formed.
    """
    agency, _, rest = trimmed(text).partition("〔")
    year, closed, number = rest.partition("〕")
    digits = number.removesuffix("号")
    return (
        0 < len(agency) <= 20
        and all("\u4e00" <= each <= "\u9fff" or "a" <= each.lower() <= "z" for each in agency)
        and closed == "〕"
        and len(year) == 4
        and year[:2] in ("19", "20")
        and _plain_digits(year)
        and digits != number
        and 0 < len(digits) <= 6
        and digits[0] != "0"
        and _plain_digits(digits)
    )


def _plain_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def features_of(
    *,
    title: str,
    text: str,
    captions: Iterable[Mapping[str, str | None]],
    saved_on: date,
    unit_names: Iterable[str | None],
    category_codes: Iterable[str],
    category_ids: Iterable[UUID],
    unit_path: str,
    region_path: str,
    videos: int = 0,
    attachment_kinds: Iterable[str] = (),
    conclusion: str | None = None,
    underlines: int = 0,
    participants: str | None = None,
    participant_count: int | None = None,
    volunteer_hours: Decimal | None = None,
    happened_on: date | None = None,
    period_start: date | None = None,
    period_end: date | None = None,
    document_number: str | None = None,
    place: str | None = None,
    longitude: Decimal | None = None,
    latitude: Decimal | None = None,
    work_area: str | None = None,
    duplicate_photo: bool | None = None,
) -> Features:
    """The features of a record's content.

    `captions` are those of all photos, in any order, by `CAPTION_FIELDS`; `attachment_kinds` the kind of each
    attachment (normative_document, statement, table, other); `unit_names` the unit's name and short name;
    `category_codes` and `category_ids` those of the categories and of all categories above them.
    """
    photos = [{name: trimmed(caption.get(name)) for name in CAPTION_FIELDS} for caption in captions]
    kinds = list(attachment_kinds)
    names = [name for name in map(trimmed, unit_names) if name]
    body = trimmed(text)
    number = trimmed(document_number)

    def named(within: str) -> bool:
        return any(name in within for name in names)

    return Features(
        photos=len(photos),
        **{f"photos_with_{name}": sum(1 for photo in photos if photo[name]) for name in CAPTION_FIELDS},
        photos_fully_captioned=sum(1 for photo in photos if all(photo.values())),
        photos_naming_unit=sum(1 for photo in photos if any(named(each) for each in photo.values())),
        videos=videos,
        attachments=len(kinds),
        normative_documents=kinds.count("normative_document"),
        statements=kinds.count("statement"),
        tables=kinds.count("table"),
        other_attachments=len(kinds) - sum(kinds.count(kind) for kind in ("normative_document", "statement", "table")),
        title_length=len(trimmed(title)),
        text_length=len(body),
        conclusion_length=len(trimmed(conclusion)),
        underlines=underlines,
        participants=participant_count,
        volunteer_hours=volunteer_hours,
        happened_on=happened_on,
        period_start=period_start,
        period_end=period_end,
        saved_on=saved_on,
        has_document_number=bool(number),
        document_number_well_formed=is_document_number(number),
        place_given=bool(trimmed(place)),
        located=longitude is not None and latitude is not None,
        people_named=bool(trimmed(participants)),
        unit_named_in_text=named(body),
        duplicate_photo=duplicate_photo,
        work_area=work_area or None,
        category_codes=frozenset(category_codes),
        category_ids=frozenset(category_ids),
        unit_path=unit_path,
        region_path=region_path,
    )
