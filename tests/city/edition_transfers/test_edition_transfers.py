"""Indicator systems as workbooks: out and in again equal, mistakes by row and column, nothing half-saved."""

import asyncio
import io

import openpyxl
import pytest
from tests.factories.places import make_city, make_unit
from tests.factories.standards import (
    RULES,
    make_indicator,
    make_published,
    make_site_types,
    make_standard,
    make_system,
)

from wenming_api.catalog.permissions import Permission
from wenming_api.city.editions.service import load_sample_edition
from wenming_api.kit.workbooks import MEDIA_TYPE

HOSTILE = ["=1+1", "+A1", "-2", "@SUM(A1)", "'=x", "_x0041_", "<b>&amp;", "甲；乙、丙", "a\nb\n c"]


@pytest.fixture
async def full(admin, database):
    """A draft with every kind of rule and list, hostile texts, duties of units that share a name."""
    async with database.transaction() as session:
        await make_site_types(session, "26", "27")
        city = await make_city(session)
        units = [await make_unit(session, region=city, name=name) for name in ("市城管局", "市公安局", "=局")]
    system = await make_system(admin, code="FULL-1", description="说明\n第二行", source="=来源")
    top = await make_indicator(admin, system["id"], "Ⅰ-1")
    contents = [await make_indicator(admin, system["id"], f"Ⅱ-{no}", top["id"]) for no in (1, 2)]
    for no, rule in enumerate((*RULES, RULES[0], RULES[3])):
        await make_standard(
            admin,
            system["id"],
            contents[no % 2]["id"],
            f"Ⅲ-{no}",
            text=HOSTILE[no],
            rule=rule,
            max_score="2.3456789012" if no == 1 else "4",
            list_kind=("regular", "bonus", "negative")[no % 3],
            methods=["field", "document"][: 1 + no % 2],
            requires_photo=no == 2,
            site_type_codes=["26", "27"][: no % 3],
            duties=[str(unit.id) for unit in units[: no % 4]],
            evidence=HOSTILE[: no % 3],
            note=HOSTILE[-no - 1],
            source="来源" * no,
        )
    return (await admin.get(f"/indicator-systems/{system['id']}")).json()


async def export(client, system_id):
    answer = await client.get(f"/indicator-systems/{system_id}/workbook")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    return answer.content


async def send(client, url, data, **params):
    return await client.post(url, files={"file": ("体系.xlsx", data, MEDIA_TYPE)}, params=params)


async def tree(client, system_id):
    """The tree without what differs between two systems of the same content."""

    def bare(node):
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items() if k not in {"id", "indicator_id", "system_id", "version"}}
        return [bare(each) for each in node] if isinstance(node, list) else node

    return bare((await client.get(f"/indicator-systems/{system_id}/tree")).json())


def edited(data, change):
    book = openpyxl.load_workbook(io.BytesIO(data))
    change(book)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


def column(sheet, header):
    return next(cell.column for cell in sheet[1] if str(cell.value).removesuffix("*") == header)


def put(sheet_name, row, header, value):
    def change(book):
        sheet = book[sheet_name]
        sheet.cell(row=row, column=column(sheet, header)).value = value

    return change


async def test_export_and_import_are_equal(admin, full, statements):
    with statements() as sent:
        data = await export(admin, full["id"])
    assert sent.count <= 6
    again = edited(data, put("体系", 2, "体系编号", "FULL-2"))
    answer = await send(admin, "/indicator-systems/imports", again)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["applied"], report["failed"], report["faults"]) == (True, 0, [])
    assert (report["indicators"]["created"], report["standards"]["created"]) == (3, 7)
    assert await tree(admin, report["system_id"]) == await tree(admin, full["id"])
    hashes = [
        (await admin.get(f"/indicator-systems/{id_}/publish-check")).json()["content_hash"]
        for id_ in (full["id"], report["system_id"])
    ]
    assert hashes == [report["content_hash"]] * 2
    made = (await admin.get(f"/indicator-systems/{report['system_id']}")).json()
    for name in ("name", "edition", "description", "source", "level_names", "methods", "max_score"):
        assert made[name] == full[name]
    second = edited(await export(admin, report["system_id"]), put("体系", 2, "体系编号", "FULL-1"))
    assert sheets(second) == sheets(data)


