"""Real photos and rules in force: captions offered, repeated photos found, serious faults refused."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.factories.media import exif, photo
from tests.factories.places import make_county, make_unit
from tests.factories.records import content, make_catalogue
from tests.factories.uploads import upload

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.settings import Resources
from wenming_api.system.roles.rules import DataScope
from wenming_api.worker import drain

WRITE = [Permission.RECORDS_READ, Permission.RECORDS_WRITE, Permission.FILES_READ, Permission.FILES_UPLOAD]
RULES = "/ledgers/quality-rules"


@pytest.fixture
async def unit(database: Database) -> Any:
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session), name="城里社区居委会")


@pytest.fixture
async def nodes(database: Database, unit: Any) -> Any:
    async with database.transaction() as session:
        return await make_catalogue(session, unit)


@pytest.fixture
async def clerk(as_user: Any, unit: Any) -> httpx.AsyncClient:
    made: httpx.AsyncClient = await as_user(WRITE, scope=DataScope.UNIT, unit=unit)
    return made


async def examined(client: httpx.AsyncClient, resources: Resources, *photos: bytes) -> list[str]:
    """The ids of photos that were uploaded and looked at."""
    found = await upload(client, [("image/jpeg", each) for each in photos])
    await drain(resources)
    return found


def shown(*file_ids: str) -> list[dict[str, Any]]:
    return [{"file_id": each} for each in file_ids]


async def written(client: httpx.AsyncClient, *nodes: Any, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/ledgers/records", json={"content": content(*nodes, **changes)})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def saved(client: httpx.AsyncClient, record: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.put(
        f"/ledgers/records/{record['id']}",
        json={"content": body},
        headers={"If-Match": f'"{record["version"]}"'},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def submitted(client: httpx.AsyncClient, record: dict[str, Any]) -> httpx.Response:
    return await client.post(f"/ledgers/records/{record['id']}/submit", json={"version": record["version"]})


async def active(admin: httpx.AsyncClient, code: str, severity: str, expression: dict[str, Any], **given: Any) -> Any:
    """A quality rule in force, as a civility office makes one."""
    body = {"code": code, "name": code, "message": f"不符合 {code}", "severity": severity, "expression": expression}
    one = (await admin.post(RULES, json=body | {"reach": "region"} | given)).json()
    for verb in ("test", "activate"):
        answer = await admin.post(f"{RULES}/{one['id']}/{verb}", json={"version": one["version"]})
        assert answer.status_code == 200, answer.text
        one = answer.json()
    return one


async def suggestion(client: httpx.AsyncClient, file_id: str) -> httpx.Response:
    return await client.get("/ledgers/records/caption-suggestion", params={"file_id": file_id})


async def test_what_the_camera_wrote_is_offered_as_a_caption(clerk: httpx.AsyncClient, resources: Resources) -> None:
    (file_id,) = await upload(clerk, [("image/jpeg", photo())])
    early = (await suggestion(clerk, file_id)).json()
    assert (early["ready"], early["time"], early["place"]) == (False, None, None)
    await drain(resources)
    offered = (await suggestion(clerk, file_id)).json()
    assert offered["ready"]
    assert offered["time"] == "2026年5月4日 9:30"
    assert offered["place"] == "东经118.05490°，北纬36.81350°"
    assert offered["taken_at"].startswith("2026-05-04T09:30:15")


async def test_a_camera_that_wrote_nothing_suggests_nothing(clerk: httpx.AsyncClient, resources: Resources) -> None:
    (file_id,) = await examined(clerk, resources, photo(meta=exif(taken=None, offset=None, place=None)))
    offered = (await suggestion(clerk, file_id)).json()
    assert offered["ready"]
    assert {offered[name] for name in ("time", "place", "taken_at", "longitude", "latitude")} == {None}


async def test_suggestions_are_for_photos_that_one_may_see(
    clerk: httpx.AsyncClient, as_user: Any, resources: Resources
) -> None:
    (file_id,) = await examined(clerk, resources, photo())
    stranger = await as_user(WRITE, scope=DataScope.UNIT)
    assert (await suggestion(stranger, file_id)).status_code == 404
    assert (await suggestion(clerk, str(uuid7()))).status_code == 404
    assert (await suggestion(clerk, "x")).status_code == 422
    reader = await as_user([Permission.RECORDS_READ])
    assert (await suggestion(reader, file_id)).status_code == 403
    (table,) = await upload(clerk, [("text/csv", "姓名,时长\n张三,3\n".encode())], name="表.csv")
    refused = await suggestion(clerk, table)
    assert 400 <= refused.status_code < 500
    assert "照片" in refused.json()["detail"]


async def test_a_photo_that_another_record_shows_is_found(
    clerk: httpx.AsyncClient, admin: httpx.AsyncClient, nodes: Any, resources: Resources, as_user: Any
) -> None:
    await active(admin, "fresh-photos", "minor", {"not": {"is_true": "duplicate_photo"}})
    plain, again, other = await examined(
        clerk, resources, photo(seed=7, quality=90), photo(seed=7, quality=60), photo(seed=8)
    )
    first = await written(clerk, nodes["1-1"], photos=shown(plain))
    assert first["findings"] == []
    repeated = await written(clerk, nodes["1-2"], photos=shown(other, plain))
    assert [(each["code"], each["path"]) for each in repeated["findings"]] == [("fresh-photos", "/photos")]
    assert repeated["findings_worst"] == "minor"
    alike = await written(clerk, nodes["1-2"], photos=shown(again))
    assert [each["code"] for each in alike["findings"]] == ["fresh-photos"], "compressed anew, it is the same picture"
    resaved = await saved(clerk, first, content(nodes["1-1"], title="改了标题", photos=shown(plain)))
    assert [each["code"] for each in resaved["findings"]] == ["fresh-photos"], "by now others show it too"
    fixed = await saved(clerk, repeated, content(nodes["1-2"], photos=[]))
    assert (fixed["findings"], fixed["findings_worst"]) == ([], None)
    elsewhere = await as_user(WRITE, scope=DataScope.UNIT)
    (theirs,) = await examined(elsewhere, resources, photo(seed=7, quality=90))
    foreign = await written(elsewhere, nodes["1-1"], photos=shown(theirs))
    assert foreign["findings"] == [], "only the unit's own records are compared"


async def test_serious_faults_are_not_submitted(
    clerk: httpx.AsyncClient, admin: httpx.AsyncClient, nodes: Any, resources: Resources
) -> None:
    made = await written(clerk, nodes["1-1"])
    assert made["findings"] == []
    await active(admin, "two-photos", "serious", {"at_least": {"feature": "photos", "value": 2}})
    await active(admin, "conclusion", "minor", {"at_least": {"feature": "conclusion_length", "value": 1}})
    refused = await submitted(clerk, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "quality_refused")
    assert "不符合 two-photos" in refused.json()["detail"]
    assert "conclusion" not in refused.json()["detail"]
    assert {each["code"] for each in refused.json()["findings"]} == {"two-photos", "conclusion"}
    after = (await clerk.get(f"/ledgers/records/{made['id']}")).json()
    assert (after["state"], after["version"], after["approval_id"]) == ("draft", made["version"], None)
    files = await examined(clerk, resources, photo(seed=1), photo(seed=2))
    better = await saved(clerk, made, content(nodes["1-1"], photos=shown(*files)))
    assert [each["code"] for each in better["findings"]] == ["conclusion"], "milder faults are shown, and go through"
    sent = await submitted(clerk, better)
    assert (sent.status_code, sent.json()["state"]) == (200, "in_review"), sent.text


async def test_a_rule_of_some_categories_judges_only_what_lies_in_them(
    clerk: httpx.AsyncClient, admin: httpx.AsyncClient, nodes: Any
) -> None:
    await active(admin, "hours", "serious", {"is_given": "volunteer_hours"}, node_ids=[str(nodes["2"].id)])
    festival, service = await written(clerk, nodes["1-1"]), await written(clerk, nodes["2-1"])
    assert (await submitted(clerk, festival)).status_code == 200
    assert (await submitted(clerk, service)).status_code == 409
    counted = await saved(clerk, service, content(nodes["2-1"], volunteer_hours="12.5"))
    assert (await submitted(clerk, counted)).status_code == 200


async def test_a_rule_retired_refuses_nobody(clerk: httpx.AsyncClient, admin: httpx.AsyncClient, nodes: Any) -> None:
    rule = await active(admin, "two-photos", "serious", {"at_least": {"feature": "photos", "value": 2}})
    made = await written(clerk, nodes["1-1"])
    assert made["findings_worst"] == "serious"
    assert {each.status_code for each in await asyncio.gather(*(submitted(clerk, made) for _ in range(2)))} == {409}
    gone = await admin.post(f"{RULES}/{rule['id']}/retire", json={"version": rule["version"], "reason": "不再需要"})
    assert gone.status_code == 200, gone.text
    sent = await submitted(clerk, made)
    assert (sent.status_code, sent.json()["findings_worst"]) == (200, None), sent.text
