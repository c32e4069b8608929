"""问卷与材料得分: entered, imported, frozen with the assessment; who sees and changes them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from tests.factories.assessments import Ground, make_assessment, make_ground
from tests.factories.places import make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment, AssessmentMethod
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.surveys.service import TABLE
from wenming_api.kit.db import Database
from wenming_api.kit.workbooks import read_table, write_table
from wenming_api.system.regions.models import Region
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit


@dataclass
class Setting:
    """An assessment in progress with a field method and an entered one."""

    id: UUID
    ground: Ground
    unit: Unit

    @property
    def path(self) -> str:
        return f"/assessments/{self.id}/method-scores"

    def county(self, place: int) -> Region:
        return self.ground.counties[place]


@pytest.fixture
async def setting(database: Database) -> Setting:
    async with database.transaction() as session:
        ground = await make_ground(session)
        made = await make_assessment(session, ground, state=AssessmentState.IN_PROGRESS)
        for place, (code, name, source) in enumerate(
            [("field", "实地考察", MethodSource.FIELD), ("survey", "问卷调查", MethodSource.ENTERED)]
        ):
            session.add(AssessmentMethod(assessment_id=made.id, code=code, name=name, source=source, position=place))
        unit = await make_unit(session, region=ground.counties[0], name="城市管理局")
        await session.flush()
        return Setting(made.id, ground, unit)


async def _enter(client: httpx.AsyncClient, setting: Setting, **fields: Any) -> httpx.Response:
    body = {"method_code": "survey", "region_id": str(setting.county(0).id), "score": "91.3", **fields}
    return await client.post(setting.path, json=body)


async def test_a_total_is_entered_changed_and_taken_back(admin: httpx.AsyncClient, setting: Setting) -> None:
    made = await _enter(admin, setting)
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["score"], body["max_score"], body["method_name"], body["source"]) == (
        "91.3", "100", "问卷调查", "entered",
    )  # fmt: skip
    assert body["object_name"].endswith(setting.county(0).name)
    path = f"{setting.path}/{body['id']}"
    stale = await admin.patch(path, json={"score": "90"}, headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 1)
    assert (await admin.patch(path, json={"score": "90"})).status_code == 428
    changed = await admin.patch(path, json={"score": "90"}, headers={"If-Match": made.headers["etag"]})
    assert (changed.json()["score"], changed.headers["etag"]) == ("90", '"2"')
    log = (await admin.get("/audit-entries", params={"context_id": str(setting.id)})).json()["items"]
    assert [one["action"] for one in log] == ["method_scores.update", "method_scores.create"]
    assert log[0]["changes"]["score"] == ["91.3000000000", "90"]
    assert (await admin.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await admin.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"method_code": "field"}, "/method_code"),
        ({"method_code": "nowhere"}, "/method_code"),
        ({"score": "100.01"}, "/score"),
        ({"score": "-1"}, "/score"),
        ({"region_id": None}, ""),
        ({"region_id": "019347a0-0000-7000-8000-00000000ffff"}, "/region_id"),
        ({"score": "NaN"}, "/score"),
    ],
)
async def test_wrong_totals_are_refused(
    admin: httpx.AsyncClient, setting: Setting, fields: dict[str, Any], pointer: str
) -> None:
    refused = await _enter(admin, setting, **fields)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_one_object_has_one_total_per_method(admin: httpx.AsyncClient, setting: Setting) -> None:
    assert (await _enter(admin, setting)).status_code == 201
    again = await _enter(admin, setting)
    assert (again.status_code, again.json()["detail"]) == (409, "该区域或单位已录入此方法的得分，请修改原有记录。")
    unit = await _enter(admin, setting, region_id=None, unit_id=str(setting.unit.id), score="8", max_score="10")
    assert unit.json()["object_name"] == "城市管理局"


async def test_totals_freeze_with_the_assessment(
    admin: httpx.AsyncClient, setting: Setting, database: Database
) -> None:
    made = (await _enter(admin, setting)).json()
    async with database.transaction() as session:
        await session.execute(update(Assessment).values(state=AssessmentState.CLOSED))
    refused = await _enter(admin, setting, region_id=str(setting.county(1).id))
    assert (refused.status_code, refused.json()["code"]) == (409, "entry_frozen")
    path = f"{setting.path}/{made['id']}"
    assert (await admin.patch(path, json={"score": "1"}, headers={"If-Match": '"1"'})).status_code == 409
    assert (await admin.delete(path, headers={"If-Match": '"1"'})).status_code == 409
    actions = {one["action"]: one for one in (await admin.get(path)).json()["allowed_actions"]}
    assert actions["update"]["allowed"] is False
    assert "不能修改" in actions["update"]["why_not"]


async def test_totals_are_imported_row_by_row(admin: httpx.AsyncClient, setting: Setting) -> None:
    await _enter(admin, setting)
    good = [
        {"method": "问卷调查", "region_code": setting.county(0).code, "score": "92.5", "note": "复核"},
        {"method": "survey", "region_code": setting.county(1).code, "score": "88.05"},
        {"method": "survey", "unit": "城市管理局", "score": "9", "max_score": "10"},
    ]
    bad = [
        {"method": "电话抽查", "region_code": setting.county(0).code, "score": "1"},
        {"method": "survey", "region_code": "379999000000", "score": "1"},
        {"method": "survey", "unit": "没有的单位", "score": "1"},
        {"method": "survey", "region_code": setting.county(1).code, "score": "101"},
        {"method": "survey", "region_code": setting.county(1).code, "score": "50"},
    ]
    rows = [{"region_code": None, "unit": None, "max_score": None, "note": None, **row} for row in good + bad]
    file = {"file": ("scores.xlsx", write_table(TABLE, rows))}
    refused = (await admin.post(f"{setting.path}/imports", files=file)).json()
    assert (refused["applied"], refused["failed"]) == (False, 5)
    assert {fault["row"] for fault in refused["faults"]} == {5, 6, 7, 8, 9}
    assert (await admin.get(setting.path)).json()["total"] == 1
    marked = await admin.post(f"{setting.path}/imports", files=file, params={"workbook": True, "dry_run": True})
    assert "错误" in read_table(marked.content, TABLE).headers[-1] or marked.content[:2] == b"PK"
    applied = (await admin.post(f"{setting.path}/imports", files=file, params={"partial": True})).json()
    assert (applied["applied"], applied["created"], applied["updated"], applied["failed"]) == (True, 2, 1, 5)
    listed = (await admin.get(setting.path, params={"sort": "-score"})).json()["items"]
    assert [(one["score"], one["source"]) for one in listed] == [
        ("92.5", "imported"), ("9", "imported"), ("88.05", "imported"),
    ]  # fmt: skip
    again = (await admin.post(f"{setting.path}/imports", files=file, params={"partial": True})).json()
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)


async def test_scope_from_both_sides(as_user: Any, admin: httpx.AsyncClient, setting: Setting) -> None:
    for place in (0, 1):
        await _enter(admin, setting, region_id=str(setting.county(place).id))
    county = await as_user(
        [Permission.METHOD_SCORES_READ, Permission.METHOD_SCORES_MANAGE],
        scope=DataScope.CUSTOM,
        regions=[setting.county(0).id],
    )
    seen = (await county.get(setting.path)).json()
    assert (seen["total"], [one["region_id"] for one in seen["items"]]) == (1, [str(setting.county(0).id)])
    assert (await _enter(county, setting, region_id=str(setting.county(0).id))).status_code == 404
    (other,) = (await admin.get(setting.path, params={"region_id": str(setting.county(1).id)})).json()["items"]
    assert (await county.get(f"{setting.path}/{other['id']}")).status_code == 404
    reader = await as_user([Permission.METHOD_SCORES_READ])
    assert (await _enter(reader, setting)).status_code == 403
    nobody = await as_user([])
    assert (await nobody.get(setting.path)).status_code == 403


async def test_statements_are_counted(admin: httpx.AsyncClient, setting: Setting, statements: Any) -> None:
    made = (await _enter(admin, setting)).json()
    with statements() as listed:
        await admin.get(setting.path)
    with statements() as detail:
        await admin.get(f"{setting.path}/{made['id']}")
    assert (listed.count, detail.count) == (2, 1)