def sheets(data):
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: [[cell.value for cell in row] for row in sheet.rows] for sheet in book}


async def test_replacing_keeps_what_has_the_same_code(admin, full):
    url = f"/indicator-systems/{full['id']}"
    standards = {s["code"]: s for s in (await admin.get(f"{url}/standards")).json()["items"]}

    def change(book):
        put("标准", 2, "备注", "改过")(book)
        sheet = book["标准"]
        sheet.cell(row=8, column=column(sheet, "编号"), value="新编号")

    data = edited(await export(admin, full["id"]), change)
    changed_code = sheets(await export(admin, full["id"]))["标准"][1][0]
    gone_code = sheets(await export(admin, full["id"]))["标准"][7][0]
    dry = (await send(admin, f"{url}/imports", data, version=full["version"], dry_run=True)).json()
    expected = {"created": 1, "updated": 1, "unchanged": 5, "removed": 1}
    assert (dry["applied"], dry["standards"]) == (False, expected)
    assert (await admin.get(url)).json()["version"] == full["version"]
    done = (await send(admin, f"{url}/imports", data, version=full["version"])).json()
    assert (done["applied"], done["standards"]) == (True, expected)
    assert done["indicators"] == {"created": 0, "updated": 0, "unchanged": 3, "removed": 0}
    after = {s["code"]: s for s in (await admin.get(f"{url}/standards")).json()["items"]}
    assert after.keys() == standards.keys() - {gone_code} | {"新编号"}
    kept = after.keys() & standards.keys()
    assert {after[code]["id"] for code in kept} == {standards[code]["id"] for code in kept}
    assert after[changed_code]["version"] > standards[changed_code]["version"]
    late = await send(admin, f"{url}/imports", data, version=full["version"])
    assert (late.status_code, late.json()["code"]) == (409, "version_moved")
    assert done["version"] == (await admin.get(url)).json()["version"]


MISTAKES = [
    ("体系", 2, "层级名称", "一、一", "层级名称"),
    ("体系", 2, "测评方法", "field:实地", "测评方法"),
    ("体系", 2, "体系编号", "含 空格", "体系编号"),
    ("指标", 3, "层级", 9, "层级"),
    ("指标", 3, "上级编号", "Ⅱ-1", "上级编号"),
    ("指标", 3, "上级编号", None, "上级编号"),
    ("指标", 4, "编号", "Ⅱ-1", "编号"),
    ("标准", 2, "所属指标", "Ⅰ-1", "所属指标"),
    ("标准", 2, "分值", "很多", "分值"),
    ("标准", 2, "分值", -1, "分值"),
    ("标准", 2, "类别", "别的", "类别"),
    ("标准", 2, "评分方式", "分档", "评分方式"),
    ("标准", 2, "测评方法", "心灵感应", "测评方法"),
    ("标准", 2, "适用点位类型", "99 无", "适用点位类型"),
    ("标准", 2, "责任单位", "不存在的单位", "责任单位"),
    ("标准", 3, "编号", "Ⅲ-0", "编号"),
    ("标准", 2, "备注", "=1+1", "备注"),
    ("评分细则", 2, "标准编号", "没有", "标准编号"),
    ("评分细则", 2, "名称", None, "名称"),
]


async def test_mistakes_are_named_by_sheet_row_and_column_and_nothing_is_saved(admin, full):
    data = await export(admin, full["id"])
    before = await tree(admin, full["id"])
    for sheet, row, header, value, blamed in MISTAKES:
        wrong = edited(data, put(sheet, row, header, value))
        answer = await send(admin, f"/indicator-systems/{full['id']}/imports", wrong, version=full["version"])
        assert answer.status_code == 200, answer.text
        report = answer.json()
        assert report["applied"] is False, (sheet, header, value)
        found = {(fault["sheet"], fault["row"], fault["column"]) for fault in report["faults"]}
        assert (sheet, row, blamed) in found, (sheet, header, value, report["faults"])
    assert await tree(admin, full["id"]) == before
    taken = (await send(admin, "/indicator-systems/imports", data)).json()
    assert [(fault["sheet"], fault["column"]) for fault in taken["faults"]] == [("体系", "体系编号")]
    assert (await admin.get("/indicator-systems")).json()["total"] == 1


