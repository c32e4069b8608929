"""导入用户: rows with errors, passwords issued once, roles within bounds."""

import pytest
from tests.factories.callers import make_user
from tests.factories.places import make_county, make_unit
from tests.factories.roles import make_role

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.workbooks import read_table, write_table
from wenming_api.system.account_imports.service import TABLE
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Department

MANAGE = [Permission.USERS_READ, Permission.USERS_MANAGE]


@pytest.fixture
async def unit(database):
    async with database.transaction() as session:
        made = await make_unit(session, region=await make_county(session), name="区城管局")
        session.add(Department(unit_id=made.id, name="办公室"))
        await make_role(session, Permission.SITES_READ, code="reader")
        await make_user(session, unit=made, username="taken")
    return made


def row(username, **values):
    given = {"username": username, "display_name": f"姓名{username}", "unit": "区城管局"}
    return {"department": None, "roles": (), **given} | values


async def send(client, rows, **params):
    data = write_table(TABLE, rows)
    return await client.post("/users/imports", files={"file": ("users.xlsx", data)}, params=params)


async def test_users_are_made_with_passwords_that_work(admin, client, unit):
    rows = [row("Zhang.San", department="办公室", roles=("角色reader",)), row("li.si", roles=("reader",))]
    answer = await send(admin, rows)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["applied"], report["created"], report["failed"]) == (True, 2, 0)
    assert [(item["row"], item["username"]) for item in report["accounts"]] == [(2, "zhang.san"), (3, "li.si")]
    for account in report["accounts"]:
        tokens = await client.post(
            "/auth/login", json={"username": account["username"], "password": account["password"]}
        )
        assert tokens.json()["must_change_password"] is True
    listed = (await admin.get("/users", params={"q": "zhang"})).json()["items"][0]
    assert (listed["department_name"], [role["code"] for role in listed["roles"]]) == ("办公室", ["reader"])


BAD = [
    ({"username": "a"}, "用户名", "3–64"),
    ({"username": "taken"}, "用户名", "已存在"),
    ({"username": "good.one"}, "用户名", "重复"),
    ({"display_name": None}, "姓名", "不能为空"),
    ({"unit": "没有的单位"}, "单位", "不存在"),
    ({"unit": "同名"}, "单位", "2 个同名"),
    ({"department": "没有"}, "处室", "没有这个处室"),
    ({"roles": ("没有",)}, "角色", "没有角色"),
]


@pytest.mark.parametrize(("change", "column", "message"), BAD)
async def test_one_wrong_row_saves_nothing_and_is_named(admin, unit, database, change, column, message):
    async with database.transaction() as session:
        for no in (5, 6):
            await make_unit(session, region=await make_county(session, no=no), name="同名")
    report = (await send(admin, [row("good.one"), row("bad.one") | change])).json()
    assert (report["applied"], report["failed"], report["accounts"]) == (False, 1, [])
    assert [(fault["row"], fault["column"]) for fault in report["faults"]] == [(3, column)]
    assert message in report["faults"][0]["message"]
    assert (await admin.get("/users", params={"q": "good.one"})).json()["total"] == 0


async def test_dry_runs_issue_nothing_and_partial_imports_the_good_rows(admin, unit):
    rows = [row("good.one"), row("taken")]
    dry = (await send(admin, rows, dry_run=True, partial=True)).json()
    assert (dry["applied"], dry["created"], dry["accounts"]) == (False, 1, [])
    partial = (await send(admin, rows, partial=True, workbook=True)).json()
    assert [account["username"] for account in partial["accounts"]] == ["good.one"]
    marked = await send(admin, [row("other.one"), row("taken")], workbook=True)
    assert len(read_table(marked.content, TABLE).rows) == 2


async def test_roles_and_units_stay_within_the_callers_bounds(as_user, unit, database):
    async with database.transaction() as session:
        await make_unit(session, region=await make_county(session, no=7), name="外区单位")
    plain = await as_user(MANAGE, scope=DataScope.REGION, unit=unit)
    rows = [row("one.one", roles=("reader",)), row("two.two", unit="外区单位"), row("three.three")]
    report = (await send(plain, rows, partial=True)).json()
    assert (report["created"], {fault["row"] for fault in report["faults"]}) == (1, {2, 3})
    granting = await as_user([*MANAGE, Permission.ROLES_MANAGE], scope=DataScope.REGION, unit=unit)
    beyond = (await send(granting, [row("four.four", roles=("reader",))])).json()
    assert "不能授予" in beyond["faults"][0]["message"]
    assert (await send(await as_user([Permission.USERS_READ]), [row("five.five")])).status_code == 403


async def test_files_beyond_the_limit_are_refused(admin, unit):
    answer = await send(admin, [row(f"user.{no}") for no in range(501)])
    assert (answer.status_code, answer.json()["code"]) == (413, "workbook_too_large")
