"""By what statistics are cut (S1.3). Pure."""

from enum import StrEnum


class Dimension(StrEnum):
    """What a pivot may be cut by. A standard judged by several methods counts under each of them."""

    REGION = "region"
    INDICATOR = "indicator"
    DEPARTMENT = "department"
    UNIT = "unit"
    INDUSTRY = "industry"
    SITE_TYPE = "site_type"
    METHOD = "method"
    PERIOD = "period"
    ASSESSMENT = "assessment"

    @property
    def label(self) -> str:
        """What people call it."""
        return _LABELS[self]


_LABELS = {
    Dimension.REGION: "区域",
    Dimension.INDICATOR: "指标",
    Dimension.DEPARTMENT: "牵头部门",
    Dimension.UNIT: "责任单位",
    Dimension.INDUSTRY: "行业",
    Dimension.SITE_TYPE: "点位类型",
    Dimension.METHOD: "测评方法",
    Dimension.PERIOD: "时期",
    Dimension.ASSESSMENT: "测评",
}


class Period(StrEnum):
    """Length of a period; an assessment belongs to the one in which it started."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"month": "月", "quarter": "季度", "year": "年"}[self.value]

    @property
    def form(self) -> str:
        """How PostgreSQL writes it."""
        return {"month": "YYYY-MM", "quarter": 'YYYY"Q"Q', "year": "YYYY"}[self.value]