async def test_mistakes_come_back_as_a_workbook(admin, full):
    data = edited(await export(admin, full["id"]), put("标准", 3, "分值", "很多"))
    answer = await send(admin, "/indicator-systems/imports", data, dry_run=True, workbook=True)
    assert answer.headers["content-type"] == MEDIA_TYPE
    marked = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert marked.sheetnames == ["体系", "指标", "标准", "评分细则"]
    sheet = marked["标准"]
    assert "分值：应为数字" in sheet.cell(row=3, column=column(sheet, "错误")).value
    assert sheet.cell(row=3, column=column(sheet, "分值")).fill.fgColor.rgb == "FFFFC7CE"


async def test_what_is_no_such_workbook_is_refused(admin):
    for data, status, code in (
        (b"", 422, "workbook_unreadable"),
        (b"not a workbook", 422, "workbook_unreadable"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), 422, "workbook_encrypted"),
    ):
        answer = await send(admin, "/indicator-systems/imports", data)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    other = io.BytesIO()
    openpyxl.Workbook().save(other)
    answer = await send(admin, "/indicator-systems/imports", other.getvalue())
    assert (answer.status_code, answer.json()["code"]) == (422, "workbook_header_mismatch")
    template = (await admin.get("/indicator-systems/template")).content
    report = (await send(admin, "/indicator-systems/imports", template)).json()
    assert report["faults"] == [{"sheet": "体系", "row": 2, "column": None, "message": "应有且只有一行"}]


async def test_the_sample_survives_and_a_large_edition_fits(admin, database):
    async with database.transaction() as session:
        sample = await load_sample_edition(session)
    data = edited(await export(admin, sample), put("体系", 2, "体系编号", "SAMPLE-2"))
    report = (await send(admin, "/indicator-systems/imports", data)).json()
    published = (await admin.get(f"/indicator-systems/{sample}")).json()
    assert (report["applied"], report["content_hash"]) == (True, published["content_hash"])

    def enlarge(book):
        put("体系", 2, "体系编号", "NATIONAL-2005")(book)
        put("体系", 2, "层级名称", "测评项目、测评内容")(book)
        indicators, standards = book["指标"], book["标准"]
        indicators.delete_rows(2, 100)
        standards.delete_rows(2, 100)
        book["评分细则"].delete_rows(2, 500)
        for project in range(1, 120):
            indicators.append([f"Ⅰ-{project}", f"项目{project}", 1, None])
        for content in range(1, 258):
            indicators.append([f"Ⅱ-{content}", f"内容{content}", 2, f"Ⅰ-{(content - 1) % 119 + 1}"])
            standards.append([f"Ⅲ-{content}", f"Ⅱ-{content}", "标准", "基本", 1, "实地考察", "符合/不符合"])

    report = (await send(admin, "/indicator-systems/imports", edited(data, enlarge))).json()
    assert (report["applied"], report["faults"]) == (True, [])
    shown = (await admin.get(f"/indicator-systems/{report['system_id']}")).json()
    assert [level["count"] for level in shown["levels"]] == [119, 257]
    assert (shown["standard_count"], shown["max_score"]) == (257, "257")


async def test_the_same_import_sent_again_makes_one_system(admin, full):
    data = edited(await export(admin, full["id"]), put("体系", 2, "体系编号", "ONCE-1"))
    files = {"file": ("x.xlsx", data, MEDIA_TYPE)}
    request = admin.build_request("POST", "/indicator-systems/imports", files=files)
    headers = {"Idempotency-Key": "import-once-1", "Content-Type": request.headers["content-type"]}
    body = request.read()
    answers = await asyncio.gather(
        *(admin.post("/indicator-systems/imports", content=body, headers=headers) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.json()["system_id"] for answer in answers}) == 1


async def test_only_managers_import_and_nothing_published_is_replaced(as_user, admin):
    published = await make_published(admin)
    url = f"/indicator-systems/{published['id']}"
    reader = await as_user([Permission.STANDARDS_READ])
    data = await export(reader, published["id"])
    refused = await send(admin, f"{url}/imports", data, version=published["version"])
    assert (refused.status_code, refused.json()["code"]) == (409, "indicator_system_not_draft")
    assert (await send(reader, "/indicator-systems/imports", data)).status_code == 403
    assert (await send(reader, f"{url}/imports", data, version=1)).status_code == 403
    assert (await reader.get("/indicator-systems/template")).status_code == 403
