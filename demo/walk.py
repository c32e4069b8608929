"""One mock assessment of 淄博, from the indicator system to the ranking list, as its people would run it."""

import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from demo import independent
from demo.fieldwork import Visit, batches, new_id, send_offline, upload, visit
from demo.people import Person
from demo.server import Server

SCRIPT = Path(__file__).parents[1] / "scripts" / "verify_draw.py"
ASSESSORS = 6
COUNTIES = 8
WEIGHTS = {"field": Fraction(70), "survey": Fraction(30)}


class WrongFigure(AssertionError):
    """A figure of the service differs from the demo's own."""


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def check(what: str, found: object, expected: object) -> None:
    """Stop when a figure is not what it should be."""
    if found != expected:
        raise WrongFigure(f"{what}: {found!r}, expected {expected!r}")


@dataclass
class Walk:
    """The people, and what has been made so far."""

    server: Server
    office: Person
    leader: Person
    reviewer: Person
    assessors: list[Person]
    assessment: dict[str, Any] = field(default_factory=dict)
    standards: dict[str, dict[str, Any]] = field(default_factory=dict)
    draw: dict[str, Any] = field(default_factory=dict)
    visits: dict[str, Visit] = field(default_factory=dict)
    surveys: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The assessment's address."""
        return f"/assessments/{self.assessment['id']}"

    async def transition(self, verb: str, reason: str, *, by: Person | None = None) -> None:
        """Move the assessment to another state."""
        person = by or self.office
        now = await person.get(self.path)
        self.assessment = await person.post(f"{self.path}/{verb}", {"version": now["version"], "reason": reason})
        say(f"  状态：{self.assessment['state_label']}")


async def run(server: Server) -> None:
    """The whole walk; raises when anything is not as it should be."""
    async with AsyncExitStack() as stack:
        names = ["city.office", "city.leader", "city.reviewer", *(f"assessor.{no:02}" for no in range(1, ASSESSORS + 1))]
        people = await asyncio.gather(*(Person.sign_in(server, name) for name in names))
        for person in people:
            stack.push_async_callback(person.close)
        walk = Walk(server, people[0], people[1], people[2], list(people[3:]))
        say(f"1 登录：{'、'.join(person.me['display_name'] for person in people)}")
        await prepare(walk)
        await draw(walk)
        await assign(walk)
        await visit_sites(walk)
        await review(walk)
        await enter_surveys(walk)
        await arrive_late(walk)
        await publish(walk)


async def prepare(walk: Walk) -> None:
    """Choose an edition and plan the assessment."""
    office = walk.office
    (system,) = await office.all("/indicator-systems", state="published")
    listed = await office.all(f"/indicator-systems/{system['id']}/standards")
    chosen = [one for one in listed if one["list_kind"] == "regular"]
    walk.standards = {one["id"]: one for one in chosen}
    say(f"2 测评体系：{system['name']}，{len(chosen)} 条标准，{len({c for s in chosen for c in s['site_type_codes']})} 类点位")
    (city,) = (await office.get("/regions", level="city"))["items"]
    counties = await office.all("/regions", level="county")
    check("districts", len(counties), COUNTIES)
    types = sorted({code for one in chosen for code in one["site_type_codes"]})
    present = {one["site_type_code"] for one in await office.all("/sites")}
    quotas = [
        {
            "site_type_code": code,
            "region_level": "county",
            "count": 1,
            "weight": str(1 + place % 3),
            "when_short": "take_all",
        }
        for place, code in enumerate(code for code in types if code in present)
    ]
    groups = [
        {
            "code": "districts",
            "name": "区县",
            "region_level": "county",
            "methods": {code: str(weight) for code, weight in WEIGHTS.items()},
            "region_ids": [county["id"] for county in counties],
        }
    ]
    walk.assessment = await office.post(
        "/assessments",
        {
            "number": f"DEMO-{new_id()[:13]}",
            "name": "第一次模拟测评（演示）",
            "system_id": system["id"],
            "region_id": city["id"],
            "starts_on": "2026-11-01",
            "ends_on": "2026-12-31",
            "region_ids": [county["id"] for county in counties],
            "standard_ids": list(walk.standards),
            "quotas": quotas,
            "methods": [
                {"code": "field", "name": "实地考察", "source": "sheets"},
                {"code": "survey", "name": "问卷调查", "source": "entered"},
            ],
            "groups": groups,
            "assessors": [{"user_id": person.me["id"]} for person in walk.assessors],
        },
    )
    gaps = await office.get(f"{walk.path}/publish-check")
    check("gaps of the scheme", gaps["gaps"], [])
    say(f"3 测评 {walk.assessment['number']}：{len(counties)} 个区县，{len(quotas)} 类点位配额，权重 70/30")
    await walk.transition("publish", "方案已经市文明办主任会议审定")
    await walk.transition("sample", "进入抽选")


async def draw(walk: Walk) -> None:
    """Draw the sites: committed before, effective by two people."""
    raise NotImplementedError
