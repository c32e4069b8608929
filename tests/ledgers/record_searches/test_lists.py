"""The list of records: filters, words of two characters and more, who sees what."""

import pytest
from tests.factories.places import make_county, make_unit
from tests.factories.records import make_catalogue, make_record

from wenming_api.catalog.permissions import Permission
from wenming_api.system.roles.rules import DataScope

READ = [Permission.RECORDS_READ]


@pytest.fixture
async def world(database):
    async with database.transaction() as session:
        unit = await make_unit(session, region=await make_county(session))
        other = await make_unit(session, region=await make_county(session, 3))
        nodes = await make_catalogue(session, unit)
        records = {
            "spring": await make_record(
                session, unit=unit, nodes=[nodes["1-1"]], title="春节慰问老党员", text="", place="一号楼"
            ),
            "dragon": await make_record(
                session,
                unit=unit,
                nodes=[nodes["1-2"], nodes["2-1"]],
                title="端午包粽子",
                text="端 午 安康",
                approved=True,
            ),
            "helping": await make_record(
                session,
                unit=other,
                nodes=[nodes["2-2"]],
                title="助老志愿服务ABC",
                text="",
                happened_at="2026-05-01T00:00:00+08:00",
            ),
        }
    return {"unit": unit, "other": other, "nodes": nodes, "records": records}


async def titles(client, **query):
    answer = await client.get("/ledgers/records", params=query)
    assert answer.status_code == 200, answer.text
    return [each["title"] for each in answer.json()["items"]]


async def test_newest_first(admin, world):
    assert await titles(admin) == ["助老志愿服务ABC", "端午包粽子", "春节慰问老党员"]
    assert await titles(admin, sort="number", size=1, page=2) == ["端午包粽子"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("慰问", ["春节慰问老党员"]),
        ("慰问老党员", ["春节慰问老党员"]),
        ("慰问党员", []),
        ("一号楼 春节", ["春节慰问老党员"]),
        ("一号楼 端午", []),
        ("午安", []),
        ("abc", ["助老志愿服务ABC"]),
        ("ＡＢ", ["助老志愿服务ABC"]),
        ("a_c", []),
        ("100%", []),
        ("'&|", []),
        ("\\\\", []),
    ],
)
async def test_words_are_found(admin, world, words, found):
    assert await titles(admin, q=words) == found


@pytest.mark.parametrize("words", ["春", "春节 老", "ａ"])
async def test_a_word_of_one_character_is_refused(admin, world, words):
    answer = await admin.get("/ledgers/records", params={"q": words})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/q"
    assert "两个字" in answer.json()["errors"][0]["message"]


async def test_filters_combine(admin, world):
    nodes, unit = world["nodes"], world["unit"]
    assert await titles(admin, node_id=str(nodes["1"].id)) == ["端午包粽子", "春节慰问老党员"]
    assert await titles(admin, node_id=str(nodes["2"].id)) == ["助老志愿服务ABC", "端午包粽子"]
    assert await titles(admin, node_id=str(nodes["2-2"].id)) == ["助老志愿服务ABC"]
    assert await titles(admin, state="approved") == ["端午包粽子"]
    assert await titles(admin, unit_id=str(unit.id), state="draft") == ["春节慰问老党员"]
    assert await titles(admin, under_unit_id=str(world["other"].id)) == ["助老志愿服务ABC"]
    assert await titles(admin, region_id=str(unit.region_id)) == ["端午包粽子", "春节慰问老党员"]
    assert await titles(admin, happened_from="2026-04-01") == ["助老志愿服务ABC"]
    assert await titles(admin, happened_to="2026-04-01", q="慰问") == ["春节慰问老党员"]
    assert await titles(admin, severity="serious") == []


async def test_only_what_lies_in_scope(as_user, world):
    clerk = await as_user(READ, scope=DataScope.UNIT, unit=world["other"])
    assert await titles(clerk) == ["助老志愿服务ABC"]
    assert await titles(clerk, q="慰问") == []
    county = await as_user(READ, scope=DataScope.REGION, unit=world["unit"])
    assert await titles(county) == ["端午包粽子", "春节慰问老党员"]
    own = await as_user(READ, scope=DataScope.OWN, unit=world["unit"])
    assert await titles(own) == []
    nobody = await as_user([], unit=world["unit"])
    assert (await nobody.get("/ledgers/records")).status_code == 403


async def test_common_words_are_found_among_the_newest(admin, world, monkeypatch):
    monkeypatch.setattr("wenming_api.ledgers.record_searches.queries.is_common", lambda total: True)
    assert await titles(admin, q="慰问老党员") == ["春节慰问老党员"]
    assert await titles(admin, q="端午", sort="happened_on") == ["端午包粽子"]


async def test_a_page_takes_two_statements(admin, world, statements):
    for query in ({}, {"q": "慰问老党员"}, {"state": "approved"}):
        await titles(admin, **query)
        with statements() as sent:
            await titles(admin, **query)
        assert sent.count == 2
