"""What assignments take and answer."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from wenming_api.kit.fields import Out, Strict

MAX_PAIRS = 1_000


class Pair(Strict):
    """一个点位分配给一名测评人员"""

    site_id: UUID
    assessor_id: UUID


class AssignIn(Strict):
    """逐个指定"""

    assignments: list[Pair] = Field(min_length=1, max_length=MAX_PAIRS, description="点位与测评人员")


class DistributeIn(Strict):
    """平均分配"""

    per_site: int = Field(default=1, ge=1, le=5, description="每个点位的测评人员数")
    assessor_ids: list[UUID] = Field(default=[], max_length=1_000, description="参加分配的测评人员；空为全部")
    site_type_codes: list[Annotated[str, Field(max_length=64)]] = Field(
        default=[], max_length=200, description="点位类型；空为全部"
    )
    under: Annotated[str, Field(pattern=r"^(\d{12}/){1,6}$")] | None = Field(
        default=None, description="区域路径，只分配其下点位", examples=["370300000000/370302000000/"]
    )
    dry_run: bool = Field(default=False, description="只试算，不保存")


class Load(Out):
    """一名测评人员的任务量"""

    assessor_id: UUID
    assessor_name: str
    new: int = Field(description="本次新增")
    total: int = Field(description="合计")


class ShortageOut(Out):
    """未能分足的点位"""

    site_id: UUID
    missing: int = Field(description="还缺几名测评人员")


class AssignmentResult(Out):
    """分配结果"""

    draw_id: UUID
    applied: bool = Field(description="是否已保存")
    made: int = Field(description="新建的测评表数")
    existing: int = Field(description="此前已分配的数量")
    loads: list[Load] = Field(description="各测评人员的任务量")
    shortages: list[ShortageOut] = Field(description="未能分足的点位")
