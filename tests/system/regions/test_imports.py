"""导入区域: a whole city in seconds; every kind of error by row and column."""

import asyncio
import io
import time
from pathlib import Path

import pytest
from tests.factories.places import make_county, make_region, make_unit

import wenming_api.system.regions
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.workbooks import MEDIA_TYPE, WorkbookWriter, read_table
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.regions.service import TABLE
from wenming_api.system.roles.rules import DataScope

ZIBO = Path(wenming_api.system.regions.__file__).parent / "data" / "regions_3703.csv"


async def test_a_whole_city_is_imported_in_seconds(admin):
    started = time.perf_counter()
    answer = await admin.post("/regions/imports", files={"file": ("zibo.csv", ZIBO.read_bytes())})
    assert answer.status_code == 200, answer.text
    assert time.perf_counter() - started < 5
    report = answer.json()
    assert (report["applied"], report["failed"], report["total"]) == (True, 0, 3028)
    listed = (await admin.get("/regions", params={"q": "般阳路", "level": "street"})).json()
    assert [item["full_name"] for item in listed["items"]] == ["淄博市/淄川区/般阳路街道"]


async def send(client, data, **params):
    return await client.post("/regions/imports", files={"file": ("regions", data)}, params=params)


def table(*rows):
    """A CSV with the cells as given, wrong ones too."""
    lines = ["区划代码,名称,级别,上级代码", *(",".join(cells) for cells in rows)]
    return "\n".join(lines).encode()


def xlsx(rows):
    data = io.BytesIO()
    with WorkbookWriter(data) as book:
        book.begin_plain("区域", ["区划代码", "名称", "级别", "上级代码"])
        for cells in rows:
            book.add_cells([cell or None for cell in cells])
    return data.getvalue()


# The city itself is there: the administrator's unit lies in it.
GOOD = [("370300000000", "淄博市", "市", ""), ("370302000000", "淄川区", "县（区）", "370300000000")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_csv_of_every_usual_encoding(admin, encoding):
    report = (await send(admin, table(*GOOD).decode().encode(encoding))).json()
    assert (report["applied"], report["created"], report["unchanged"]) == (True, 1, 1)


async def test_xlsx_and_again(admin):
    report = (await send(admin, xlsx(GOOD))).json()
    assert (report["applied"], report["created"], report["failed"]) == (True, 1, 0)
    again = (await send(admin, xlsx(GOOD))).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)


WRONG = [
    (("37030200100", "短", "镇（街道）", "370302000000"), "区划代码", "12 位数字"),
    (("370302001ABC", "字母", "镇（街道）", "370302000000"), "区划代码", "12 位数字"),
    (("", "无代码", "镇（街道）", "370302000000"), "区划代码", "不能为空"),
    (("370302001000", "", "镇（街道）", "370302000000"), "名称", "不能为空"),
    (("370302001000", "长" * 101, "镇（街道）", "370302000000"), "名称", "100"),
    (("370302001000", "无级别", "", "370302000000"), "级别", "不能为空"),
    (("370302001000", "错级别", "乡", "370302000000"), "级别", "应为下列之一"),
    (("370302001000", "级别不符", "社区（村）", "370302000000"), "级别", "不符"),
    (("370302001000", "无上级", "镇（街道）", ""), "上级代码", "须填上级代码"),
    (("370302001000", "没有的上级", "镇（街道）", "370399000000"), "上级代码", "不存在"),
    (("370303000000", "上级同级", "县（区）", "370302000000"), "上级代码", "下不能设"),
    (("370302000000", "重复", "县（区）", "370300000000"), "区划代码", "重复"),
    (("370302001000", "=cmd()", "镇（街道）", "370302999999"), "上级代码", "不存在"),
]


@pytest.mark.parametrize("make", [table, lambda *rows: xlsx(rows)], ids=["csv", "xlsx"])
@pytest.mark.parametrize(("wrong", "column", "message"), WRONG)
async def test_one_wrong_row_saves_nothing_and_is_named(admin, make, wrong, column, message):
    report = (await send(admin, make(*GOOD, wrong))).json()
    assert (report["applied"], report["failed"]) == (False, 1), report
    assert [(fault["row"], fault["column"]) for fault in report["faults"]] == [(4, column)]
    assert message in report["faults"][0]["message"]
    assert (await admin.get("/regions")).json()["total"] == 1


