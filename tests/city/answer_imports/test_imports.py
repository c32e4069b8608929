"""Importing answers: row by row, once by number, nothing half-saved."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select
from tests.factories.callers import Callers
from tests.factories.questionnaires import Survey, draft, make_survey, opened

from wenming_api.catalog.permissions import Permission
from wenming_api.city.answer_imports.service import table_of
from wenming_api.city.answers.models import Answer, AnswerLine
from wenming_api.city.questionnaires.models import SurveyStratum
from wenming_api.city.questionnaires.queries import load_questions
from wenming_api.kit.db import Database
from wenming_api.kit.workbooks import Table, write_csv, write_table

GOOD = {"number": "0001", "stratum": "S0", "age": "in", "clean": "满意", "kind": 4}


@pytest.fixture
async def survey(admin: httpx.AsyncClient, database: Database) -> Survey:
    return await opened(admin, database, quota=3)


async def _table(database: Database, survey: Survey) -> Table:
    async with database.read() as session:
        return table_of(list((await load_questions(session, questionnaire_id=UUID(survey.id))).values()))


def _row(**changes: Any) -> dict[str, Any]:
    row = GOOD | changes
    return {key if key in {"number", "stratum"} else f"question:{key}": value for key, value in row.items()}


async def _import(
    client: httpx.AsyncClient, database: Database, survey: Survey, rows: list[dict[str, Any]], **params: Any
) -> httpx.Response:
    data = write_table(await _table(database, survey), rows)
    return await client.post(f"{survey.path}/answer-imports", files={"file": ("answers.xlsx", data)}, params=params)


async def _taken(database: Database) -> tuple[list[int], int]:
    async with database.read() as session:
        taken = await session.scalars(select(SurveyStratum.taken).order_by(SurveyStratum.position))
        count = await session.execute(select(func.count()).select_from(Answer))
        return list(taken), count.scalar_one()


async def test_rows_become_answers_once(admin: httpx.AsyncClient, survey: Survey, database: Database) -> None:
    rows = [
        _row(),
        _row(number="0002", clean="c", why="p、原因q", note="=1+1"),
        _row(number="0003", age="其他", clean=None, kind=None, stratum="S1"),
    ]
    tried = (await _import(admin, database, survey, rows, dry_run=True)).json()
    assert (tried["applied"], tried["created"], tried["failed"]) == (False, 3, 0)
    assert await _taken(database) == ([0, 0], 0)
    done = (await _import(admin, database, survey, rows)).json()
    assert (done["applied"], done["created"], done["unchanged"]) == (True, 3, 0)
    assert await _taken(database) == ([2, 0], 3)
    again = (await _import(admin, database, survey, rows)).json()
    assert (again["created"], again["unchanged"], again["failed"]) == (0, 3, 0)
    assert await _taken(database) == ([2, 0], 3)
    async with database.read() as session:
        why = select(AnswerLine.choices).where(func.cardinality(AnswerLine.choices) == 2)
        assert (await session.scalars(why)).all() == [["p", "q"]]
        assert (await session.scalars(select(AnswerLine.text).where(AnswerLine.text.is_not(None)))).all() == ["=1+1"]


async def test_wrong_rows_are_named_and_nothing_is_half_saved(
    admin: httpx.AsyncClient, survey: Survey, database: Database
) -> None:
    await _import(admin, database, survey, [_row(number="old")])
    rows = [
        _row(number="1"),
        _row(number="1"),
        _row(number="2", stratum="S9"),
        _row(number="3", clean="很满意"),
        _row(number="4", kind=9),
        _row(number="5", kind=None),
        _row(number="6", why="p"),
        _row(number="old", clean="b"),
        _row(number="7"),
        _row(number="8"),
    ]
    refused = (await _import(admin, database, survey, rows)).json()
    assert (refused["applied"], refused["total"], refused["failed"]) == (False, 10, 8)
    assert [(each["row"], each["column"], each["message"]) for each in refused["faults"]] == [
        (3, "编号", "与第 2 行编号重复"),
        (4, "层代码", "问卷没有这个样本层"),
        (5, "clean 您对环境卫生满意吗？", "没有这个选项：很满意"),
        (6, "kind 邻里关系打几分？", refused["faults"][3]["message"]),
        (7, None, "必答题未作答：kind"),
        (8, "why 您不满意什么？", "按跳题规则不应作答：why"),
        (9, "编号", "此编号已用于内容不同的答卷"),
        (11, None, "该样本层的配额已满，不再接收答卷。"),
    ]
    assert await _taken(database) == ([1, 0], 1)
    marked = await _import(admin, database, survey, rows, workbook=True)
    assert marked.headers["content-type"].startswith("application/vnd.openxmlformats")
    some = (await _import(admin, database, survey, rows, partial=True)).json()
    assert (some["applied"], some["created"], some["failed"]) == (True, 2, 8)
    assert await _taken(database) == ([3, 0], 3)


async def test_csv_and_template(admin: httpx.AsyncClient, survey: Survey, database: Database) -> None:
    table = await _table(database, survey)
    data = b"".join(write_csv(table, [_row()]))
    done = await admin.post(f"{survey.path}/answer-imports", files={"file": ("answers.csv", data)})
    assert done.json()["created"] == 1
    template = await admin.get(f"{survey.path}/answer-imports/template")
    empty = await admin.post(f"{survey.path}/answer-imports", files={"file": ("t.xlsx", template.content)})
    assert (empty.status_code, "没有数据行" in empty.json()["detail"]) == (422, True)


async def test_who_may_and_when(admin: httpx.AsyncClient, survey: Survey, callers: Callers, database: Database) -> None:
    reader = await callers.client([Permission.QUESTIONNAIRES_READ, Permission.QUESTIONNAIRES_ANSWER])
    assert (await _import(reader, database, survey, [_row()])).status_code == 403
    assert (await reader.get(f"{survey.path}/answer-imports/template")).status_code == 403
    version = (await admin.get(survey.path)).json()["version"]
    await admin.post(f"{survey.path}/close", json={"version": version, "reason": "收齐"})
    late = await _import(admin, database, survey, [_row()])
    assert (late.status_code, late.json()["code"]) == (409, "questionnaire_not_open")


async def test_a_draft_takes_none(admin: httpx.AsyncClient, database: Database) -> None:
    survey = await make_survey(database)
    await draft(admin, survey)
    early = await _import(admin, database, survey, [_row()])
    assert (early.status_code, early.json()["detail"]) == (409, "问卷尚未发布。")
