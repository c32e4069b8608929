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
from demo.saying import check, say
from demo.server import Server

SCRIPT = Path(__file__).parents[1] / "scripts" / "verify_draw.py"
ASSESSORS = 6
COUNTIES = 8
WEIGHTS = {"field": Fraction(70), "survey": Fraction(30)}


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
        names = [
            "city.office",
            "city.leader",
            "city.reviewer",
            *(f"assessor.{no:02}" for no in range(1, ASSESSORS + 1)),
        ]
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
    codes = {code for one in chosen for code in one["site_type_codes"]}
    say(f"2 测评体系：{system['name']}，{len(chosen)} 条标准，{len(codes)} 类点位")
    (city,) = (await office.get("/regions", level="city"))["items"]
    counties = await office.all("/regions", level="county")
    check("districts", len(counties), COUNTIES)
    present = {one["site_type_code"] for one in await office.all("/sites")}
    quotas = [
        {
            "site_type_code": code,
            "region_level": "county",
            "count": 1,
            "weight": str(1 + place % 3),
            "when_short": "take_all",
        }
        for place, code in enumerate(sorted(codes & present))
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
                {"code": "field", "name": "实地考察", "source": "field"},
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
    office, leader = walk.office, walk.leader
    made = await office.post(f"{walk.path}/draws", {"public_value": None}, key=new_id())
    path = f"{walk.path}/draws/{made['id']}"
    say(f"4 抽选承诺：{made['commitment'][:16]}…")
    made = await office.post(f"{path}/freeze", {"version": made["version"]})
    say(f"  抽样框 {made['frame_size']} 个点位，{made['frame_hash'][:16]}…")
    made = await office.post(f"{path}/draw", {"version": made["version"], "public_value": None})
    proposal = {"version": made["version"], "reason": "名单已核对，提请生效"}
    made = await office.post(f"{path}/propose-effective", proposal)
    confirmation = {"version": made["version"], "reason": "同意生效"}
    alone = await office.refused("POST", f"{path}/confirm-effective", confirmation)
    check("one person alone cannot make a draw effective", alone["status"] in (403, 409), True)
    made = await leader.post(f"{path}/confirm-effective", confirmation)
    check("state of the draw", made["state"], "effective")
    walk.draw = made
    say(f"  抽中 {made['drawn_count']} 个点位；由两人确认生效，名单在实地考察结束前保密")
    record = await office.get(f"{walk.path}/draw-records/{made['id']}")
    check("the list is secret", (record["secret"], record["frame"], record["strata"]), (None, None, None))
    await walk.transition("start", "测评人员已到位")


async def assign(walk: Walk) -> None:
    """Give each drawn site to an assessor."""
    result = await walk.office.post(f"{walk.path}/sheets/distribute", {"per_site": 1}, key=new_id())
    check("sheets", result["made"], walk.draw["drawn_count"])
    loads = "、".join(f"{load['assessor_name']} {load['total']}" for load in result["loads"])
    say(f"5 分配 {result['made']} 份测评表：{loads}")


async def visit_sites(walk: Walk) -> None:
    """Every assessor visits his sites; odd ones send online, even ones in offline batches, shuffled and repeated."""
    await asyncio.gather(*(_work(walk, no, person) for no, person in enumerate(walk.assessors)))
    photos = sum(len(one.pictures) for one in walk.visits.values())
    progress = await walk.leader.get(f"{walk.path}/progress")
    check("submitted sheets", progress["total"]["submitted"], len(walk.visits))
    say(f"6 已提交 {len(walk.visits)} 份测评表，{photos} 张照片（在线与离线各半，离线批次打乱并重复发送）")


async def _work(walk: Walk, no: int, person: Person) -> None:
    mine = await person.all("/me/sheets", assessment_id=walk.assessment["id"])
    sheets = [await person.get(f"{walk.path}/sheets/{one['id']}") for one in mine]
    visits = [await asyncio.to_thread(visit, sheet, no * 1000 + place) for place, sheet in enumerate(sheets)]
    pictures = [picture for one in visits for picture in one.pictures]
    if no % 2:
        await upload(person, pictures)
        for one in visits:
            await person.post(f"{walk.path}/sheets/{one.sheet['id']}/submit", one.submission, key=new_id())
    else:
        await _work_offline(walk, no, person, visits)
        await upload(person, pictures)
    walk.visits |= {one.sheet["id"]: one for one in visits}


async def _work_offline(walk: Walk, no: int, person: Person, visits: list[Visit]) -> None:
    recorded = repeated = 0
    for batch in itertools.chain(batches(visits, size=7, seed=no), batches(visits, size=5, seed=no + 100)):
        answer = await send_offline(person, walk.assessment["id"], batch)
        check("refused offline submissions", answer["refused"], 0)
        recorded += answer["recorded"]
        repeated += answer["repeated"]
    check("offline submissions recorded", recorded, len(visits))
    check("offline submissions known already", repeated, len(visits))


async def review(walk: Walk) -> None:
    """Accept every sheet whose photos are there; send one back first."""
    await _photos_arrived(walk)
    waiting = await walk.reviewer.all(f"{walk.path}/sheets", state="submitted")
    first = waiting[0]
    await walk.reviewer.post(
        f"{walk.path}/sheets/{first['id']}/return",
        {"version": first["version"], "reason": "照片与扣分项不符，请重新核对"},
    )
    owner = next(person for person in walk.assessors if person.me["id"] == first["assessor_id"])
    sheet = await owner.get(f"{walk.path}/sheets/{first['id']}")
    again = visit(sheet, 5000, strict=True)
    await upload(owner, again.pictures)
    await owner.post(f"{walk.path}/sheets/{first['id']}/submit", again.submission, key=new_id())
    walk.visits[first["id"]] = again
    await _photos_arrived(walk)
    for one in await walk.reviewer.all(f"{walk.path}/sheets", state="submitted"):
        await walk.reviewer.post(f"{walk.path}/sheets/{one['id']}/accept", {"version": one["version"]})
    accepted = await walk.reviewer.all(f"{walk.path}/sheets", state="accepted")
    check("accepted sheets", len(accepted), len(walk.visits))
    say(f"7 审核：退回 1 份并重新提交，{len(accepted)} 份全部通过")


async def _photos_arrived(walk: Walk) -> None:
    for _ in range(600):
        waiting = await walk.reviewer.all(f"{walk.path}/sheets", state="submitted")
        if all(one["evidence"] != "awaiting" for one in waiting):
            return
        await asyncio.sleep(0.3)
    raise AssertionError("photos are still awaited")


async def enter_surveys(walk: Walk) -> None:
    """Enter the questionnaire's totals per district."""
    counties = await walk.office.all("/regions", level="county")
    for place, county in enumerate(counties):
        score = f"{88 + place * 3 % 11}.{place}5"
        walk.surveys[county["code"]] = score
        body = {"method_code": "survey", "region_id": county["id"], "score": score}
        await walk.office.post(f"{walk.path}/method-scores", body, key=new_id())
    say(f"8 录入 {len(counties)} 个区县的问卷得分")


async def arrive_late(walk: Walk) -> None:
    """What comes after the field work has ended waits for a decision."""
    await walk.transition("review", "实地考察结束")
    sheet_id, done = next(iter(walk.visits.items()))
    owner = next(person for person in walk.assessors if person.me["id"] == done.sheet["assessor_id"])
    sheet = await owner.get(f"{walk.path}/sheets/{sheet_id}")
    late = visit(sheet, 6000, strict=True)
    late.submission["reason"] = "补传遗漏的记录"
    answer = await send_offline(owner, walk.assessment["id"], [{**late.submission, "sheet_id": sheet_id}])
    check("late submissions", answer["late"], 1)
    (waiting,) = await walk.office.all(f"{walk.path}/late-submissions", state="waiting")
    decision = {"version": waiting["version"], "reason": "实地考察已结束，不予收入"}
    await walk.office.post(f"{walk.path}/late-submissions/{waiting['id']}/reject", decision)
    say("9 实地考察结束后到达的 1 份进入迟到箱，不予收入")


async def publish(walk: Walk) -> None:
    """Compute, compare with the demo's own figures, publish, verify the draw."""
    result = await walk.office.post(f"{walk.path}/results", {}, key=new_id())
    path = f"{walk.path}/results/{result['id']}"
    table = await compare(walk, path)
    await verify_draw(walk)
    reason = "成绩已由主任会议审定，予以发布"
    published = await walk.leader.post(f"{path}/publish", {"version": result["version"], "reason": reason})
    check("state of the result", published["state"], "published")
    verification = await walk.leader.get(f"{path}/verification")
    check("recomputed from the frozen data", (verification["equal"], verification["rows_equal"]), (True, True))
    workbook = await walk.leader.get(f"{path}/workbook")
    check("workbook", workbook[:2], b"PK")
    say(f"11 发布成绩，哈希 {published['hash'][:16]}…；由冻结数据重算一致；成绩册 {len(workbook) // 1024} KB")
    say("")
    say("   名次  区县      实地     问卷     总分")
    for row in table:
        name = row["region_name"].split("/")[-1]
        say(
            f"   {row['rank']:>3}   {name:<6}  {row['shown']['methods.field']:>6}  "
            f"{row['shown']['methods.survey']:>6}  {row['shown']['total']:>6}"
        )


async def compare(walk: Walk, path: str) -> list[dict[str, Any]]:
    """Every figure of the service against the demo's own; returns the ranking list."""
    filled = [independent.Filled(one.sheet["site_id"], one.entries) for one in walk.visits.values()]
    places = {
        one.sheet["site_id"]: independent.Place(one.sheet["site_type_code"], one.sheet["region_path"].split("/")[1])
        for one in walk.visits.values()
    }
    weights = {quota["site_type_code"]: Fraction(quota["weight"]) for quota in walk.assessment["quotas"]}
    sites = independent.site_scores(filled, walk.standards)
    field_scores = independent.field_scores(sites, places, weights)
    surveys = {code: Fraction(score) for code, score in walk.surveys.items()}
    totals = independent.totals({"field": field_scores, "survey": surveys}, WEIGHTS)
    ranks = independent.ranks(totals)
    figures = 0
    for row in await walk.office.all(f"{path}/sites"):
        check(f"site {row['code']}", _stored(row["score"]), independent.at_ten_places(sites[row["site_id"]]))
        figures += 1
    (ranking,) = await walk.office.get(f"{path}/lists")
    check("districts ranked", len(ranking["entries"]), COUNTIES)
    for row in ranking["entries"]:
        code = row["region_code"]
        expected = {
            "field": field_scores[code],
            "survey": surveys[code],
        }
        for method, score in expected.items():
            check(f"{code} {method}", _stored(row["methods"][method]), independent.at_ten_places(score))
        check(f"{code} total", _stored(row["total"]), independent.at_ten_places(totals[code]))
        check(f"{code} shown", row["shown"]["total"], independent.at_two_places(totals[code]))
        check(f"{code} rank", row["rank"], ranks[code])
        figures += 5
    lines = await walk.office.get(f"{path}/lines", region_code=ranking["entries"][-1]["region_code"], conforming=False)
    check("the last district's lost points are there to see", lines["total"] > 0, True)
    photographed = [line for line in lines["items"] if line["photos"]]
    check("and so are their photos", len(photographed) > 0, True)
    picture = await walk.office.get(f"/files/{photographed[0]['photos'][0]['file_id']}")
    check("a photo opens", picture["state"], "ready")
    say(f"10 {figures} 个数字与独立复算完全一致（十位小数）；每个数字可追溯到评分与照片")
    return list(ranking["entries"])


def _stored(text: str | None) -> Any:
    return None if text is None else independent.at_ten_places(Fraction(text))


async def verify_draw(walk: Walk) -> None:
    """Repeat the draw from its public record with the stand-alone script."""
    record = await walk.office.get(f"{walk.path}/draw-records/{walk.draw['id']}")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "draw.json"
        file.write_text(json.dumps(record), encoding="utf-8")
        command = [sys.executable, "-I", str(SCRIPT), str(file)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    check("the draw follows from its record", (done.returncode, done.stderr), (0, ""))
    say(f"   抽选可重复：{done.stdout.strip()}")
