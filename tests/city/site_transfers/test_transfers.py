"""导入导出: row errors, all or nothing, round trips, scope, bad files."""

import io
import json
import zipfile
from typing import Any

import openpyxl
import pytest
from sqlalchemy import text
from tests.factories.places import make_city, make_county, make_region, make_unit
from tests.factories.sites import make_dictionary, make_site, make_site_type

from wenming_api.catalog.permissions import Permission
from wenming_api.city.site_transfers.schemas import TABLE
from wenming_api.kit.workbooks import write_table
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.roles.rules import DataScope

MANAGE = [Permission.SITES_READ, Permission.SITES_MANAGE]


@pytest.fixture
async def county(database):
    """A county with two communities of the same name in different streets, a type, an industry."""
    async with database.transaction() as session:
        made = await make_county(session, 2, "淄川区")
        for no, street in enumerate(("般阳路街道", "松龄路街道"), start=1):
            parent = await make_region(
                session, code=f"37030200{no}000", name=street, level=RegionLevel.STREET, parent=made
            )
            await make_region(
                session,
                code=f"37030200{no}001",
                name="城里社区",
                level=RegionLevel.COMMUNITY,
                parent=parent,
            )
        await make_site_type(session, "37", name="小区")
        await make_dictionary(session, items=("housing",))
    return made


def row(**values: Any) -> dict[str, Any]:
    return {"name": "甲小区", "site_type": "37", "region": "370302001001"} | values


def workbook(*rows: dict[str, Any]) -> bytes:
    return write_table(TABLE, rows)


async def send(client: Any, data: bytes, format_: str = "xlsx", **params: Any) -> Any:
    return await client.post(
        "/site-imports", params={"format": format_, **params}, files={"file": (f"a.{format_}", data)}
    )


async def everything(client: Any) -> list[dict[str, Any]]:
    items = (await client.get("/sites", params={"size": 100})).json()["items"]
    return [{k: v for k, v in each.items() if k not in ("id", "updated_at", "version")} for each in items]


async def test_good_rows_are_saved_with_history(admin, county):
    answer = await send(
        admin,
        workbook(
            row(code="A1", longitude="117.9", latitude="36.6", crs="gcj02", industry="housing"),
            row(name="乙小区", site_type="小区", region="淄博市/淄川区/松龄路街道/城里社区", active=False),
            row(name="丙小区", region="淄川区>松龄路街道>城里社区", industry="项housing"),
        ),
    )
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["state"], report["total"], report["created"], report["failed"]) == ("applied", 3, 3, 0)
    sites = (await admin.get("/sites", params={"sort": "created_at"})).json()["items"]
    assert [site["region_name"] for site in sites] == [
        "淄博市/淄川区/般阳路街道/城里社区",
        "淄博市/淄川区/松龄路街道/城里社区",
        "淄博市/淄川区/松龄路街道/城里社区",
    ]
    assert [site["active"] for site in sites] == [True, False, True]
    assert [site["industry_code"] for site in sites] == ["housing", None, "housing"]
    assert sites[0]["crs"] == "gcj02"
    history = (await admin.get(f"/sites/{sites[0]['id']}/history")).json()["items"]
    assert [each["action"] for each in history] == ["import"]
    entries = (await admin.get("/audit-entries", params={"context_id": report["id"]})).json()
    assert entries["total"] == 4


BAD = [
    ({"name": None}, "点位名称"),
    ({"name": "好" * 101}, "点位名称"),
    ({"site_type": "99"}, "点位类型"),
    ({"region": "370399000000"}, "所属区域"),
    ({"region": "城里社区"}, "所属区域"),
    ({"longitude": "200", "latitude": "36"}, "经度"),
    ({"longitude": "118"}, "经度"),
    ({"longitude": "abc", "latitude": "36"}, "经度"),
    ({"unit": "没有这个单位"}, "责任单位"),
    ({"industry": "没有"}, "行业"),
    ({"code": "有 空格"}, "点位编号"),
    ({"address": "a\nb"}, "地址"),
]


