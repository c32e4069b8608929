"""States of a result and the cuts it is published in (C4.1-C4.4). Pure."""

from enum import StrEnum


class ResultState(StrEnum):
    """A computed result may be computed again; a published one is final."""

    COMPUTED = "computed"
    PUBLISHED = "published"

    @property
    def label(self) -> str:
        """What people call it."""
        return {"computed": "已计算", "published": "已发布"}[self.value]


class Cut(StrEnum):
    """By what a figure is cut: regions of every level, units by duty or by site, and so on."""

    REGION = "region"
    DEPARTMENT = "department"
    UNIT = "unit"
    INDUSTRY = "industry"
    SITE_TYPE = "site_type"
    INDICATOR = "indicator"
    STANDARD = "standard"

    @property
    def label(self) -> str:
        """What people call it; also the name of the worksheet."""
        return {
            "region": "区域成绩",
            "department": "部门成绩",
            "unit": "责任单位成绩",
            "industry": "行业成绩",
            "site_type": "点位类型成绩",
            "indicator": "指数成绩",
            "standard": "测评标准成绩",
        }[self.value]


VETOED = "否决"
"""How a region without a rank for a veto is marked."""
