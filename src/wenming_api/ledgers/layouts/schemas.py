"""Requests and responses of layouts."""

from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Moment, Name, Out, ShortText, Strict
from wenming_api.kit.printing.model import Typeface
from wenming_api.ledgers.layouts.rules import CoverField, FormField, LayoutState

MAX_COLUMNS = 12
MAX_ROWS = 60
_TEXT_HEIGHT = 200

Part = Literal["time", "place", "people", "theme", "background", "reason"]
Points = Annotated[float, Field(ge=7, le=36, multiple_of=0.5, allow_inf_nan=False, description="字号，磅")]
Margin = Annotated[float, Field(ge=10, le=50, multiple_of=0.5, allow_inf_nan=False)]


class CellBody(Strict):
    """表格的一格：固定文字或填报内容，二者取一"""

    label: Annotated[ShortText, Field(max_length=60)] | None = Field(default=None, description="固定文字")
    field: FormField | None = Field(default=None, description="显示的填报内容")
    span: int = Field(default=1, ge=1, le=MAX_COLUMNS, description="占几列")
    height_mm: float = Field(default=0, ge=0, le=_TEXT_HEIGHT, allow_inf_nan=False, description="最小高度，毫米")
    centred: bool = Field(default=False, description="居中")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.label is None) == (self.field is None):
            raise ValueError("每格须填写固定文字或选择填报内容，二者取一")
        return self


class FormBody(Strict):
    """一张表格"""

    title: Annotated[ShortText, Field(max_length=60)] = Field(description="表名", examples=["电子台账登记表"])
    columns: list[Annotated[int, Field(ge=1, le=100)]] = Field(
        min_length=1, max_length=MAX_COLUMNS, description="各列的相对宽度", examples=[[3, 5, 3, 5]]
    )
    rows: list[Annotated[list[CellBody], Field(min_length=1, max_length=MAX_COLUMNS)]] = Field(
        min_length=1, max_length=MAX_ROWS, description="各行"
    )

    @model_validator(mode="after")
    def _rows_are_full(self) -> Self:
        for number, row in enumerate(self.rows, start=1):
            taken = sum(cell.span for cell in row)
            if taken != len(self.columns):
                raise ValueError(f"第 {number} 行各格共占 {taken} 列，应为 {len(self.columns)} 列")
        if not any(cell.field is not None for row in self.rows for cell in row):
            raise ValueError("表格中没有任何填报内容")
        return self


class PhotoBody(Strict):
    """照片页：每页一张，居中，下附说明"""

    caption: list[Part] = Field(min_length=1, max_length=6, description="说明的要素与次序")

    @field_validator("caption")
    @classmethod
    def _once_each(cls, value: list[Part]) -> list[Part]:
        if len(set(value)) < len(value):
            raise ValueError("照片说明的要素有重复")
        return value


class CoverLine(Strict):
    """封面的一行"""

    label: Annotated[ShortText, Field(max_length=30)]
    field: CoverField


class CoverBody(Strict):
    """台账册封面"""

    title: Annotated[ShortText, Field(max_length=60)] = Field(default="", description="封面题名；留空时用台账册的名称")
    lines: Annotated[list[CoverLine], Field(max_length=10)] = []


class ContentsBody(Strict):
    """台账册目录"""

    title: Annotated[ShortText, Field(max_length=30)] = "目　录"


class StyleBody(Strict):
    """字体、字号与页边距"""

    typeface: Typeface = Field(default=Typeface.SERIF, description="正文字体：serif 宋体，sans 黑体")
    title_pt: Points = 18
    text_pt: Points = 11
    caption_pt: Points = 10.5
    margins_mm: tuple[Margin, Margin, Margin, Margin] = Field(
        default=(25, 22, 22, 25), description="页边距，毫米：上、右、下、左"
    )


class LayoutBody(Strict):
    """版式内容：只描述标签、字段与尺寸"""

    paper: Literal["a4"] = "a4"
    form: FormBody = Field(description="登记表")
    submission_form: FormBody | None = Field(default=None, description="测评材料提交表；不需要时为 null")
    photos: PhotoBody | None = Field(default=None, description="照片页；不打印照片时为 null")
    cover: CoverBody = CoverBody()
    contents: ContentsBody = ContentsBody()
    style: StyleBody = StyleBody()
    header: Annotated[ShortText, Field(max_length=60)] = Field(default="", description="页眉")
    footer: Annotated[ShortText, Field(max_length=40)] = Field(default="", description="页脚左侧文字")
    underline: bool = Field(default=True, description="证明指标的文字以红线标出")
    page_numbers: bool = Field(default=True, description="印页码：第 n 页 共 m 页")


