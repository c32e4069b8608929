"""Layouts (L2.1): states, the fields a form may show, and composing pages of a layout and of what was filled in. Pure.

A layout's body is JSON (`schemas.LayoutBody`); what it holds is data: labels, fields, spans, sizes, never a program.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from importlib import resources
from typing import Any

from wenming_api.kit.printing.model import Block, Cell, Cover, Grid, Mark, Photo, Style, Typeface, prose
from wenming_api.ledgers.contents.rules import CAPTION_LABELS


class LayoutState(StrEnum):
    """draft → active → retired. One version of a layout is active at most."""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"draft": "草稿", "active": "使用中", "retired": "已停用"}[self.value]


class FormField(StrEnum):
    """What a cell of a form may show."""

    TITLE = "title"
    TEXT = "text"
    CATEGORIES = "categories"
    CATEGORY_CODES = "category_codes"
    WORK_AREA = "work_area"
    HAPPENED = "happened"
    PERIOD = "period"
    PLACE = "place"
    COORDINATES = "coordinates"
    PARTICIPANTS = "participants"
    PARTICIPANT_COUNT = "participant_count"
    PHOTO_COUNT = "photo_count"
    VIDEOS = "videos"
    ATTACHMENTS = "attachments"
    MATERIALS = "materials"
    DOCUMENT_NUMBER = "document_number"
    VOLUNTEER_HOURS = "volunteer_hours"
    CONCLUSION = "conclusion"
    UNIT_NAME = "unit_name"
    AUTHOR = "author"
    NUMBER = "number"
    VERSION_NO = "version_no"
    SUBMITTED_AT = "submitted_at"
    BLANK = "blank"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return _FIELD_LABELS[self.value]


_FIELD_LABELS = {
    "title": "标题",
    "text": "正文",
    "categories": "所属分类（名称）",
    "category_codes": "所属分类（编号）",
    "work_area": "工作领域",
    "happened": "时间",
    "period": "所属期",
    "place": "地点",
    "coordinates": "经纬度",
    "participants": "参加人员",
    "participant_count": "参加人数",
    "photo_count": "照片张数",
    "videos": "视频",
    "attachments": "附件",
    "materials": "材料清单（附件、照片、视频）",
    "document_number": "文号",
    "volunteer_hours": "志愿服务时长",
    "conclusion": "结论性说明",
    "unit_name": "单位",
    "author": "填报人",
    "number": "台账编号",
    "version_no": "版本",
    "submitted_at": "报送时间（以系统接收为准）",
    "blank": "留空手填（签名、盖章）",
}


class CoverField(StrEnum):
    """What a line of a book's cover may show."""

    UNIT_NAME = "unit_name"
    CATALOGUE_NAME = "catalogue_name"
    YEAR = "year"
    ENTRY_COUNT = "entry_count"
    BLANK = "blank"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "unit_name": "单位",
            "catalogue_name": "目录",
            "year": "年度",
            "entry_count": "条目数",
            "blank": "留空手填",
        }[self.value]


