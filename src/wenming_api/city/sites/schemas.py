"""Requests and responses of sites."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from wenming_api.city.site_types.schemas import TypeCode
from wenming_api.city.sites.rules import CODE_PATTERN, SiteAction
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Latitude, Longitude, Moment, Name, Out, Search, ShortText, Strict
from wenming_api.kit.geo import Crs
from wenming_api.kit.pages import given
from wenming_api.system.dictionaries.rules import CODE_PATTERN as INDUSTRY_PATTERN

SiteCode = Annotated[str, Field(pattern=CODE_PATTERN, description="点位编号", examples=["370302-37-01"])]
TYPE_CODES_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,19}(,[A-Za-z0-9][A-Za-z0-9_\-]{0,19}){0,59}$"
Version = Annotated[int, Field(description="版本，即 ETag", examples=[1])]
CrsField = Annotated[Crs, Field(description="坐标系；坐标按所填坐标系保存")]
IndustryCode = Annotated[
    str, Field(pattern=INDUSTRY_PATTERN, description="行业代码，见字典 industry", examples=["commerce"])
]


class SiteSort(StrEnum):
    """点位的排序"""

    CODE = "code"
    CODE_DOWN = "-code"
    NAME = "name"
    NAME_DOWN = "-name"
    CREATED = "created_at"
    CREATED_DOWN = "-created_at"
    UPDATED = "updated_at"
    UPDATED_DOWN = "-updated_at"


@dataclass(frozen=True, slots=True)
class SiteFilter:
    """Which sites: every condition given holds. The fields are the query parameters of lists, maps and exports."""

    q: Annotated[Search | None, Field(description="名称包含，或编号以此开头")] = None
    site_type_code: Annotated[
        str | None,
        Field(pattern=TYPE_CODES_PATTERN, description="点位类型代码，多个用逗号分隔", examples=["37,38"]),
    ] = None
    region_id: Annotated[UUID | None, Field(description="所属区域（含下级）")] = None
    area_id: Annotated[UUID | None, Field(description="所属自定义区域")] = None
    responsible_unit_id: Annotated[UUID | None, Field(description="责任单位")] = None
    industry_code: Annotated[str | None, Field(max_length=40, pattern=INDUSTRY_PATTERN, description="行业代码")] = None
    active: Annotated[bool | None, Field(description="是否启用")] = None
    located: Annotated[bool | None, Field(description="是否有坐标")] = None

    def given(self) -> dict[str, Any]:
        """The conditions that are given, by name."""
        return given(**{name: getattr(self, name) for name in self.__slots__})


class SiteRow(Out):
    """列表中的点位"""

    id: UUID
    code: str = Field(examples=["370302-37-01"])
    name: str = Field(examples=["城里社区小区"])
    site_type_code: str = Field(examples=["37"])
    site_type_name: str = Field(examples=["小区"])
    region_id: UUID
    region_name: str = Field(description="所属区域全称")
    address: str | None
    longitude: Longitude | None = Field(examples=["117.96705000"])
    latitude: Latitude | None = Field(examples=["36.64430000"])
    crs: Crs
    responsible_unit_id: UUID | None
    responsible_unit_name: str | None = Field(description="责任单位名称")
    industry_code: str | None
    active: bool = Field(description="停用的点位不参加抽选")
    updated_at: Moment
    version: Version


class SiteOut(SiteRow):
    """点位详情"""

    region_path: str = Field(description="区域代码链", examples=["370300000000/370302000000/"])
    unit_path: str | None
    map_longitude: Longitude | None = Field(description="换算到 WGS 84 的经度，供地图使用")
    map_latitude: Latitude | None = Field(description="换算到 WGS 84 的纬度，供地图使用")
    note: str | None
    created_at: Moment
    allowed_actions: list[AllowedAction]


class SiteCreate(Strict):
    """新增点位"""

    code: SiteCode | None = Field(default=None, description="点位编号；不填时由系统编号")
    name: Name
    site_type_code: TypeCode
    region_id: UUID = Field(description="所属区域")
    address: ShortText | None = None
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    crs: CrsField = Crs.WGS84
    responsible_unit_id: UUID | None = Field(default=None, description="责任单位")
    industry_code: IndustryCode | None = None
    note: ShortText | None = None


class SiteUpdate(Strict):
    """修改点位；未给出的字段不变。编号不可修改"""

    name: Name | None = None
    site_type_code: TypeCode | None = None
    region_id: UUID | None = None
    address: ShortText | None = None
    longitude: Longitude | None = None
    latitude: Latitude | None = None
    crs: CrsField | None = None
    responsible_unit_id: UUID | None = None
    industry_code: IndustryCode | None = None
    note: ShortText | None = None
    reason: ShortText | None = Field(default=None, description="修改原因，记入历史")


class SiteVersionOut(Out):
    """点位历史的一条"""

    no: int = Field(description="第几次变更，从 1 起")
    action: SiteAction
    at: Moment
    by_id: UUID | None = Field(description="操作人；系统任务为 null")
    by_name: str = Field(examples=["王敏"])
    changes: dict[str, Any] = Field(description="变更字段：{字段: [变更前, 变更后]}")
    reason: str | None


class HistorySort(StrEnum):
    """历史的排序"""

    NEWEST = "-no"
    OLDEST = "no"


class TypeCount(Out):
    """某类型的点位数"""

    site_type_code: str
    site_type_name: str
    total: int
    active: int


class RegionCount(Out):
    """某区域的点位数；区域为 null 的一项是直接归上级区域的点位"""

    region_id: UUID | None
    region_code: str | None
    region_name: str | None
    total: int
    active: int


class SiteCounts(Out):
    """点位统计"""

    total: int
    active: int
    by_type: list[TypeCount]
    by_region: list[RegionCount] = Field(description="按下一级区域；未指定区域时按区县")


class PointGeometry(Out):
    """GeoJSON 点"""

    type: Literal["Point"]
    coordinates: list[float] = Field(description="[经度, 纬度]", examples=[[118.05, 36.81]])


class MapProperties(Out):
    """地图要素的属性；聚合要素只有 count"""

    id: UUID | None
    code: str | None
    name: str | None
    site_type_code: str | None
    active: bool | None
    count: int = Field(description="该要素代表的点位数")


class MapFeature(Out):
    """GeoJSON 要素"""

    type: Literal["Feature"]
    geometry: PointGeometry
    properties: MapProperties


class SiteMap(Out):
    """地图范围内的点位（GeoJSON FeatureCollection）"""

    type: Literal["FeatureCollection"]
    crs_name: Crs = Field(description="坐标系，与请求一致")
    clustered: bool = Field(description="范围内点位超过上限时为 true，此时要素是聚合点")
    total: int = Field(description="范围内的点位总数")
    features: list[MapFeature]