@pytest.mark.parametrize(("values", "column"), BAD)
async def test_a_bad_row_is_named_and_nothing_is_saved(admin, county, values, column):
    report = (await send(admin, workbook(row(), row(name="乙小区") | values))).json()
    assert (report["state"], report["failed"], report["created"]) == ("rejected", 1, 0)
    assert [(error["row"], error["column"]) for error in report["errors"]] == [(3, column)]
    assert await everything(admin) == []


async def test_partly_and_dry(admin, county):
    data = workbook(row(), row(name="乙小区", site_type="99"))
    dry = (await send(admin, data, dry_run=True)).json()
    assert (dry["state"], dry["created"], dry["failed"]) == ("checked", 1, 1)
    assert await everything(admin) == []
    partly = (await send(admin, data, partial=True)).json()
    assert (partly["state"], partly["created"], partly["failed"]) == ("partial", 1, 1)
    assert [each["name"] for each in await everything(admin)] == ["甲小区"]


async def test_the_error_workbook_can_be_corrected_and_sent_again(admin, as_user, county):
    data = workbook(row(), row(name="乙小区", site_type="=1+1", note="'=留着"), row(name="丙小区"))
    report = (await send(admin, data, partial=True)).json()
    marked = await admin.get(f"/site-imports/{report['id']}/errors")
    sheet = openpyxl.load_workbook(io.BytesIO(marked.content)).active
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    assert (len(lines), lines[0][-1]) == (2, "错误")
    assert lines[1][-1].startswith("点位类型：")
    sheet.cell(2, lines[0].index("点位类型") + 1, "37")
    corrected = io.BytesIO()
    sheet.parent.save(corrected)
    again = (await send(admin, corrected.getvalue())).json()
    assert (again["state"], again["created"]) == ("applied", 1), again
    assert len(await everything(admin)) == 3
    stranger = await as_user(MANAGE)
    assert (await stranger.get(f"/site-imports/{report['id']}")).status_code == 404
    assert (await stranger.get(f"/site-imports/{report['id']}/errors")).status_code == 404
    assert (await stranger.get("/site-imports")).json()["total"] == 0
    assert (await admin.get("/site-imports")).json()["total"] == 2
    assert (await admin.get(f"/site-imports/{report['id']}")).json() == report


async def test_what_is_there_already(admin, county):
    first = workbook(row(code="A1"), row(name="无编号"))
    assert (await send(admin, first)).json()["state"] == "applied"
    twice = (await send(admin, first)).json()
    assert (twice["state"], twice["failed"]) == ("rejected", 2)
    skipped = (await send(admin, first, on_existing="skip")).json()
    assert (skipped["state"], skipped["created"], skipped["unchanged"]) == ("applied", 0, 2)
    changed = workbook(row(code="A1", name="改名", note="新"), row(name="无编号"))
    updated = (await send(admin, changed, on_existing="update")).json()
    assert (updated["updated"], updated["unchanged"], updated["created"]) == (1, 1, 0)
    site = (await admin.get("/sites", params={"q": "改名"})).json()["items"][0]
    assert (site["code"], site["version"]) == ("A1", 2)
    newest = (await admin.get(f"/sites/{site['id']}/history")).json()["items"][0]
    assert newest["changes"] == {"name": ["甲小区", "改名"], "note": [None, "新"]}


async def test_rows_that_repeat_inside_the_file(admin, county):
    report = (await send(admin, workbook(row(code="A1"), row(code="A1"), row(), row()))).json()
    assert [(error["row"], error["message"]) for error in report["errors"]] == [
        (3, "与第 2 行重复"),
        (5, "与第 4 行重复"),
    ]