async def test_what_hangs_on_a_wrong_row_is_wrong_too(admin):
    rows = [*GOOD, ("370302001000", "街道", "乡", "370302000000"), ("370302001001", "村", "社区（村）", "370302001000")]
    report = (await send(admin, table(*rows), partial=True)).json()
    assert (report["applied"], report["created"], [fault["row"] for fault in report["faults"]]) == (True, 1, [4, 5])


async def test_existing_regions_keep_level_and_parent(admin, database):
    async with database.transaction() as session:
        county = await make_county(session, no=2)
        await make_county(session, no=3)
        await make_region(session, code="370302999999", name="特设", level=RegionLevel.STREET, parent=county)
    report = (
        await send(
            admin,
            table(
                ("370302999999", "特设", "社区（村）", "370302000000"),
                ("370302000000", "淄川区", "县（区）", "370303000000"),
            ),
        )
    ).json()
    assert [fault["column"] for fault in report["faults"]] == ["级别", "上级代码"]


async def test_a_dry_run_saves_nothing(admin):
    report = (await send(admin, table(*GOOD), dry_run=True)).json()
    assert (report["dry_run"], report["applied"], report["created"]) == (True, False, 1)
    assert (await admin.get("/regions")).json()["total"] == 1


async def test_the_error_workbook_marks_the_rows(admin):
    marked = await send(admin, table(*GOOD, WRONG[8][0]), workbook=True)
    assert marked.headers["content-type"] == MEDIA_TYPE
    back = read_table(marked.content, TABLE)
    assert [found["name"] for found in back.rows] == ["淄博市", "淄川区", "无上级"]
    assert (await send(admin, marked.content)).json()["failed"] == 1


async def test_renaming_by_import_renames_everything_below(admin, database):
    async with database.transaction() as session:
        county = await make_county(session, no=2, name="旧名")
        street = await make_region(session, code="370302001000", name="街道", level=RegionLevel.STREET, parent=county)
    renamed = [("370300000000", "新市", "市", ""), ("370302000000", "新区", "县（区）", "370300000000")]
    report = (await send(admin, table(*renamed))).json()
    assert (report["updated"], report["unchanged"]) == (2, 0)
    below = (await admin.get(f"/regions/{street.id}")).json()
    assert (below["full_name"], below["version"]) == ("新市/新区/街道", 2)
    above = (await admin.get(f"/regions/{county.id}")).json()
    assert (above["name"], above["full_name"]) == ("新区", "新市/新区")


async def test_rows_outside_the_scope_are_errors(as_user, database):
    async with database.transaction() as session:
        one, two = await make_county(session, no=2), await make_county(session, no=3)
        office = await make_unit(session, region=one)
    client = await as_user([Permission.REGIONS_READ, Permission.REGIONS_MANAGE], scope=DataScope.REGION, unit=office)
    data = table(
        ("370302001000", "本区街道", "镇（街道）", one.code), ("370303001000", "外区街道", "镇（街道）", two.code)
    )
    report = (await send(client, data, partial=True)).json()
    assert (report["created"], [fault["row"] for fault in report["faults"]]) == (1, [3])
    assert "数据范围" in report["faults"][0]["message"]
    reader = await as_user([Permission.REGIONS_READ])
    assert (await send(reader, data)).status_code == 403


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 422),
        (b"\xff\xfe\x00\x01", 422),
        (b"PK\x03\x04nothing", 422),
        ("代码,名称\n1,2".encode(), 422),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), 422),
        (table(*[("370300000000", "行", "市", "")] * 20_001), 413),
    ],
)
async def test_files_that_are_none_are_refused(admin, data, status):
    answer = await send(admin, data)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"].startswith("workbook_")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_two_imports_of_one_city_at_once_make_it_once(admin):
    answers = await asyncio.gather(*(send(admin, table(*GOOD)) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(answer.json()["created"] for answer in answers) == [0, 0, 0, 1]
    assert (await admin.get("/regions")).json()["total"] == 2
