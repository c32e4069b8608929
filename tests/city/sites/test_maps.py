"""点位地图: boxes, reference systems, clusters; the plans on 100,000 sites."""

import pytest
from sqlalchemy import text
from tests.factories.places import make_county
from tests.factories.sites import make_site, make_site_type

from wenming_api.kit.geo import Crs


async def test_what_lies_in_the_box(admin, database):
    async with database.transaction() as session:
        await make_site(session, code="IN", place=("118.05", "36.81"))
        await make_site(session, code="EDGE", place=("118.1", "36.9"))
        await make_site(session, code="OUT", place=("118.2", "36.81"))
        await make_site(session, code="NOWHERE", place=None)
    found = (await admin.get("/sites/map", params={"box": "118.0,36.8,118.1,36.9"})).json()
    assert (found["type"], found["clustered"], found["total"]) == ("FeatureCollection", False, 2)
    places = {each["properties"]["code"]: each["geometry"]["coordinates"] for each in found["features"]}
    assert places == {"IN": [118.05, 36.81], "EDGE": [118.1, 36.9]}


async def test_a_site_is_found_where_it_is_whatever_its_reference_system(admin, database):
    async with database.transaction() as session:
        for crs in Crs:
            await make_site(session, code=crs.value, place=("118.05", "36.81"), crs=crs)
    small = {"box": "118.04999,36.80999,118.05001,36.81001"}
    in_wgs84 = (await admin.get("/sites/map", params=small)).json()
    assert {each["properties"]["code"] for each in in_wgs84["features"]} == {"wgs84", "cgcs2000"}
    for crs in (Crs.GCJ02, Crs.BD09):
        found = (await admin.get("/sites/map", params=small | {"crs": crs.value})).json()
        assert [each["properties"]["code"] for each in found["features"]] == [crs.value]
        longitude, latitude = found["features"][0]["geometry"]["coordinates"]
        assert (longitude, latitude) == (pytest.approx(118.05, abs=1e-7), pytest.approx(36.81, abs=1e-7))


async def test_too_many_sites_are_clustered(admin, database):
    async with database.transaction() as session:
        for no in range(30):
            await make_site(session, place=(f"118.{no:02}", "36.81"), active=no % 3 > 0)
    params = {"box": "118,36,119,37", "most": 10}
    found = (await admin.get("/sites/map", params=params)).json()
    assert found["clustered"] is True
    assert found["total"] == 30 == sum(each["properties"]["count"] for each in found["features"])
    assert 1 < len(found["features"]) < 30
    assert all(118 <= each["geometry"]["coordinates"][0] <= 119 for each in found["features"])
    active = (await admin.get("/sites/map", params=params | {"active": True})).json()
    assert active["total"] == 20


@pytest.mark.parametrize("box", ["", "1,2,3", "a,b,c,d", "118,36,117,37", "118,36,118,37", "-200,0,0,1", "nan,0,1,1"])
async def test_bad_boxes(admin, box):
    answer = await admin.get("/sites/map", params={"box": box})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/box"
    assert (await admin.get("/sites/map")).status_code == 422


@pytest.fixture
async def many(database, owner):
    """100,000 sites over 50 counties and 54 types."""
    async with database.transaction() as session:
        for no in range(1, 51):
            await make_county(session, no)
        for code in range(1, 55):
            await make_site_type(session, str(code))
    async with owner.transaction() as session:
        await session.execute(
            text(
                """
                INSERT INTO sites (id, code, name, site_type_code, region_id, region_path, longitude, latitude, crs,
                                   map_longitude, map_latitude, active, created_at, updated_at, version)
                SELECT uuidv7(), 'S' || n,
                       chr((19968 + n % 5000)::int) || chr((19968 + n * 7 % 5000)::int) || '路点位' || n,
                       (n % 54 + 1)::text, region.id, region.path, p.x, p.y, 'wgs84', p.x, p.y, true,
                       now(), now() - n * interval '1 second', 1
                FROM generate_series(1::bigint, 100000) n
                JOIN LATERAL (SELECT (117.5 + (n * 7919 % 10000) / 10000.0)::numeric(11, 8) x,
                                     (36 + (n * 104729 % 10000) / 10000.0)::numeric(11, 8) y) p ON true
                JOIN (SELECT id, path, row_number() OVER (ORDER BY path) - 1 AS no FROM regions WHERE level = 'county')
                     region ON region.no = n % 50
                """
            )
        )
        await session.execute(text("ANALYZE sites"))


async def test_the_plans_use_the_indexes(many, admin, database, statements):
    async with database.read() as session:
        region = (await session.execute(text("SELECT id FROM regions WHERE code = '370307000000'"))).scalar_one()
    wanted = {
        "/sites/map?box=118.0,36.5,118.01,36.51": "ix_sites_map",
        "/sites?q=S12345": "uq_sites_code",
        "/sites?q=路点位777": "ix_sites_name",
        f"/sites?region_id={region}&site_type_code=37": "ix_sites_type",
        "/sites?sort=-updated_at": "ix_sites_updated",
        "/sites?sort=name": "ix_sites_name_order",
        "/sites?sort=code": "uq_sites_code",
    }
    for target, index in wanted.items():
        plans: list[str] = []
        with statements() as sent:
            answer = await admin.get(target)
        assert answer.status_code == 200
        async with database.read() as session:
            for statement, values in zip(sent.sent, sent.values, strict=True):
                if "sites" in statement:
                    connection = await session.connection()
                    plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", values)
                    plans.append("\n".join(line for (line,) in plan))
        assert any(index in plan for plan in plans), (target, plans)