async def test_an_inactive_site_is_changed_only_when_it_is_enabled(admin, database, county):
    async with database.transaction() as session:
        await make_site(session, region=county, code="A1", name="旧名", active=False, place=None)
    given = {"code": "A1", "region": county.code}
    refused = (await send(admin, workbook(row(**given)), on_existing="update")).json()
    assert [error["column"] for error in refused["errors"]] == ["是否启用"]
    done = (await send(admin, workbook(row(**given, active=True)), on_existing="update")).json()
    assert done["updated"] == 1


async def test_units_by_name_or_credit_code(admin, database, county):
    async with database.transaction() as session:
        one = await make_unit(session, region=county, name="城管局")
        same = await make_unit(session, name="城管局")
        same.credit_code = "11370300X00000027D"
    twice = (await send(admin, workbook(row(unit="城管局")))).json()
    assert "重名" in twice["errors"][0]["message"]
    done = (await send(admin, workbook(row(unit="11370300X00000027D")))).json()
    assert done["state"] == "applied"
    assert one.id != same.id
    assert (await admin.get("/sites")).json()["items"][0]["responsible_unit_id"] == str(same.id)


@pytest.mark.parametrize("format_", ["xlsx", "csv", "geojson"])
async def test_an_exported_file_imports_as_it_is(admin, database, county, format_):
    async with database.transaction() as session:
        unit = await make_unit(session, region=county, name="城管局")
        await make_site(
            session, region=county, code="A1", name='=甲,"小区"', unit=unit, place=("117.96712345", "36.6"), note="'引"
        )
        await make_site(session, region=county, code="A2", place=None, active=False, address="柳泉路 1 号")
        await make_site(session, region=county, code="A3", industry_code="housing")
    before = await everything(admin)
    exported = await admin.get("/site-exports", params={"format": format_})
    assert exported.status_code == 200
    assert "attachment" in exported.headers["Content-Disposition"]
    same = (await send(admin, exported.content, format_, on_existing="update")).json()
    assert (same["state"], same["unchanged"], same["updated"]) == ("applied", 3, 0), same
    async with database.transaction() as session:
        for table in ("site_versions", "sites"):
            await session.execute(text(f"DELETE FROM {table}"))
    assert (await send(admin, exported.content, format_)).json()["created"] == 3
    assert await everything(admin) == before


async def test_an_export_is_filtered_and_scoped(as_user, database, county):
    async with database.transaction() as session:
        other = await make_county(session, 3)
        unit = await make_unit(session, region=county)
        await make_site(session, region=county, code="IN-1")
        await make_site(session, region=county, code="IN-2", active=False)
        await make_site(session, region=other, code="OUT")
    caller = await as_user(MANAGE, scope=DataScope.REGION, unit=unit)
    for format_ in ("csv", "geojson"):
        written = (await caller.get("/site-exports", params={"format": format_, "active": True})).text
        assert "IN-1" in written
        assert "IN-2" not in written
        assert "OUT" not in written


async def test_an_empty_export_is_a_whole_file(admin, county):
    empty = await admin.get("/site-exports", params={"format": "geojson"})
    assert empty.json() == {"type": "FeatureCollection", "features": []}
    assert (await admin.get("/site-exports", params={"format": "csv"})).text.startswith("\ufeff点位编号")
    book = openpyxl.load_workbook(io.BytesIO((await admin.get("/site-exports")).content))
    assert book.active.max_row == 1


async def test_an_import_stays_inside_the_scope(as_user, admin, database, county):
    async with database.transaction() as session:
        other = await make_county(session, 3)
        unit = await make_unit(session, region=county)
        await make_site(session, region=other, code="OUT", name="别区")
    caller = await as_user(MANAGE, scope=DataScope.REGION, unit=unit)
    outside = (await send(caller, workbook(row(region=other.code)))).json()
    assert [error["column"] for error in outside["errors"]] == ["所属区域"]
    taken = (await send(caller, workbook(row(code="OUT")), on_existing="update")).json()
    assert [error["message"] for error in taken["errors"]] == ["编号已被使用"]
    assert (await send(caller, workbook(row()))).json()["created"] == 1
    assert {each["name"] for each in await everything(admin)} == {"甲小区", "别区"}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


