"""The order in which imported units are made."""

from hypothesis import given
from hypothesis import strategies as st

from wenming_api.system.unit_imports.rules import UnitFact, UnitRow, arrange

REGION = "370302000000"


def row(no, name, *, managing=None, code=None, region=REGION):
    return UnitRow(no, region, name, code, managing)


def test_rows_may_come_in_any_order():
    rows = [row(2, "丙", managing="乙"), row(3, "乙", managing="甲"), row(4, "甲")]
    arranged, faults = arrange(rows, [])
    assert [item.row.name for item in arranged] == ["甲", "乙", "丙"]
    assert faults == []


def test_a_known_unit_may_manage():
    arranged, faults = arrange([row(2, "乙", managing="甲")], [UnitFact(REGION, "甲")])
    assert arranged[0].managing == (REGION, "甲")
    assert not arranged[0].exists
    assert faults == []


def test_each_fault_is_named():
    known = [
        UnitFact(REGION, "旧", "A"),
        UnitFact(REGION, "旧二", None, (REGION, "旧")),
        UnitFact("370303000000", "同名"),
        UnitFact(REGION, "同名"),
    ]
    rows = [
        row(2, "甲", managing="没有"),
        row(3, "乙", managing="同名"),
        row(4, "丙"),
        row(5, "丙"),
        row(6, "丁", code="X"),
        row(7, "戊", code="X"),
        row(8, "己", code="A"),
        row(9, "环一", managing="环二"),
        row(10, "环二", managing="环一"),
        row(11, "环下", managing="环一"),
        row(12, "旧二", managing="丙"),
        row(13, "庚", managing="甲"),
        row(14, "自己", managing="自己"),
    ]
    arranged, faults = arrange(rows, known)
    assert {item.row.row for item in arranged} == {4, 6}
    found = {fault[0].row: fault[1:] for fault in faults}
    assert found[2] == ("managing", "找不到管理单位“没有”")
    assert "2 个单位名为" in found[3][1]
    assert found[5] == ("name", "与第 4 行是同一区域的同名单位")
    assert found[7] == ("credit_code", "信用代码与第 6 行重复")
    assert found[8] == ("credit_code", "信用代码已属于“旧”")
    assert [found[no][1] for no in (9, 10, 11, 14)] == ["管理单位互相循环"] * 4
    assert "调整管理单位" in found[12][1]
    assert found[13][1] == "管理单位（第 2 行）有误"


@given(st.lists(st.one_of(st.none(), st.integers(0, 14)), max_size=15))
def test_every_row_is_arranged_after_its_manager_or_faulty(managers):
    rows = [
        row(no + 2, f"单位{no}", managing=None if manager is None else f"单位{manager}")
        for no, manager in enumerate(managers)
    ]
    arranged, faults = arrange(rows, [])
    assert sorted([item.row.row for item in arranged] + [fault[0].row for fault in faults]) == [r.row for r in rows]
    seen = set()
    for item in arranged:
        assert item.managing is None or item.managing in seen
        seen.add(item.row.key)

    def rooted(no):
        steps = set()
        while no is not None and no < len(managers) and no not in steps:
            steps.add(no)
            no = managers[no]
        return no is None

    assert {item.row.row - 2 for item in arranged} == {no for no in range(len(managers)) if rooted(no)}
