"""导入单位: rows with errors, dry runs, partial imports, updates, scope."""

import pytest
from sqlalchemy import select
from tests.factories.places import make_county, make_unit
from tests.factories.sites import make_dictionary

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.workbooks import read_table, write_csv, write_table
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.unit_imports.service import TABLE
from wenming_api.system.units.models import Unit

CODES = ["91350100M000100Y43", "91440300708461136T"]


@pytest.fixture
async def county(database):
    async with database.transaction() as session:
        await make_dictionary(session, items=("education", "health"))
        return await make_county(session)


def row(name, region, **values):
    given = dict.fromkeys(column.key for column in TABLE.columns)
    return given | {"name": name, "region_code": region.code} | values


async def send(client, rows, *, as_csv=False, **params):
    data = b"".join(write_csv(TABLE, rows)) if as_csv else write_table(TABLE, rows)
    return await client.post("/units/imports", files={"file": ("units.xlsx", data)}, params=params)


@pytest.mark.parametrize("as_csv", [False, True])
async def test_a_tree_is_imported_in_any_order(admin, county, database, as_csv):
    rows = [
        row("中队", county, managing="城管局", industry_code="项education"),
        row("城管局", county, managing=CODES[0], industry_code="health", is_civility_office=False),
        row("区政府", county, credit_code=CODES[0].lower(), short_name="府"),
    ]
    answer = await send(admin, rows, as_csv=as_csv)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["applied"], report["created"], report["failed"], report["total"]) == (True, 3, 0, 3)
    async with database.transaction() as session:
        found = {unit.name: unit for unit in (await session.execute(select(Unit))).scalars()}
    top, middle, leaf = (found[name] for name in ("区政府", "城管局", "中队"))
    assert leaf.unit_path == f"{top.number}/{middle.number}/{leaf.number}/"
    assert leaf.managing_unit_id == middle.id
    assert (leaf.industry_code, middle.industry_code, top.credit_code) == ("education", "health", CODES[0])
    assert leaf.region_path == county.path
    again = (await send(admin, rows)).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)
    changed = (await send(admin, [row("中队", county, short_name="新简称")])).json()
    assert (changed["created"], changed["updated"]) == (0, 1)
    detail = (await admin.get(f"/units/{leaf.id}")).json()
    assert (detail["short_name"], detail["industry_code"], detail["version"]) == ("新简称", "education", 2)


BAD = [
    ({"name": None}, "名称", "不能为空"),
    ({"region_code": "370399000000"}, "区域代码", "没有代码"),
    ({"credit_code": "91350100M000100Y4Z"}, "统一社会信用代码", "校验位"),
    ({"industry_code": "没有"}, "行业", "字典中没有"),
    ({"managing": "没有"}, "管理单位", "找不到"),
    ({"is_civility_office": "也许"}, "是否文明办", "是"),
    ({"name": "好单位"}, "名称", "同名单位"),
]


@pytest.mark.parametrize(("change", "column", "message"), BAD)
async def test_one_wrong_row_saves_nothing_and_is_named(admin, county, change, column, message):
    rows = [row("好单位", county), row("坏单位", county) | change]
    report = (await send(admin, rows)).json()
    assert (report["applied"], report["failed"]) == (False, 1)
    assert [(fault["row"], fault["column"]) for fault in report["faults"]] == [(3, column)]
    assert message in report["faults"][0]["message"]
    assert (await admin.get("/units", params={"q": "好单位"})).json()["total"] == 0


async def test_partial_imports_save_the_good_rows(admin, county):
    rows = [row("好单位", county), row("坏单位", county, managing="没有"), row("坏的下级", county, managing="坏单位")]
    report = (await send(admin, rows, partial=True)).json()
    assert (report["applied"], report["created"], report["failed"]) == (True, 1, 2)
    assert [fault["row"] for fault in report["faults"]] == [3, 4]
    assert (await admin.get("/units", params={"q": "好单位"})).json()["total"] == 1


async def test_a_dry_run_saves_nothing(admin, county):
    report = (await send(admin, [row("好单位", county)], dry_run=True)).json()
    assert (report["dry_run"], report["applied"], report["created"]) == (True, False, 1)
    assert (await admin.get("/units", params={"q": "好单位"})).json()["total"] == 0


async def test_the_error_workbook_marks_rows_and_can_be_corrected(admin, county):
    rows = [row("好单位", county), row("坏单位", county, managing="没有")]
    marked = await send(admin, rows, workbook=True)
    assert marked.headers["content-type"].startswith("application/vnd.openxmlformats")
    back = read_table(marked.content, TABLE)
    assert [found["name"] for found in back.rows] == ["好单位", "坏单位"]
    answer = await admin.post("/units/imports", files={"file": ("again.xlsx", marked.content)})
    assert answer.json()["failed"] == 1


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"PK\x03\x04broken", "名称\n甲".encode()])
async def test_files_that_are_none_are_refused(admin, county, data):
    answer = await admin.post("/units/imports", files={"file": ("units.xlsx", data)})
    assert answer.status_code == 422
    assert answer.json()["code"].startswith("workbook_")


async def test_rows_outside_the_scope_are_errors(as_user, county, database):
    async with database.transaction() as session:
        home = await make_unit(session, region=county, name="区文明办")
        other = await make_county(session, no=8)
        await make_unit(session, region=other, name="外区局")
    client = await as_user([Permission.UNITS_READ, Permission.UNITS_MANAGE], scope=DataScope.REGION, unit=home)
    rows = [
        row("本区", county, managing="区文明办"),
        row("外区", other),
        row("越级", county, managing="外区局"),
        row("外区局", other, short_name="改名"),
    ]
    report = (await send(client, rows, partial=True)).json()
    assert (report["created"], report["failed"]) == (1, 3)
    assert {fault["row"] for fault in report["faults"]} == {3, 4, 5}
    assert all("数据范围" in fault["message"] for fault in report["faults"])


async def test_five_thousand_units_are_imported_in_few_statements(admin, county, statements):
    rows = [row("总部", county), *(row(f"分部{no}", county, managing="总部") for no in range(4999))]
    await admin.get("/units")
    with statements() as sent:
        report = (await send(admin, rows)).json()
    assert report["created"] == 5000
    assert sent.count < 40


async def test_importing_needs_the_permission(as_user, county):
    client = await as_user([Permission.UNITS_READ])
    assert (await send(client, [row("甲", county)])).status_code == 403


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_table_without_rows_is_refused(admin, county, dry_run):
    answer = await send(admin, [], dry_run=dry_run)
    assert (answer.status_code, "表中没有数据行" in answer.json()["detail"]) == (422, True)
