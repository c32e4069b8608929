"""What draws are asked for and answer, inside and in public."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.sampling.rules import DrawSiteStatus, DrawState, Proposal
from wenming_api.city.schemes.rules import Shortage
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.fields import Judged, Moment, Name, Out, Strict
from wenming_api.system.regions.rules import RegionLevel

PublicValue = Annotated[
    str,
    StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?$"),
    Field(description="事先指定的公共随机值，可见 ASCII 字符", examples=["3301.27"]),
]


class PublicSource(Strict):
    """事先指定的公共随机值：从何处、何时产生，此刻无人知晓"""

    source: Annotated[Name, Field(examples=["上证综指 2026-11-25 收盘点位"])]
    at: Annotated[AwareDatetime, Field(description="产生的时间，须晚于现在", examples=["2026-11-25T15:00:00+08:00"])]


class DrawCommit(Strict):
    """作出承诺：公布密值的摘要与配额"""

    public_value: PublicSource | None = None


class DrawPerform(Judged):
    """抽选；承诺时指定了公共随机值的，此时给出"""

    public_value: PublicValue | None = None


class QuotaPromise(Out):
    """随承诺公布的配额"""

    site_type_code: str
    site_type_name: str
    region_level: RegionLevel
    count: int
    when_short: Shortage


class RegionPromise(Out):
    """随承诺公布的抽样区域"""

    code: str
    name: str


class Person(Out):
    """经办人"""

    id: UUID
    display_name: str


class ProposalOut(Out):
    """等待另一人确认的提请"""

    kind: Proposal
    by: Person
    at: Moment
    reason: str


class DrawOut(Out):
    """一次抽选。名单与种子在实地考察结束前仅组织者可见，密值在公开前任何人不可见"""

    id: UUID
    assessment_id: UUID
    no: int = Field(description="本次测评的第几次抽选")
    state: DrawState
    state_label: str
    proposal: ProposalOut | None
    commitment: str = Field(description="密值的 SHA-256")
    quotas: list[QuotaPromise]
    regions: list[RegionPromise]
    public_value_source: str | None
    public_value_at: Moment | None
    committed_by: Person
    committed_at: Moment
    frame_hash: str | None = Field(description="抽样框的 SHA-256")
    frame_size: int | None
    frozen_at: Moment | None
    seed: str | None = Field(description="种子；不可见时为 null")
    drawn_count: int | None
    drawn_at: Moment | None
    effective_by: list[Person] = Field(description="提请生效的人与确认的人")
    effective_at: Moment | None
    effective_reason: str | None
    void_by: list[Person] = Field(description="提请作废的人与确认的人")
    void_at: Moment | None
    void_reason: str | None
    revealed: bool = Field(description="密值、抽样框与名单是否已公开")
    version: int
    allowed_actions: list[AllowedAction]


class DrawSiteSort(StrEnum):
    """抽选点位的排序：按层，层内按次序"""

    STRATUM = "stratum"
    STRATUM_DOWN = "-stratum"


class DrawSiteOut(Out):
    """抽选中的一个点位"""

    site_id: UUID
    code: str
    name: str
    site_type_code: str
    stratum: str = Field(description="层：区域代码|点位类型代码", examples=["370302000000|37"])
    rank: int = Field(description="层内次序，从 1 起")
    status: DrawSiteStatus
    region_path: str
    replaces_id: UUID | None = Field(description="所替换的点位")
    reason: str | None
    file_id: UUID | None
    changed_at: Moment | None


class StratumRecord(Out):
    """一层的抽选结果：点位按次序"""

    stratum: str
    drawn: list[UUID]
    reserve: list[UUID]


class ReplacementRecord(Out):
    """一次替换"""

    site_id: UUID
    replaced_by_id: UUID
    reason: str
    at: Moment


class DrawRecordRow(Out):
    """公开的抽选目录的一行；作废的抽选永远在列"""

    id: UUID
    no: int
    state: DrawState
    state_label: str
    commitment: str
    committed_at: Moment
    frame_hash: str | None
    void_at: Moment | None
    void_reason: str | None
    revealed: bool


class DrawRecord(DrawRecordRow):
    """公开的抽选记录，`scripts/verify_draw.py` 据此重复整个抽选。公开前密值、抽样框与名单为 null"""

    assessment_id: UUID
    assessment_number: str
    assessment_name: str
    assessment_state: AssessmentState
    quotas: list[QuotaPromise]
    regions: list[RegionPromise]
    public_value_source: str | None
    public_value_at: Moment | None
    frame_size: int | None
    frozen_at: Moment | None
    drawn_at: Moment | None
    effective_at: Moment | None
    effective_reason: str | None
    secret: str | None
    public_value: str | None = Field(description="未指定公共随机值时为空串")
    seed: str | None
    frame: str | None = Field(description="抽样框原文：每行 点位,类型,层，以换行结束")
    strata: list[StratumRecord] | None
    replacements: list[ReplacementRecord] | None
