"""The table that sites travel in, and requests and responses of imports."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import Field

from wenming_api.city.site_transfers.rules import ImportState, OnExisting, TransferFormat
from wenming_api.kit.fields import Moment, Out
from wenming_api.kit.geo import COORDINATE_PLACES, Crs
from wenming_api.kit.geojson import crs_named
from wenming_api.kit.workbooks import Cell, CellError, Column, Table, boolean, decimal, plain_text, text

_CRS_HEADERS: Final = {Crs.WGS84: "WGS84", Crs.CGCS2000: "CGCS2000", Crs.GCJ02: "GCJ02", Crs.BD09: "BD09"}


def _crs(cell: Cell) -> Crs:
    try:
        return crs_named(plain_text(cell))
    except ValueError as unknown:
        raise CellError(str(unknown)) from None


def _ignored(cell: Cell) -> str:
    return text(cell)


def _one_line(cell: Cell) -> str:
    value = text(cell)
    if "\n" in value or "\t" in value:
        raise CellError("不能换行")
    return value


def _yes_no(active: bool) -> str:
    return "是" if active else "否"


TABLE: Final = Table(
    "点位",
    (
        Column("code", "点位编号", max_length=40, hint="不填时由系统编号；已有编号视为同一点位", width=18),
        Column("name", "点位名称", parse=_one_line, required=True, max_length=100, width=30),
        Column("site_type", "点位类型", required=True, max_length=100, hint="类型代码或名称", width=14),
        Column(
            "region",
            "所属区域",
            required=True,
            max_length=200,
            hint="12 位代码，或完整路径如 某市/某区/某街道/某社区",
            width=16,
        ),
        Column("region_name", "区域全称", parse=_ignored, hint="仅供查看，导入时不读取", width=36),
        Column("address", "地址", parse=_one_line, max_length=200, width=36),
        Column("longitude", "经度", parse=decimal(-180, 180, COORDINATE_PLACES), show=str, hint="与纬度同时填写"),
        Column("latitude", "纬度", parse=decimal(-90, 90, COORDINATE_PLACES), show=str),
        Column(
            "crs",
            "坐标系",
            parse=_crs,
            show=_CRS_HEADERS.__getitem__,
            choices=tuple(_CRS_HEADERS.values()),
            hint="不填按导入时所选坐标系",
            width=12,
        ),
        Column("unit", "责任单位", max_length=100, hint="统一社会信用代码，或不重名的单位名称", width=22),
        Column("unit_name", "责任单位名称", parse=_ignored, hint="仅供查看，导入时不读取", width=26),
        Column("industry", "行业", max_length=100, hint="行业代码或名称", width=18),
        Column("active", "是否启用", parse=boolean, show=_yes_no, choices=("是", "否"), width=10),
        Column("note", "备注", parse=_one_line, max_length=200, width=30),
    ),
)
"""Columns of sites, the same for import and export; an exported file imports as it is."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is taken."""

    format: TransferFormat
    file_name: str
    dry_run: bool
    partial: bool
    on_existing: OnExisting
    crs: Crs


class ImportSort(StrEnum):
    """导入记录的排序"""

    NEWEST = "-at"
    OLDEST = "at"


class ImportErrorOut(Out):
    """一处错误"""

    row: int = Field(description="行号，与表格一致（表头为第 1 行；GeoJSON 第 n 个要素为第 n+1 行）", examples=[5])
    column: str | None = Field(description="列名；整行的错误为 null", examples=["所属区域"])
    message: str


class SiteImportRow(Out):
    """导入记录"""

    id: UUID
    at: Moment
    file_name: str
    format: TransferFormat
    on_existing: OnExisting
    dry_run: bool = Field(description="仅检查，不保存")
    partial: bool = Field(description="有错误时是否仍保存其余行")
    state: ImportState = Field(
        description="checked 仅检查；rejected 有错误，未保存任何行；applied 全部保存；partial 已保存无错误的行"
    )
    total: int = Field(description="数据行数")
    created: int = Field(description="新增的点位数（仅检查时为将新增的）")
    updated: int
    unchanged: int = Field(description="与现有一致或按要求跳过的行数")
    failed: int = Field(description="有错误的行数")


class SiteImportOut(SiteImportRow):
    """导入结果"""

    errors: list[ImportErrorOut] = Field(description="前 200 处错误；全部错误见错误工作簿")