class LayoutSort(StrEnum):
    """版式的排序"""

    NAME = "name"
    NAME_DOWN = "-name"
    NEWEST = "-updated_at"
    OLDEST = "updated_at"


class LayoutCreate(Strict):
    """新建版式：用于某分类及其下级、某目录，或全系统"""

    name: Name = Field(examples=["志愿服务活动台账"])
    catalogue_id: UUID | None = Field(default=None, description="适用的目录；全系统为 null")
    node_id: UUID | None = Field(default=None, description="适用的分类；整个目录为 null")
    body: LayoutBody | None = Field(default=None, description="版式内容；不给出时以系统自带版式为底本")

    @model_validator(mode="after")
    def _node_of_a_catalogue(self) -> Self:
        if self.node_id is not None and self.catalogue_id is None:
            raise ValueError("选择分类时须同时给出其所属目录")
        return self


class LayoutUpdate(Strict):
    """修改版式名称"""

    name: Name


class LayoutDraft(Strict):
    """草稿的版式内容"""

    body: LayoutBody


class LayoutRow(Out):
    """列表中的版式"""

    id: UUID
    name: str
    catalogue_id: UUID | None = Field(description="适用的目录；全系统为 null")
    catalogue_name: str | None = Field(description="目录名称；全系统为 null")
    node_id: UUID | None = Field(description="适用的分类；整个目录或全系统为 null")
    node_code: str | None = Field(description="分类编号；适用于整个目录或全系统时为 null")
    node_name: str | None = Field(description="分类名称；适用于整个目录或全系统时为 null")
    unit_id: UUID
    unit_name: str
    active_no: int | None = Field(description="使用中的版本；没有为 null")
    draft_no: int | None = Field(description="草稿版本；没有为 null")
    updated_at: Moment
    version: int


class LayoutVersionRow(Out):
    """版式的一个版本"""

    no: int
    state: LayoutState
    body_hash: str = Field(description="内容的 SHA-256")
    tested: bool = Field(description="当前内容已试印")
    tested_at: Moment | None = Field(description="试印时间；没有为 null")
    made_by: UUID = Field(description="编制人")
    made_at: Moment = Field(description="编制时间")
    activated_at: Moment | None = Field(description="启用时间；没有为 null")
    retired_at: Moment | None = Field(description="停用时间；没有为 null")


class LayoutOut(LayoutRow):
    """版式详情"""

    created_at: Moment
    versions: list[LayoutVersionRow] = Field(description="各版本，新的在前")
    allowed_actions: list[AllowedAction]


class LayoutVersionOut(LayoutVersionRow):
    """版式的一个版本及其内容"""

    layout_id: UUID = Field(description="版式")
    body: LayoutBody = Field(description="版式内容")


class Choice(Out):
    """可选的一项"""

    code: str
    label: str


class DefaultLayout(Out):
    """系统自带版式与可用的字段"""

    body: LayoutBody = Field(description="版式内容")
    fields: list[Choice] = Field(description="表格可显示的填报内容")
    cover_fields: list[Choice] = Field(description="封面可显示的内容")
    caption_parts: list[Choice] = Field(description="照片说明的要素")


class EffectiveLayout(Out):
    """某分类实际使用的版式"""

    node_id: UUID = Field(description="分类")
    layout_id: UUID | None = Field(description="系统自带版式为 null")
    no: int | None = Field(description="版本；系统自带版式为 null")
    name: str
    body: LayoutBody = Field(description="版式内容")


class TestPrintLink(Out):
    """保留的试印 PDF"""

    no: int = Field(description="试印的版本")
    url: str = Field(description="PDF 下载地址")
    expires_at: Moment


class TestPrint(TestPrintLink):
    """试印结果"""

    version: int = Field(description="试印后版式的版本")
    pages: int = Field(description="页数")
