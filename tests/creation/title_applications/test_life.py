"""申报与命名 over HTTP: from the draft to the honour list and back, who may, and two at once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from tests.factories.callers import make_user
from tests.factories.titles import FULL, ITEMS, make_rule, make_term, make_title_ground

from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.rules import Item, TitleKind, TitleLevel
from wenming_api.creation.title_terms.queries import today
from wenming_api.creation.titles.models import TitleEvent
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit

TODAY = today().isoformat()
DOCUMENT = {"document_number": "区文明委〔2026〕12号", "document_on": TODAY, "effective_on": TODAY}


class People:
    def __init__(self, ground, term, applicant, recommender, evaluator, leader):
        self.ground, self.term = ground, term
        self.applicant, self.recommender, self.evaluator, self.leader = applicant, recommender, evaluator, leader

    async def act(self, who, one, verb, status=200, **body):
        answer = await who.post(f"/title-applications/{one['id']}/{verb}", json={"version": one["version"]} | body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def draft(self, term=None, assessment=FULL, who=None, status=201, **body):
        answer = await (who or self.applicant).post(
            "/title-applications",
            json={"term_id": str((term or self.term).id), "self_assessment": assessment} | body,
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    async def evaluated(self, term=None, **body):
        one = await self.draft(term, **body)
        one = await self.act(self.applicant, one, "submit")
        one = await self.act(self.recommender, one, "recommend", reason="材料齐全")
        return await self.act(self.evaluator, one, "evaluate", assessment=FULL)


@pytest.fixture
async def people(database, callers):
    async with database.transaction() as session:
        ground = await make_title_ground(session)
        term = await make_term(session, region=ground.county)
    clients = [
        await callers.sign_in(u) for u in (ground.applicant, ground.recommender, ground.evaluator, ground.leader)
    ]
    return People(ground, term, *clients)


async def level_of(database, unit):
    async with database.transaction() as session:
        return await session.scalar(select(Unit.civility_level_code).where(Unit.id == unit.id))


def action_of(detail, name):
    return next(each for each in detail["allowed_actions"] if each["action"] == name)


async def test_an_application_is_named_and_the_unit_rises(people, database, admin):
    one = await people.draft()
    assert (one["self_score"], one["self_judgement"]["passed"], one["current_level"]) == ("9.75", True, "none")
    one = await people.act(people.applicant, one, "submit")
    assert (one["state"], one["approval"]["unit_id"]) == ("recommending", str(people.ground.office.id))
    assert action_of(one, "recommend")["why_not"] == "需要“推荐称号申报”权限"
    one = await people.act(people.recommender, one, "recommend", reason="材料齐全")
    assert one["state"] == "recommended"
    one = await people.act(people.evaluator, one, "evaluate", assessment=FULL)
    assert (one["score"], one["passed"]) == ("9.75", True)
    himself = await people.act(people.evaluator, one, "name", status=403, **DOCUMENT)
    assert "评审人本人" in himself["detail"]
    assert await level_of(database, people.ground.school) is None
    one = await people.act(people.leader, one, "name", **DOCUMENT)
    assert (one["state"], one["document_number"]) == ("named", DOCUMENT["document_number"])
    assert await level_of(database, people.ground.school) == "county"
    entries = (await admin.get("/audit-entries", params={"target_id": str(people.ground.school.id)})).json()["items"]
    assert [entry["action"] for entry in entries] == ["units.civility_level"]
    honours = (await people.applicant.get("/honours", params={"term_id": str(people.term.id)})).json()["items"]
    assert [(each["holder_name"], each["level"], each["until_on"]) for each in honours] == [
        ("实验小学", "county", None)
    ]


async def test_a_revocation_ends_what_naming_began_and_keeps_it(people, database):
    one = await people.act(people.leader, await people.evaluated(), "name", **DOCUMENT)
    too_high = await people.act(
        people.leader, one, "revoke", status=409, **DOCUMENT | {"falls_to": "city", "reason": "发生事故"}
    )
    assert too_high["code"] == "title_impossible"
    one = await people.act(people.leader, one, "revoke", **DOCUMENT | {"reason": "发生重大事故"})
    assert one["state"] == "revoked"
    assert await level_of(database, people.ground.school) == "none"
    history = (await people.applicant.get(f"/honours/{people.ground.school.id}/history")).json()
    assert [(event["cause"], event["level"], event["until_on"]) for event in history["events"]] == [
        ("revoked", "none", None),
        ("named", "county", TODAY),
    ]
    listed = await people.applicant.get("/honours", params={"in_force": True})
    assert listed.json()["total"] == 0


async def test_history_is_never_rewritten(people, session, owner):
    await people.act(people.leader, await people.evaluated(), "name", **DOCUMENT)
    event = (await session.scalars(select(TitleEvent))).one()
    event.level = TitleLevel.NATIONAL
    with pytest.raises(DBAPIError):
        await session.flush()
    await session.rollback()


async def test_a_second_application_in_a_term_is_refused_until_the_first_is_withdrawn(people):
    one = await people.draft()
    again = await people.draft(status=409)
    assert again["code"] == "title_already_applied"
    await people.act(people.applicant, one, "withdraw", reason="材料有误")
    assert (await people.draft())["state"] == "draft"


async def test_of_two_applications_at_once_one_stands(people):
    answers = await asyncio.gather(
        *(people.applicant.post("/title-applications", json={"term_id": str(people.term.id)}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_of_two_namings_at_once_one_stands(people, database):
    one = await people.evaluated()
    body = {"version": one["version"]} | DOCUMENT
    answers = await asyncio.gather(
        *(people.leader.post(f"/title-applications/{one['id']}/name", json=body) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(TitleEvent)) == 1


async def test_of_two_namings_of_one_holder_in_two_terms_both_are_in_the_chain(people, database):
    async with database.transaction() as session:
        other = await make_term(session, region=people.ground.county)
    first, second = await people.evaluated(), await people.evaluated(other)
    answers = await asyncio.gather(
        *(
            people.leader.post(f"/title-applications/{one['id']}/name", json={"version": one["version"]} | DOCUMENT)
            for one in (first, second)
        )
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    async with database.transaction() as session:
        numbers = await session.scalars(select(TitleEvent.no).order_by(TitleEvent.no))
        assert numbers.all() == [1, 2]
    stale = min(
        (answer.json() for answer in answers),
        key=lambda each: each["updated_at"],
    )
    history = (await people.leader.get(f"/honours/{people.ground.school.id}/history")).json()["events"]
    superseded = (
        stale
        if history[1]["application_id"] == stale["id"]
        else next(answer.json() for answer in answers if answer.json()["id"] != stale["id"])
    )
    refused = await people.act(people.leader, superseded, "revoke", status=409, **DOCUMENT | {"reason": "撤销旧的命名"})
    assert "最近一次命名" in refused["detail"]


async def test_gaps_are_named_and_keep_it_from_being_submitted(people):
    one = await people.draft(assessment={"answers": [{"code": "1", "score": "1"}], "vetoes": []})
    assert action_of(one, "submit")["why_not"] == "尚未自评：2；尚未声明有无：V1"
    refused = await people.act(people.applicant, one, "submit", status=409)
    assert refused["gaps"] == ["尚未自评：2", "尚未声明有无：V1"]
    hit = FULL | {"vetoes": [{"code": "V1", "hit": True}]}
    path, match = f"/title-applications/{one['id']}", {"If-Match": f'"{one["version"]}"'}
    changed = (await people.applicant.patch(path, json={"self_assessment": hit}, headers=match)).json()
    assert changed["self_judgement"]["hit"] == ["V1"]
    assert (await people.act(people.applicant, changed, "submit", status=409))["gaps"] == ["存在否决情形：V1"]


@pytest.mark.parametrize(
    ("assessment", "pointer"),
    [
        ({"answers": [{"code": "1", "score": "4.01"}]}, "/self_assessment/answers"),
        ({"answers": [{"code": "9", "score": "1"}]}, "/self_assessment"),
        (
            {"answers": [{"code": "1", "score": "1", "file_ids": ["019385f6-6c00-7a4b-8f21-0123456789ab"]}]},
            "/self_assessment/answers",
        ),
    ],
)
async def test_wrong_scores_and_files_name_the_field(people, assessment, pointer):
    refused = await people.draft(assessment=assessment, status=422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]


async def test_evidence_is_asked_for_where_the_rule_does(people, database):
    async with database.transaction() as session:
        item = ITEMS[0]
        strict = Item(item.code, item.section, item.text, item.points, item.evidence, True)
        rule = await make_rule(session, items=[strict.to_json(), ITEMS[1].to_json()])
        term = await make_term(session, region=people.ground.county, rule=rule)
    one = await people.draft(term)
    assert one["self_judgement"]["unproven"] == ["1"]
    assert action_of(one, "submit")["why_not"] == "缺少证明材料：1"


async def test_a_returned_application_is_fixed_and_sent_again(people):
    one = await people.act(people.applicant, await people.draft(), "submit")
    unnamed = await people.recommender.post(f"/title-applications/{one['id']}/return", json={"version": one["version"]})
    assert unnamed.status_code == 422
    one = await people.act(people.recommender, one, "return", reason="缺少方案")
    assert (one["state"], one["reason"]) == ("returned", "缺少方案")
    path, match = f"/title-applications/{one['id']}", {"If-Match": f'"{one["version"]}"'}
    one = (await people.applicant.patch(path, json={"statement": "已补方案"}, headers=match)).json()
    one = await people.act(people.applicant, one, "submit")
    assert one["state"] == "recommending"
    again = await people.recommender.patch(path, json={"statement": "x"}, headers={"If-Match": f'"{one["version"]}"'})
    assert again.status_code == 403


async def test_of_two_recommendations_at_once_one_stands(people):
    one = await people.act(people.applicant, await people.draft(), "submit")
    answers = await asyncio.gather(
        *(
            people.recommender.post(f"/title-applications/{one['id']}/recommend", json={"version": one["version"]})
            for _ in range(3)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_prerequisite_is_held_first(people, database):
    async with database.transaction() as session:
        rule = await make_rule(session, prerequisite=TitleLevel.COUNTY)
        term = await make_term(session, region=people.ground.county, rule=rule, level=TitleLevel.CITY)
    one = await people.draft(term)
    assert "须先获得区县级称号" in action_of(one, "submit")["why_not"]
    await people.act(people.leader, await people.evaluated(), "name", **DOCUMENT)
    one = await people.act(people.applicant, one, "submit")
    assert (one["state"], one["current_level"]) == ("recommending", "county")


async def test_a_low_score_is_not_named_but_rejected(people):
    one = await people.draft()
    one = await people.act(people.applicant, one, "submit")
    one = await people.act(people.recommender, one, "recommend")
    poor = {"answers": [{"code": "1", "score": "1"}, {"code": "2", "score": "2"}], "vetoes": FULL["vetoes"]}
    one = await people.act(people.evaluator, one, "evaluate", assessment=poor)
    assert (one["score"], one["passed"]) == ("3", False)
    assert (await people.act(people.leader, one, "name", status=403, **DOCUMENT))["detail"] == "评审未合格。"
    one = await people.act(people.leader, one, "reject", reason="得分不足")
    assert one["state"] == "rejected"
    assert (await people.act(people.leader, one, "name", status=409, **DOCUMENT))["allowed"] == []


@pytest.mark.parametrize("days", [1, 400])
async def test_a_title_does_not_take_effect_ahead(people, days):
    one = await people.evaluated()
    later = (today() + timedelta(days=days)).isoformat()
    refused = await people.act(people.leader, one, "name", status=422, **DOCUMENT | {"effective_on": later})
    assert [error["pointer"] for error in refused["errors"]] == ["/effective_on"]


async def test_a_closed_window_takes_nothing(people, database):
    async with database.transaction() as session:
        term = await make_term(
            session,
            region=people.ground.county,
            opens_on=today() - timedelta(days=9),
            closes_on=today() - timedelta(days=1),
        )
    refused = await people.draft(term, status=409)
    assert "截止" in refused["detail"]


async def test_rows_stay_in_scope_and_drafts_at_home(people, callers, database, statements):
    one = await people.draft()
    assert (await people.recommender.get(f"/title-applications/{one['id']}")).status_code == 404
    assert (await people.recommender.get("/title-applications")).json()["total"] == 0
    one = await people.act(people.applicant, one, "submit")
    with statements() as sent:
        listed = await people.recommender.get("/title-applications", params={"state": "recommending"})
    assert (listed.json()["total"], sent.count) == (1, 2)
    with statements() as sent:
        assert (await people.recommender.get(f"/title-applications/{one['id']}")).status_code == 200
    assert sent.count <= 4
    async with database.transaction() as session:
        far = await make_user(
            session,
            unit=people.ground.other_school,
            permissions=[Permission.TITLES_READ, Permission.TITLES_REVIEW, Permission.TITLES_APPLY],
            scope=DataScope.REGION,
        )
    outsider = await callers.sign_in(far)
    assert (await outsider.get(f"/title-applications/{one['id']}")).status_code == 404
    assert (await outsider.post(f"/title-applications/{one['id']}/recommend", json={"version": 2})).status_code == 404
    await people.draft(who=outsider, status=422)
    assert (await people.applicant.post(f"/title-applications/{one['id']}/evaluate", json={})).status_code == 403


async def test_a_family_is_named_without_its_name(people, database):
    async with database.transaction() as session:
        rule = await make_rule(session, kind=TitleKind.FAMILY)
        term = await make_term(session, region=people.ground.county, rule=rule)
    await people.draft(term, status=422)
    family = (await people.applicant.post("/title-families", json={"name": "王小明", "address": "3 号楼"})).json()
    one = await people.evaluated(term, family_id=family["id"])
    assert one["holder_name"] == "王**"
    await people.act(people.leader, one, "name", **DOCUMENT)
    assert await level_of(database, people.ground.school) is None
    listed = await people.leader.get("/honours", params={"kind": "family"})
    assert [each["holder_name"] for each in listed.json()["items"]] == ["王**"]
    assert "王小明" not in listed.text
    assert "3 号楼" not in listed.text
