"""荣誉榜 over HTTP: filters, scope, statements."""

from datetime import date

import pytest
from tests.factories.titles import make_term, make_title_ground

from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_applications.models import TitleApplication
from wenming_api.creation.title_applications.rules import ApplicationState
from wenming_api.creation.title_rules.rules import TitleKind, TitleLevel
from wenming_api.creation.titles.models import TitleEvent
from wenming_api.creation.titles.rules import TitleCause
from wenming_api.kit import clock
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope


@pytest.fixture
async def ground(database):
    """The school was named at county level in 2024 and at city level in 2026."""
    async with database.transaction() as session:
        ground = await make_title_ground(session)
        for no, (level, day) in enumerate(
            ((TitleLevel.COUNTY, date(2024, 5, 1)), (TitleLevel.CITY, date(2026, 3, 1))), 1
        ):
            term = await make_term(session, region=ground.county, level=level)
            held = {
                "kind": TitleKind.CAMPUS,
                "level": level,
                "term_id": term.id,
                "unit_id": ground.school.id,
                "unit_path": ground.school.unit_path,
                "region_path": ground.school.region_path,
                "holder_id": ground.school.id,
            }
            application = TitleApplication(
                **held,
                owner_id=ground.applicant.id,
                statement="",
                state=ApplicationState.NAMED,
                state_since=clock.now(),
                self_assessment={},
                document_number="文号",
                document_on=day,
            )
            session.add(application)
            await session.flush()
            session.add(
                TitleEvent(
                    **held,
                    no=no,
                    cause=TitleCause.NAMED,
                    from_on=day,
                    application_id=application.id,
                    document_number="文号",
                    document_on=day,
                    recorded_by=ground.leader.id,
                )
            )
    return ground


@pytest.mark.parametrize(
    ("filters", "levels"),
    [
        ({}, ["city", "county"]),
        ({"sort": "from_on"}, ["county", "city"]),
        ({"year": 2024}, ["county"]),
        ({"in_force": True}, ["city"]),
        ({"in_force": False}, ["county"]),
        ({"level": "city"}, ["city"]),
        ({"kind": "unit"}, []),
        ({"q": "实验"}, ["city", "county"]),
        ({"q": "不存在"}, []),
        ({"under": "370300000000/370303000000/"}, ["city", "county"]),
        ({"under": "370300000000/370304000000/"}, []),
    ],
)
async def test_the_list_is_filtered(admin, ground, statements, filters, levels):
    assert (await admin.get("/me")).status_code == 200  # the caller is known from here on
    with statements() as sent:
        found = await admin.get("/honours", params=filters)
    assert [each["level"] for each in found.json()["items"]] == levels, found.text
    assert sent.count <= 2


async def test_a_level_lasts_until_the_next(admin, ground, statements):
    assert (await admin.get("/me")).status_code == 200  # the caller is known from here on
    with statements() as sent:
        history = (await admin.get(f"/honours/{ground.school.id}/history")).json()
    assert sent.count == 1
    assert history["level"] == "city"
    assert [event["until_on"] for event in history["events"]] == [None, "2026-03-01"]
    assert (await admin.get(f"/honours/{uuid7()}/history")).status_code == 404


async def test_the_list_stays_in_scope(as_user, ground):
    outsider = await as_user([Permission.TITLES_READ], scope=DataScope.REGION, unit=ground.other_school)
    insider = await as_user([Permission.TITLES_READ], scope=DataScope.UNIT, unit=ground.school)
    nobody = await as_user([Permission.UNITS_READ], unit=ground.school)
    assert (await outsider.get("/honours")).json()["total"] == 0
    assert (await outsider.get(f"/honours/{ground.school.id}/history")).status_code == 404
    assert (await insider.get("/honours")).json()["total"] == 2
    assert (await nobody.get("/honours")).status_code == 403
