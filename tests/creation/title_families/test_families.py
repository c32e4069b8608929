"""文明家庭: personal data are shown to few, and repeated nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.places import make_county, make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_families.rules import masked_address, masked_name
from wenming_api.system.roles.rules import DataScope

FAMILY = {"name": "王小明", "address": "新华社区 3 号楼", "members": 4}


@given(name=st.text(min_size=1, max_size=100), address=st.text(max_size=200))
def test_a_mask_shows_one_character_at_most(name, address):
    assert masked_name(name)[0] == name[0]
    assert set(masked_name(name)[1:]) == {"*"}
    assert set(masked_address(address)) <= {"*"}


@pytest.fixture
async def community(database):
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session, 3), name="新华社区")


async def test_the_name_is_shown_to_few(as_user, admin, community, statements):
    enters = await as_user([Permission.TITLES_APPLY, Permission.TITLES_READ], scope=DataScope.UNIT, unit=community)
    made = (await enters.post("/title-families", json=FAMILY)).json()
    assert (made["name"], made["masked"], made["unit_id"]) == ("王小明", False, str(community.id))
    reads = await as_user([Permission.TITLES_READ], scope=DataScope.REGION, unit=community)
    assert (await reads.get("/me")).status_code == 200  # the caller is known from here on
    with statements() as sent:
        listed = (await reads.get("/title-families")).json()["items"][0]
    assert sent.count == 2
    assert (listed["name"], listed["address"], listed["masked"]) == ("王**", "******", True)
    with statements() as sent:
        detail = await reads.get(f"/title-families/{made['id']}")
    assert sent.count == 1
    assert "王小明" not in detail.text
    assert "新华社区 3 号楼" not in detail.text
    trusted = await as_user([Permission.TITLE_FAMILIES_READ], scope=DataScope.REGION, unit=community)
    assert (await trusted.get(f"/title-families/{made['id']}")).json()["name"] == "王小明"
    log = (await admin.get("/audit-entries", params={"target_id": made["id"]})).text
    assert "王小明" not in log
    assert "3 号楼" not in log


async def test_families_stay_in_scope_and_are_changed_by_those_who_see_them(as_user, community, database):
    async with database.transaction() as session:
        far = await make_unit(session, region=await make_county(session, 4))
    enters = await as_user([Permission.TITLES_APPLY, Permission.TITLES_READ], scope=DataScope.UNIT, unit=community)
    made = (await enters.post("/title-families", json=FAMILY)).json()
    path, applies = f"/title-families/{made['id']}", [Permission.TITLES_APPLY, Permission.TITLES_READ]
    outsider = await as_user([*applies, Permission.TITLE_FAMILIES_READ], scope=DataScope.REGION, unit=far)
    assert (await outsider.get(path)).status_code == 404
    assert (await outsider.patch(path, json={"members": 5}, headers={"If-Match": '"1"'})).status_code == 404
    taken = await outsider.post("/title-families", json=FAMILY | {"unit_id": str(community.id)})
    assert [error["pointer"] for error in taken.json()["errors"]] == ["/unit_id"]
    colleague = await as_user(applies, scope=DataScope.UNIT, unit=community)
    assert (await colleague.patch(path, json={"members": 5}, headers={"If-Match": '"1"'})).status_code == 403
    changed = await enters.patch(path, json={"members": 5, "name": None}, headers={"If-Match": '"1"'})
    assert (changed.json()["members"], changed.json()["name"]) == (5, "王小明")
    assert (await enters.patch(path, json={"members": 6}, headers={"If-Match": '"1"'})).status_code == 412
    nobody = await as_user([Permission.UNITS_READ], unit=community)
    assert (await nobody.get("/title-families")).status_code == 403
