"""The tables of a result as a workbook."""

import io
from typing import Any

import httpx
import openpyxl
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.factories.callers import Callers
from tests.factories.results import make_example

from wenming_api.catalog.permissions import Permission
from wenming_api.city.result_books.rules import LONGEST, sheet_names
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope

Client = httpx.AsyncClient


async def workbook(client: Client, path: str) -> dict[str, list[tuple[Any, ...]]]:
    answer = await client.get(f"{path}/workbook")
    assert answer.status_code == 200, answer.text
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


async def test_the_published_tables(admin: Client, database: Database) -> None:
    async with database.transaction() as session:
        example = await make_example(session)
    result = (await admin.post(example.path)).json()
    book = await workbook(admin, f"{example.path}/{result['id']}")
    assert list(book)[:3] == ["说明", "区县", "区域成绩"]
    assert ("成绩哈希（SHA-256）", result["hash"]) in book["说明"]
    assert book["区县"] == [
        ("名次", "区域代码", "区域", "实地考察", "问卷调查", "加权得分", "加分", "负面清单扣分", "总分", "标注"),
        (1, "370303000000", "乙区", 77.38, 88.05, 78.98, 0, 0, 78.98, None),
        (2, "370302000000", "甲区", 71.96, 91.3, 74.86, 0, 0, 74.86, None),
    ]
    assert [row[1] for row in book["部门成绩"][1:]] == ["城管局", "公安局"]
    assert [row[1] for row in book["点位成绩"][1:]] == ["点位a1", "点位a2", "点位a3", "点位b1"]


async def test_names_that_look_like_formulas_stay_names(admin: Client, database: Database) -> None:
    async with database.transaction() as session:
        example = await make_example(session)
        await session.execute(text("UPDATE draw_sites SET name = '=HYPERLINK(\"http://x\")'"))
        await session.execute(text("UPDATE ranking_groups SET name = '=1+1 [区]'"))
    result = (await admin.post(example.path)).json()
    answer = await admin.get(f"{example.path}/{result['id']}/workbook")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert "=1+1  区" in book.sheetnames
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    named = [cell.value for cell in cells if "HYPERLINK" in str(cell.value)]
    assert named
    assert all(not str(value).startswith("=") for value in named)


async def test_only_rows_of_the_scope(admin: Client, callers: Callers, database: Database) -> None:
    async with database.transaction() as session:
        example = await make_example(session)
    result = (await admin.post(example.path)).json()
    wish = {"version": result["version"], "reason": "本次测评结束"}
    path = f"{example.path}/{result['id']}"
    assert (await admin.post(f"{path}/publish", json=wish)).status_code == 200
    county = await callers.client([Permission.RESULTS_READ], scope=DataScope.REGION, unit=example.units["u4"])
    book = await workbook(county, path)
    assert [row[1] for row in book["点位成绩"][1:]] == ["点位b1"]
    assert book["行业成绩"][1:] == []
    assert len(book["区县"]) == 3


@given(st.lists(st.text(max_size=40), max_size=12))
def test_names_of_worksheets(wished: list[str]) -> None:
    names = sheet_names(wished)
    assert len({name.lower() for name in names}) == len(wished)
    assert all(0 < len(name) <= LONGEST and not set(name) & set("[]:*?/\\'") for name in names)
