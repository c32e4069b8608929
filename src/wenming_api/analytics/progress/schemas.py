"""What progress answers."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.kit.fields import Moment, Out


class ProgressLevel(StrEnum):
    """进度按哪一级区域汇总"""

    COUNTY = "county"
    STREET = "street"
    COMMUNITY = "community"


class Counts(Out):
    """点位数与测评表数"""

    sites: int = Field(description="抽中的点位")
    assigned_sites: int = Field(description="已分配测评表的点位")
    finished_sites: int = Field(description="测评表已全部审核通过的点位")
    sheets: int = Field(description="测评表")
    assigned: int = Field(description="其中待测评")
    in_progress: int = Field(description="其中草稿")
    submitted: int = Field(description="其中已提交、待审核")
    returned: int = Field(description="其中已退回")
    reviewed: int = Field(description="其中已审核通过")
    awaiting_evidence: int = Field(description="照片尚未全部到达的")


class Part(Counts):
    """一个区域、测评人员或点位类型的进度"""

    key: str = Field(description="区域代码、用户或点位类型代码；测评人员未定时为空")
    name: str


class MethodPart(Out):
    """一种测评方法的进度"""

    code: str
    name: str
    source: MethodSource
    done: int = Field(description="实地考察为已审核通过的测评表，其他方法为已录入得分的区域")
    expected: int = Field(description="应有的测评表，或应录入得分的区域")


class ProgressOut(Out):
    """测评进度"""

    assessment_id: UUID
    state: AssessmentState
    as_of: Moment
    total: Counts
    regions: list[Part]
    assessors: list[Part]
    site_types: list[Part]
    methods: list[MethodPart]
