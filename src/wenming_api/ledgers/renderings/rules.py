"""What a record says, as the fields of a form (L2.3, L3.1). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from wenming_api.ledgers.contents.rules import AttachmentKind
from wenming_api.ledgers.layouts.rules import Facts, FormField, PhotoFacts

_SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a form shows besides the content: names behind ids, and whose record it is.

    `categories` are (code, full name) in the order of the content.
    """

    number: int
    version_no: int
    unit_name: str
    author: str
    categories: Sequence[tuple[str, str]]
    work_area: str
    submitted_at: datetime | None = None


def facts_of(content: Mapping[str, Any], around: Surroundings, photos: Sequence[PhotoFacts]) -> Facts:
    """The fields of a form from a content (as JSON) and what surrounds it."""
    values = {
        FormField.TITLE: content["title"],
        FormField.TEXT: content.get("text") or "",
        FormField.CATEGORIES: "\n".join(name for _, name in around.categories),
        FormField.CATEGORY_CODES: "；".join(code for code, _ in around.categories),
        FormField.WORK_AREA: around.work_area,
        FormField.HAPPENED: _span(_moment(content.get("happened_at")), _moment(content.get("ended_at"))),
        FormField.PERIOD: _span(_day(content.get("period_start")), _day(content.get("period_end"))),
        FormField.PLACE: content.get("place") or "",
        FormField.COORDINATES: _coordinates(content),
        FormField.PARTICIPANTS: content.get("participants") or "",
        FormField.PARTICIPANT_COUNT: _figure(content.get("participant_count"), " 人"),
        FormField.PHOTO_COUNT: str(len(content.get("photos") or ())),
        FormField.VIDEOS: "\n".join(_video(no, each) for no, each in enumerate(content.get("videos") or (), start=1)),
        FormField.ATTACHMENTS: "\n".join(_attachments(content)),
        FormField.MATERIALS: "\n".join(_materials(content)),
        FormField.DOCUMENT_NUMBER: content.get("document_number") or "",
        FormField.VOLUNTEER_HOURS: _figure(content.get("volunteer_hours"), " 小时"),
        FormField.CONCLUSION: content.get("conclusion") or "",
        FormField.UNIT_NAME: around.unit_name,
        FormField.AUTHOR: around.author,
        FormField.NUMBER: str(around.number),
        FormField.VERSION_NO: str(around.version_no),
        FormField.SUBMITTED_AT: _clock(around.submitted_at) if around.submitted_at else "",
        FormField.BLANK: "",
    }
    underlines = [(each["start"], each["end"]) for each in content.get("underlines") or ()]
    return Facts(values, underlines, photos)


def _clock(moment: datetime) -> str:
    local = moment.astimezone(_SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def _moment(text: str | None) -> str:
    return _clock(datetime.fromisoformat(text)) if text else ""


def _day(text: str | None) -> str:
    if not text:
        return ""
    year, month, day = text.split("-")
    return f"{int(year)}年{int(month)}月{int(day)}日"


def _span(start: str, end: str) -> str:
    if not start or not end or start == end:
        return start or end
    day, _, hour = end.partition(" ")
    return f"{start} 至 {hour}" if hour and start.startswith(f"{day} ") else f"{start} 至 {end}"


def _coordinates(content: Mapping[str, Any]) -> str:
    longitude, latitude = content.get("longitude"), content.get("latitude")
    return f"{longitude}，{latitude}" if longitude is not None and latitude is not None else ""


def _figure(value: Any, unit: str) -> str:
    return "" if value is None else f"{value}{unit}"


def _video(no: int, video: Mapping[str, Any]) -> str:
    words = [video.get("title") or f"视频{no}", video.get("url") or "（已上传的视频文件）"]
    return f"{no}. " + "：".join(words)


def _attachments(content: Mapping[str, Any]) -> list[str]:
    return [
        f"{no}. {each['name']}（{AttachmentKind(each.get('kind') or 'other').label}）"
        for no, each in enumerate(content.get("attachments") or (), start=1)
    ]


def _materials(content: Mapping[str, Any]) -> list[str]:
    lines = _attachments(content)
    for label, name, measure in (("照片", "photos", "张"), ("视频", "videos", "段")):
        if count := len(content.get(name) or ()):
            lines.append(f"{len(lines) + 1}. {label} {count} {measure}")
    return lines