async def test_geojson_keeps_its_reference_system(admin, county):
    point = {"type": "Point", "coordinates": [117.96, 36.64]}
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "EPSG:4490"}},
        "features": [
            feature(point, **row()),
            feature(None, 点位名称="乙小区", 点位类型="小区", 所属区域="370302001001"),
        ],
    }
    report = (await send(admin, json.dumps(document).encode(), "geojson")).json()
    assert report["state"] == "applied", report
    sites = await everything(admin)
    assert [
        (site["crs"], site["longitude"]) for site in sorted(sites, key=lambda site: site["name"], reverse=True)
    ] == [
        ("cgcs2000", "117.96"),
        ("cgcs2000", None),
    ]


async def test_bad_features_are_rows_in_error(admin, county):
    line = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
    document = {"type": "FeatureCollection", "features": [feature(line, **row()), "x", feature(None, name=["a"])]}
    report = (await send(admin, json.dumps(document).encode(), "geojson")).json()
    assert (report["state"], report["failed"], report["total"]) == ("rejected", 3, 3)
    assert {error["row"] for error in report["errors"]} == {2, 3, 4}
    assert (await admin.get(f"/site-imports/{report['id']}/errors")).status_code == 200


@pytest.mark.parametrize(
    ("format_", "data"),
    [
        ("xlsx", b""),
        ("xlsx", b"PK\x03\x04 broken"),
        ("xlsx", b"\xd0\xcf\x11\xe0"),
        ("xlsx", b"\xff\xfe\x00\xd8"),
        ("csv", "名称,别的\n1,2\n".encode()),
        ("csv", b"\x00"),
        ("geojson", b"{}"),
        ("geojson", b"[" * 10_000),
        ("geojson", b"\xff"),
        ("geojson", b'{"type":"FeatureCollection","features":[],"crs":{"properties":{"name":"EPSG:3857"}}}'),
    ],
)
async def test_unreadable_files_are_refused_whole(admin, county, format_, data):
    answer = await send(admin, data, format_)
    assert answer.status_code in (413, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await admin.get("/site-imports")).json()["total"] == 0


async def test_a_bomb_is_refused(admin, county):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (450 * 1024 * 1024))
    assert (await send(admin, bomb.getvalue())).status_code in (413, 422)


async def test_hostile_cells_come_back_in_the_error_workbook(admin, county):
    header = ",".join(column.header for column in TABLE.columns)
    data = f"{header}\nA1,名\x01字,37,370302001001\n".encode()
    report = (await send(admin, data, "csv")).json()
    assert (report["state"], report["failed"]) == ("rejected", 1)
    assert (await admin.get(f"/site-imports/{report['id']}/errors")).status_code == 200


async def test_a_repeated_import_with_a_key_answers_the_same(admin, county):
    data = {"file": ("a.xlsx", workbook(row()), "application/octet-stream")}
    boundary = {"Idempotency-Key": "import-0001", "Content-Type": "multipart/form-data; boundary=same"}
    first = await admin.post("/site-imports", files=data, headers=boundary)
    second = await admin.post("/site-imports", files=data, headers=boundary)
    assert first.status_code == 201, first.text
    assert second.json() == first.json()
    assert len(await everything(admin)) == 1


async def test_the_template_names_the_columns(admin):
    book = openpyxl.load_workbook(io.BytesIO((await admin.get("/site-imports/template")).content))
    assert [cell.value for cell in book["点位"][1]] == [
        f"{column.header}*" if column.required else column.header for column in TABLE.columns
    ]


async def test_a_city_is_found_by_full_path_too(admin, database):
    async with database.transaction() as session:
        await make_city(session)
        await make_site_type(session, "37")
    assert (await send(admin, workbook(row(region="淄博市")))).json()["state"] == "applied"
