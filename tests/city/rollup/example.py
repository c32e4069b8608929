"""The inputs of the worked example."""

from fractions import Fraction

from wenming_api.city.snapshots.rules import (
    Duty,
    Group,
    Indicator,
    Line,
    MethodScore,
    Named,
    Policies,
    Quota,
    Region,
    Sheet,
    Site,
    Snapshot,
    Standard,
    Unit,
)
from wenming_api.city.standards.rules import DutyRole

A1, A2, A3, B1 = "a1", "a2", "a3", "b1"


def example() -> Snapshot:
    """Two districts, four sites, three standards."""
    lead, co = DutyRole.LEAD, DutyRole.CO
    return Snapshot(
        policies=Policies(),
        regions=(
            Region("city", "某市", "city", None),
            Region("A", "甲区", "county", "city"),
            Region("B", "乙区", "county", "city"),
        ),
        sites=(
            Site(A1, "0001", "商场一", "X", "A", "u3", "retail"),
            Site(A2, "0002", "商场二", "X", "A", "u3", "retail"),
            Site(A3, "0003", "公园一", "Y", "A", "u3", "park"),
            Site(B1, "0004", "商场三", "X", "B", "u4", "retail"),
        ),
        site_types=(Named("X", "商场"), Named("Y", "公园")),
        standards=(
            Standard("s1", "Ⅲ-1-①", "order", Fraction(4), site_types=("X", "Y"), duties=(Duty("u1", lead),)),
            Standard(
                "s2",
                "Ⅲ-1-②",
                "order",
                Fraction(6),
                site_types=("X",),
                duties=(Duty("u2", lead), Duty("u1", co)),
            ),
            Standard("s3", "Ⅲ-2-①", "care", Fraction(10), site_types=("Y",), duties=(Duty("u1", lead),)),
        ),
        sheets=(
            Sheet("v1", A1, (Line("s1", Fraction(4)), Line("s2", Fraction("4.5")))),
            Sheet("v2", A2, (Line("s1", Fraction(0)), Line("s2", Fraction(6)))),
            Sheet("v3", A3, (Line("s1", Fraction(4)), Line("s3", Fraction(6)))),
            Sheet("v4", B1, (Line("s1", None), Line("s2", Fraction(5)))),
        ),
        groups=(Group("districts", "区县", {"field": Fraction(85), "questionnaire": Fraction(15)}, ("A", "B")),),
        quotas=(Quota("X", "county"), Quota("Y", "county")),
        indicators=(
            Indicator("root", None, 1, "Ⅰ-1", "环境"),
            Indicator("order", "root", 2, "Ⅱ-1", "秩序"),
            Indicator("care", "root", 2, "Ⅱ-2", "关爱"),
        ),
        units=(
            Unit("u1", "城管局"),
            Unit("u2", "公安局"),
            Unit("u3", "商务局"),
            Unit("u4", "乙区商务局"),
        ),
        industries=(Named("retail", "商业"), Named("park", "公园")),
        methods=(Named("field", "实地考察"), Named("questionnaire", "问卷调查")),
        method_scores=(
            MethodScore("questionnaire", Fraction("91.3"), Fraction(100), region="A"),
            MethodScore("questionnaire", Fraction("88.05"), Fraction(100), region="B"),
        ),
    )
