"""Templates of activities (A1.1): fields of a closed set of kinds, and the evidence an activity needs. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

MAX_FIELDS = 40
MAX_TEXT = 2_000


class FieldKind(StrEnum):
    """What a field of a template holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"text": "文字", "number": "数字", "date": "日期", "choice": "选项", "yes_no": "是否"}[self.value]


class Phase(StrEnum):
    """When a field is filled in."""

    PLAN = "plan"
    CONTENT = "content"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"plan": "活动计划", "content": "活动内容"}[self.value]


class TemplateState(StrEnum):
    """A version: draft → active → retired. One version of a template is active at most."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """The state's Chinese name."""
        return {"draft": "草稿", "active": "使用中", "retired": "已停用"}[self.value]


@dataclass(frozen=True, slots=True)
class TemplateField:
    """A field of its own that activities of a type have."""

    key: str
    label: str
    kind: FieldKind
    phase: Phase
    required: bool = False
    choices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {**asdict(self), "choices": list(self.choices)}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "TemplateField":
        """As stored, read back."""
        return cls(
            key=row["key"],
            label=row["label"],
            kind=FieldKind(row["kind"]),
            phase=Phase(row["phase"]),
            required=row["required"],
            choices=tuple(row["choices"]),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The least an activity's content has to show. `text` counts code points."""

    photos: int = 0
    captions: bool = False
    videos: int = 0
    attachments: int = 0
    text: int = 0
    participants: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What a content shows, counted."""

    photos: int = 0
    captioned: int = 0
    videos: int = 0
    attachments: int = 0
    text: int = 0
    participants: bool = False


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A value that does not fit its field."""

    key: str
    message: str


def evidence_gaps(wanted: Evidence, shown: Shown) -> list[str]:
    """What the content lacks, in Chinese."""
    counted = (
        ("照片", wanted.photos, shown.photos, "张"),
        ("视频", wanted.videos, shown.videos, "段"),
        ("附件", wanted.attachments, shown.attachments, "份"),
        ("文字", wanted.text, shown.text, "字"),
    )
    gaps = [
        f"{what}不少于 {least} {unit}，现有 {there} {unit}" for what, least, there, unit in counted if there < least
    ]
    if wanted.captions and shown.captioned < shown.photos:
        gaps.append(f"有 {shown.photos - shown.captioned} 张照片没有说明")
    if wanted.participants and not shown.participants:
        gaps.append("没有填写参加人员")
    return gaps


def field_problems(fields: Sequence[TemplateField], values: Mapping[str, Any], *, phase: Phase) -> list[FieldProblem]:
    """What is wrong with the values given for the fields of a phase; values of unknown fields are refused."""
    wanted = {each.key: each for each in fields if each.phase is phase}
    found = [FieldProblem(key, "模板中没有这个字段") for key in sorted(values.keys() - wanted.keys())]
    for key, each in wanted.items():
        value = values.get(key)
        if value is None or value == "":
            if each.required:
                found.append(FieldProblem(key, f"“{each.label}”必填"))
        elif message := _value_problem(each, value):
            found.append(FieldProblem(key, f"“{each.label}”{message}"))
    return found


def _value_problem(wanted: TemplateField, value: Any) -> str | None:
    if wanted.kind is FieldKind.YES_NO:
        return None if isinstance(value, bool) else "应为是或否"
    if not isinstance(value, str):
        return "应为文字"
    if wanted.kind is FieldKind.NUMBER:
        return None if _is_number(value) else "应为数字，例如 12 或 3.5"
    if wanted.kind is FieldKind.DATE:
        return None if _is_day(value) else "应为日期，例如 2026-11-22"
    if wanted.kind is FieldKind.CHOICE:
        return None if value in wanted.choices else f"应为{'、'.join(wanted.choices)}之一"
    return None if len(value) <= MAX_TEXT else f"不能超过 {MAX_TEXT} 字"


def _is_number(text: str) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number.is_finite() and len(text) <= 20


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def template_problems(fields: Sequence[TemplateField]) -> list[FieldProblem]:
    """What is wrong with the fields of a template themselves."""
    found: list[FieldProblem] = []
    keys: set[tuple[str, Phase]] = set()
    for each in fields:
        if (each.key, each.phase) in keys:
            found.append(FieldProblem(each.key, "字段重复"))
        keys.add((each.key, each.phase))
        if each.kind is FieldKind.CHOICE and len(set(each.choices)) < 2:
            found.append(FieldProblem(each.key, "选项字段至少要有两个不同的选项"))
        if each.kind is not FieldKind.CHOICE and each.choices:
            found.append(FieldProblem(each.key, "只有选项字段才有选项"))
    return found


@dataclass(frozen=True, slots=True)
class BaseTemplate:
    """A template delivered with the product, for the whole system."""

    code: str
    activity_type: str
    name: str
    guidance: str
    fields: tuple[TemplateField, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)


_T, _P = TemplateField, Phase
BASE_TEMPLATES = (
    BaseTemplate(
        "volunteer",
        "volunteer_service",
        "志愿服务活动",
        "照片注明时间、地点、主办和主题；文字不少于 200 字。",
        (
            _T("service_object", "服务对象", FieldKind.TEXT, _P.PLAN, required=True),
            _T("volunteers", "志愿者人数", FieldKind.NUMBER, _P.CONTENT, required=True),
            _T("hours", "服务时长（小时）", FieldKind.NUMBER, _P.CONTENT),
        ),
        Evidence(photos=2, captions=True, text=200, participants=True),
    ),
    BaseTemplate(
        "festival",
        "festival",
        "我们的节日",
        "照片体现节日氛围和单位名称，不少于 2 张；文字不少于 200 字。",
        (
            _T(
                "festival",
                "节日",
                FieldKind.CHOICE,
                _P.PLAN,
                required=True,
                choices=("春节", "元宵", "清明", "端午", "七夕", "中秋", "重阳", "其他"),
            ),
        ),
        Evidence(photos=2, captions=True, text=200),
    ),
    BaseTemplate(
        "theme",
        "theme",
        "主题教育实践活动",
        "须有安排部署的正式文件。",
        (_T("theme", "主题", FieldKind.TEXT, _P.PLAN, required=True),),
        Evidence(photos=2, attachments=1, text=100),
    ),
    BaseTemplate(
        "general",
        "other",
        "一般活动",
        "没有专用模板时使用。",
        (),
        Evidence(photos=1, text=50),
    ),
)
"""Samples after published quarterly rules of 2020 (≥ 2 photos, ≥ 200 characters); offices change them as they need."""