class LayoutAction(StrEnum):
    """What may be done with a layout; also the last segment of the route that does it."""

    UPDATE = "update"
    DRAFT = "draft"
    TEST = "test"
    ACTIVATE = "activate"
    RETIRE = "retire"
    DELETE = "delete"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "update": "改名",
            "draft": "编辑草稿",
            "test": "试印",
            "activate": "启用",
            "retire": "停用",
            "delete": "删除",
        }[self.value]


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides which actions a layout allows."""

    has_draft: bool
    tested: bool
    has_active: bool
    ever_active: bool


def why_not(action: LayoutAction, standing: Standing) -> str | None:
    """Why a layout does not allow an action; None when it does."""
    if action in {LayoutAction.TEST, LayoutAction.ACTIVATE} and not standing.has_draft:
        return "没有草稿版本"
    if action is LayoutAction.ACTIVATE and not standing.tested:
        return "草稿尚未试印，或试印后又有修改；请先试印并查看效果"
    if action is LayoutAction.RETIRE and not standing.has_active:
        return "没有使用中的版本"
    if action is LayoutAction.DELETE and standing.ever_active:
        return "版式启用过，须保留"
    return None


def body_hash(body: Mapping[str, Any]) -> str:
    """SHA-256 of a body, whatever the order of its keys."""
    return sha256(json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def default_body() -> dict[str, Any]:
    """The layout delivered with the product, used where no other is active."""
    text = (resources.files(__package__) / "data" / "default_layout.json").read_text(encoding="utf-8")
    body: dict[str, Any] = json.loads(text)
    return body


@dataclass(frozen=True, slots=True)
class Candidate:
    """An active layout: of the whole system (no catalogue), of a catalogue (no path), or of a node and all below."""

    key: Any
    catalogue_id: Any
    path: str | None


def nearest(candidates: Iterable[Candidate], *, catalogue_id: Any, path: str) -> Candidate | None:
    """The layout that serves a node: its own, the nearest ancestor's, the catalogue's, the system's."""
    fitting = [
        each
        for each in candidates
        if each.catalogue_id is None
        or (each.catalogue_id == catalogue_id and (each.path is None or path.startswith(each.path)))
    ]
    return max(fitting, key=lambda each: (each.catalogue_id is not None, len(each.path or "")), default=None)


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """A photo to print: its file in the folder of pictures or why there is none, and its caption by part."""

    file: str | None
    caption: Mapping[str, str]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was filled in. `underlines` are passages [start, end) of the text that prove the indicator."""

    values: Mapping[FormField, str]
    underlines: Sequence[tuple[int, int]] = ()
    photos: Sequence[PhotoFacts] = ()


def style_of(body: Mapping[str, Any]) -> Style:
    """The looks that a layout asks for."""
    look = body["style"]
    top, right, bottom, left = look["margins_mm"]
    return Style(
        typeface=Typeface(look["typeface"]),
        title_size=look["title_pt"],
        text_size=look["text_pt"],
        caption_size=look["caption_pt"],
        margins=(top, right, bottom, left),
        header=body["header"],
        footer=body["footer"],
    )


def record_blocks(body: Mapping[str, Any], facts: Facts, *, mark: Mark | None = None) -> tuple[Block, ...]:
    """The pages of one record: entry form, form of submission when the layout has one, photo pages."""
    blocks: list[Block] = [mark] if mark is not None else []
    blocks.append(_grid(body, body["form"], facts))
    if body["submission_form"] is not None:
        blocks.append(_grid(body, body["submission_form"], facts))
    for photo in facts.photos if body["photos"] is not None else ():
        caption = tuple((CAPTION_LABELS[part], photo.caption.get(part, "")) for part in body["photos"]["caption"])
        blocks.append(Photo(photo.file, caption, photo.missing))
    return tuple(blocks)


def cover_of(body: Mapping[str, Any], title: str, facts: Mapping[CoverField, str]) -> Cover:
    """The cover of a book: the layout's title or the book's own, and its lines."""
    lines = tuple((line["label"], facts.get(CoverField(line["field"]), "")) for line in body["cover"]["lines"])
    return Cover(body["cover"]["title"] or title, lines)


def _grid(body: Mapping[str, Any], form: Mapping[str, Any], facts: Facts) -> Grid:
    rows = tuple(tuple(_cell(body, cell, facts) for cell in row) for row in form["rows"])
    return Grid(form["title"], tuple(form["columns"]), rows)


def _cell(body: Mapping[str, Any], cell: Mapping[str, Any], facts: Facts) -> Cell:
    if cell["label"] is not None:
        return Cell(prose(cell["label"]), label=True, span=cell["span"], height=cell["height_mm"])
    field = FormField(cell["field"])
    marks = facts.underlines if field is FormField.TEXT and body["underline"] else ()
    text = prose(facts.values.get(field, ""), marks)
    return Cell(text, span=cell["span"], height=cell["height_mm"], centred=cell["centred"])


SAMPLE_PICTURES = {"sample-wide.jpg": (1280, 960), "sample-tall.jpg": (960, 1280)}
"""Pictures that the sample shows, and their sizes in pixels."""

_SAMPLE_TEXT = (
    "（示例文字，非真实台账）为深化文明城市创建，社区于三月五日组织志愿者开展文明交通劝导、环境清洁与便民服务。"
    "志愿者在主要路口引导行人按信号灯通行，劝阻非机动车逆行、乱停乱放，并向过往群众发放文明出行倡议书。\n"
    "活动成立了以社区书记为组长的领导小组，制定了实施方案与值守安排，落实经费与物资保障。\n"
    "活动当天共有三十六名志愿者参加，服务群众四百余人次，清理卫生死角十二处。\n"
)


def sample_facts() -> Facts:
    """A made-up record that fills every field, for test prints; its text runs over a page."""
    values = dict.fromkeys(FormField, "") | {
        FormField.TITLE: "学雷锋志愿服务进社区（示例）",
        FormField.TEXT: (_SAMPLE_TEXT * 8).strip(),
        FormField.CATEGORIES: "志愿服务 / 学雷锋活动；文明交通 / 路口劝导",
        FormField.CATEGORY_CODES: "3-1；5-2",
        FormField.WORK_AREA: "志愿服务",
        FormField.HAPPENED: "2026年3月5日 09:00 至 11:30",
        FormField.PERIOD: "2026年1月1日 至 2026年3月31日",
        FormField.PLACE: "示例社区文化广场及周边主要路口",
        FormField.COORDINATES: "118.0548，36.8131",
        FormField.PARTICIPANTS: "社区干部、志愿者、辖区单位职工",
        FormField.PARTICIPANT_COUNT: "36",
        FormField.PHOTO_COUNT: "2",
        FormField.VIDEOS: "活动现场（示例）：https://v.example.gov.cn/play/1024",
        FormField.ATTACHMENTS: "1. 活动方案（规范文件）\n2. 活动总结（说明报告）",
        FormField.MATERIALS: "1. 活动方案（规范文件）\n2. 活动总结（说明报告）\n3. 照片 2 张",
        FormField.DOCUMENT_NUMBER: "示例〔2026〕3号",
        FormField.VOLUNTEER_HOURS: "90",
        FormField.CONCLUSION: "（示例）活动有方案、有组织、有保障、有成效，符合测评要求。",
        FormField.UNIT_NAME: "示例社区居民委员会",
        FormField.AUTHOR: "张三（示例）",
        FormField.NUMBER: "100001",
        FormField.VERSION_NO: "2",
        FormField.SUBMITTED_AT: "2026年3月9日 10:20",
    }
    caption = {
        "time": "2026年3月5日上午",
        "place": "示例社区文化广场",
        "people": "社区志愿者服务队",
        "theme": "学雷锋志愿服务",
        "background": "文明城市创建",
        "reason": "清洁环境，劝导文明出行",
    }
    photos = (*(PhotoFacts(name, caption) for name in SAMPLE_PICTURES), PhotoFacts(None, caption, "照片缺失（示例）"))
    return Facts(values, ((22, 50), (160, 190)), photos)
