"""Questionnaires that can be answered, made over HTTP as an office makes them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from tests.factories.assessments import Ground, make_assessment, make_ground
from wenming_api.city.assessments.models import (
    AssessmentAssessor,
    AssessmentMethod,
    AssessmentRegion,
    AssessmentStandard,
    RankingGroup,
    RankingGroupMember,
)
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.system.regions.rules import RegionLevel

SATISFIED = [
    {"code": "a", "text": "满意", "score": "10"},
    {"code": "b", "text": "基本满意", "score": "6"},
    {"code": "c", "text": "不满意", "score": "0"},
    {"code": "x", "text": "不了解", "score": None},
]


def questions(ground: Ground) -> list[dict[str, Any]]:
    """A screening question, one of each kind, and a question that is asked of the dissatisfied alone."""
    first, second = (str(each) for each in ground.standards[:2])
    return [
        {
            "code": "age",
            "kind": "single",
            "text": "您的年龄？",
            "screening": True,
            "options": [
                {"code": "in", "text": "18–65 岁"},
                {"code": "out", "text": "其他", "qualifies": False},
            ],
        },
        {
            "code": "clean",
            "kind": "single",
            "text": "您对环境卫生满意吗？",
            "standard_id": first,
            "max_score": "10",
            "options": SATISFIED,
        },
        {
            "code": "why",
            "kind": "multiple",
            "text": "您不满意什么？",
            "max_choices": 2,
            "options": [{"code": code, "text": f"原因{code}"} for code in ("p", "q", "r")],
            "show_if": {"question": "clean", "choices": ["c"]},
        },
        {
            "code": "kind",
            "kind": "scale",
            "text": "邻里关系打几分？",
            "standard_id": second,
            "max_score": "10",
            "low": 1,
            "high": 4,
            "low_label": "差",
            "high_label": "好",
        },
        {"code": "note", "kind": "text", "text": "您还有什么建议？", "required": False},
    ]


def items(clean: str = "a", kind: int = 4, *, age: str = "in", why: list[str] | None = None) -> list[dict[str, Any]]:
    """An answer to `questions`."""
    given: list[dict[str, Any]] = [
        {"question": "age", "choices": [age]},
        {"question": "clean", "choices": [clean]},
        {"question": "kind", "number": kind},
    ]
    if clean == "c":
        given.append({"question": "why", "choices": why or ["p"]})
    return given


@dataclass
class Survey:
    """An assessment in progress whose method `survey` is fed by questionnaires, and one questionnaire of it."""

    assessment_id: UUID
    ground: Ground
    id: str = ""
    strata: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return f"/assessments/{self.assessment_id}/questionnaires"

    @property
    def path(self) -> str:
        return f"{self.root}/{self.id}"


async def make_survey(database: Database, *, state: AssessmentState = AssessmentState.IN_PROGRESS) -> Survey:
    """The assessment, without a questionnaire yet."""
    async with database.transaction() as session:
        ground = await make_ground(session)
        made = await make_assessment(session, ground, state=state)
        methods = [("field", MethodSource.FIELD), ("survey", MethodSource.QUESTIONNAIRE)]
        for place, (code, source) in enumerate(methods):
            session.add(
                AssessmentMethod(
                    assessment_id=made.id, code=code, name={"field": "实地考察"}.get(code, "问卷调查"), source=source,
                    position=place,
                )
            )  # fmt: skip
        session.add_all(
            AssessmentRegion(assessment_id=made.id, region_id=county.id, position=place)
            for place, county in enumerate(ground.counties)
        )
        session.add_all(AssessmentStandard(assessment_id=made.id, standard_id=each) for each in ground.standards)
        session.add_all(
            AssessmentAssessor(assessment_id=made.id, user_id=user.id, region_ids=regions, site_type_codes=[])
            for user, regions in zip(ground.assessors, ([], [ground.counties[0].id]), strict=True)
        )
        group = RankingGroup(
            assessment_id=made.id, code="counties", name="区县", region_level=RegionLevel.COUNTY,
            methods={"field": "85", "survey": "15"}, field_only=False, position=0,
        )  # fmt: skip
        session.add(group)
        await session.flush()
        session.add_all(
            RankingGroupMember(group_id=group.id, assessment_id=made.id, region_id=county.id, position=place)
            for place, county in enumerate(ground.counties)
        )
        await session.flush()
        return Survey(made.id, ground)


def head(code: str = "residents", **changes: Any) -> dict[str, Any]:
    """A questionnaire that is open now, as a request."""
    now = clock.now()
    return {
        "code": code,
        "name": "居民问卷",
        "method_code": "survey",
        "opens_at": (now - timedelta(days=1)).isoformat(),
        "closes_at": (now + timedelta(days=1)).isoformat(),
        "per_device": 10_000,
        "per_address": 10_000,
        **changes,
    }


async def draft(office: httpx.AsyncClient, survey: Survey, *, quota: int = 20, **changes: Any) -> dict[str, Any]:
    """A draft with questions and one stratum in each county; answers its detail."""
    made = await office.post(survey.root, json=head(**changes))
    assert made.status_code == 201, made.text
    survey.id = made.json()["id"]
    version = {"If-Match": made.headers["etag"]}
    put = await office.put(f"{survey.path}/questions", json={"questions": questions(survey.ground)}, headers=version)
    assert put.status_code == 200, put.text
    strata = [
        {"code": f"S{place}", "name": f"第{place}层", "region_id": str(county.id), "quota": quota}
        for place, county in enumerate(survey.ground.counties)
    ]
    put = await office.put(f"{survey.path}/strata", json={"strata": strata}, headers={"If-Match": put.headers["etag"]})
    assert put.status_code == 200, put.text
    listed = (await office.get(f"{survey.path}/strata")).json()["items"]
    survey.strata = {each["code"]: each["id"] for each in listed}
    return (await office.get(survey.path)).json()


async def publish(office: httpx.AsyncClient, survey: Survey) -> dict[str, Any]:
    """Publish the survey's questionnaire."""
    version = (await office.get(survey.path)).json()["version"]
    done = await office.post(f"{survey.path}/publish", json={"version": version, "reason": "方案已定"})
    assert done.status_code == 200, done.text
    return done.json()


async def opened(office: httpx.AsyncClient, database: Database, *, quota: int = 20, **changes: Any) -> Survey:
    """A published questionnaire in its window, with one stratum in each county."""
    survey = await make_survey(database)
    await draft(office, survey, quota=quota, **changes)
    await publish(office, survey)
    return survey


async def make_links(office: httpx.AsyncClient, survey: Survey, *, each: int = 1, **changes: Any) -> list[str]:
    """Tokens of new links, stratum by stratum."""
    body = {
        "per_stratum": each,
        "expires_at": (clock.now() + timedelta(hours=1)).isoformat(),
        "link_prefix": "https://wm.example.gov.cn/s#",
        "format": "csv",
        **changes,
    }
    made = await office.post(f"{survey.path}/link-batches", json=body)
    assert made.status_code == 201, made.text
    lines = made.content.decode("utf-8-sig").strip().splitlines()[1:]
    return [line.rsplit("#", 1)[1] for line in lines]


def answer(survey: Survey, given: list[dict[str, Any]] | None = None, *, stratum: str = "S0") -> dict[str, Any]:
    """An answer as an assessor brings it."""
    return {
        "id": str(uuid7()),
        "stratum_id": survey.strata[stratum],
        "captured_at": clock.now().isoformat(),
        "items": items() if given is None else given,
    }
