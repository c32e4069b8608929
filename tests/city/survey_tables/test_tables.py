"""Result tables over HTTP: by group, in scope, without small groups; as a workbook."""

import io
from typing import Any

import httpx
import openpyxl
import pytest
from tests.factories.callers import Callers
from tests.factories.places import make_county, make_unit
from tests.factories.questionnaires import Survey, answer, items, opened

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.system.roles.rules import DataScope

FIRST = [items("a", 4)] * 4 + [items("c", 1)] * 2 + [items(age="out")]
SECOND = [items("b", 2)] * 5


@pytest.fixture
async def survey(admin: httpx.AsyncClient, database: Database) -> Survey:
    made = await opened(admin, database)
    brought = [answer(made, each) for each in FIRST] + [answer(made, each, stratum="S1") for each in SECOND]
    sent = await admin.post(f"{made.path}/answers", json={"items": brought})
    assert sent.json()["recorded"] == len(brought), sent.text
    return made


async def _cells(client: httpx.AsyncClient, survey: Survey, by: str) -> dict[str, dict[str, Any]]:
    tables = (await client.get(f"{survey.path}/tables", params={"by": by})).json()
    return {each["code"]: {cell["group"]: cell for cell in each["cells"]} for each in tables["questions"]}


async def test_counts_shares_and_means(admin: httpx.AsyncClient, survey: Survey) -> None:
    everybody = (await _cells(admin, survey, "none"))["clean"][""]
    assert (everybody["respondents"], everybody["score"]) == (11, "63.6363636364")
    assert [(each["text"], each["count"], each["share"]) for each in everybody["options"]] == [
        ("满意", 4, "36.3636363636"), ("基本满意", 5, "45.4545454545"), ("不满意", 2, "18.1818181818"),
        ("不了解", 0, "0"),
    ]  # fmt: skip
    for by in ("county", "stratum"):
        cells = await _cells(admin, survey, by)
        keys = [county.code for county in survey.ground.counties] if by == "county" else ["S0", "S1"]
        assert list(cells["kind"]) == ["", *keys]
        assert [cells["kind"][key]["mean"] for key in keys] == ["3", "2"]
        assert cells["why"][keys[0]]["hidden"] is True, "two answered it"
        assert cells["why"][""]["respondents"] is None
        assert cells["clean"][keys[1]]["respondents"] == 5


async def test_a_small_group_hides_another_with_it(admin: httpx.AsyncClient, database: Database) -> None:
    survey = await opened(admin, database)
    brought = [answer(survey, each) for each in FIRST] + [answer(survey, each, stratum="S1") for each in SECOND[:4]]
    await admin.post(f"{survey.path}/answers", json={"items": brought})
    cells = (await _cells(admin, survey, "stratum"))["clean"]
    assert {key: cell["hidden"] for key, cell in cells.items()} == {"": False, "S0": True, "S1": True}
    assert cells[""]["respondents"] == 10


async def test_the_workbook_says_the_same(admin: httpx.AsyncClient, survey: Survey) -> None:
    got = await admin.get(f"{survey.path}/tables/workbook", params={"by": "stratum"})
    assert got.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(got.content))
    assert "不足 5 人" in str(book["说明"]["B5"].value)
    rows = [[cell.value for cell in row] for row in book["结果表"].iter_rows(min_row=2)]
    assert ["clean", "您对环境卫生满意吗？", "单选", "第1层", 5, "基本满意", 5, 100, None, 60, None] in rows
    assert ["why", "您不满意什么？", "多选", "第0层", None, None, None, None, None, None, "人数过少，不显示"] in rows
    assert ["kind", "邻里关系打几分？", "量表", "第0层", 6, None, None, None, 3, 66.67, None] in rows


async def test_who_sees_what(admin: httpx.AsyncClient, survey: Survey, callers: Callers, database: Database) -> None:
    async with database.transaction() as session:
        near = await make_unit(session, region=survey.ground.counties[1])
        far = await make_unit(session, region=await make_county(session, 76))
    reads = [Permission.QUESTIONNAIRES_READ]
    county = await callers.client(reads, scope=DataScope.REGION, unit=near)
    stranger = await callers.client(reads, scope=DataScope.REGION, unit=far)
    answers = await callers.client([Permission.QUESTIONNAIRES_ANSWER])
    cells = (await _cells(county, survey, "stratum"))["clean"]
    assert {key: cell["respondents"] for key, cell in cells.items()} == {"": 5, "S1": 5}
    for path in (f"{survey.path}/tables", f"{survey.path}/tables/workbook"):
        assert (await stranger.get(path)).status_code == 404
        assert (await answers.get(path)).status_code == 403


async def test_statements(admin: httpx.AsyncClient, survey: Survey, statements: Any) -> None:
    for by in ("none", "county", "stratum"):
        with statements() as sent:
            await _cells(admin, survey, by)
        assert sent.count <= 4, sent.sent
