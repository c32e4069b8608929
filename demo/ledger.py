"""One community's activity, typed once: three ledgers, one of them returned and mended; the finished book as PDF."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from demo.fieldwork import Picture, new_id, upload
from demo.people import Person
from demo.photos import photograph
from demo.saying import check, say
from demo.server import Server

PEOPLE = ("community.clerk", "community.reviewer", "street.office", "county.office", "city.office")
TREE = {
    "1": ("思想道德建设", {"1-1": ("道德讲堂", 1)}),
    "2": ("志愿服务", {"2-1": ("学雷锋志愿服务", 1), "2-2": ("邻里互助", 1)}),
}
FILED_UNDER = ("2-1", "2-2")
PHOTOS = 4
PRINT_SECONDS = 120
TEXT = (
    "11月15日上午，社区组织党员志愿者、网格员和居民代表开展“清洁家园”志愿服务活动。活动分三个小组，"
    "分别清理楼道杂物、规范非机动车停放、向沿街商户宣传“门前五包”责任。"
)
MENDED = TEXT + "活动共清理楼道32个、规范车辆120余辆、发放倡议书200份，32名志愿者累计服务64小时，居民反映良好。"


@dataclass
class Cast:
    """The people, and what has been made so far."""

    clerk: Person
    reviewer: Person
    street: Person
    county: Person
    city: Person
    nodes: dict[str, str] = field(default_factory=dict)
    catalogue: str = ""
    topic: str = ""
    activity: str = ""
    record: str = ""
    sent: dict[str, str] = field(default_factory=dict)


async def run(server: Server, *, save_to: Path | None = None) -> None:
    """The whole act; raises when anything is not as it should be. The book is written to `save_to` when asked to."""
    async with AsyncExitStack() as stack:
        people = await asyncio.gather(*(Person.sign_in(server, name) for name in PEOPLE))
        for person in people:
            stack.push_async_callback(person.close)
        cast = Cast(*people)
        say(f"9 电子台账：{'、'.join(person.me['display_name'] for person in people)}")
        await prepare(cast)
        await hold_activity(cast)
        await review_inside(cast)
        await send(cast)
        await mend(cast)
        await recommend(cast)
        await print_book(cast, save_to)


async def step(person: Person, path: str, verb: str, **more: Any) -> Any:
    """Take one action on the version that the person sees, after checking that the service says he may."""
    now = await person.get(path)
    said = {one["action"]: one for one in now["allowed_actions"]}
    check(f"{path}: {verb}", (said[verb]["allowed"], said[verb]["why_not"]), (True, None))
    return await person.post(f"{path}/{verb}", {"version": now["version"], **more})


async def prepare(cast: Cast) -> None:
    """The city publishes what is to be kept, the county a special work that collects it."""
    made = await cast.city.post(
        "/catalogues", {"code": f"demo-{new_id()[-12:]}", "name": "文明社区台账目录（演示）", "year": 2026}
    )
    cast.catalogue = made["id"]
    path = f"/catalogues/{cast.catalogue}"
    for code, (name, below) in TREE.items():
        big = await cast.city.post(f"{path}/nodes", {"code": code, "name": name})
        for small, (its_name, required) in below.items():
            node = {"parent_id": big["id"], "code": small, "name": its_name, "required": required}
            cast.nodes[small] = (await cast.city.post(f"{path}/nodes", node))["id"]
    await step(cast.city, path, "publish", reason="年度台账目录")
    today = datetime.now(UTC).date()
    topic = await cast.county.post(
        "/ledgers/topics",
        {
            "name": "“清洁家园”专项行动（演示）",
            "kind": "special",
            "year": today.year,
            "opens_on": str(today - timedelta(days=30)),
            "closes_on": str(today + timedelta(days=30)),
        },
    )
    cast.topic = topic["id"]
    await step(cast.county, f"/ledgers/topics/{cast.topic}", "publish")
    say(f"  目录 {made['name']}，{len(cast.nodes)} 个小类；县区专题 {topic['name']}")


async def hold_activity(cast: Cast) -> None:
    """An activity is planned, held, described with its photos, and becomes a record without being typed again."""
    began = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
    plan = {
        "title": "“清洁家园”志愿服务活动",
        "kind": "arising",
        "activity_type": "volunteer_service",
        "node_ids": [cast.nodes[code] for code in FILED_UNDER],
        "starts_at": began.isoformat(),
        "ends_at": (began + timedelta(hours=2)).isoformat(),
        "place": "新华社区广场及周边楼院",
        "purpose": "整治楼院环境，引导居民参与。",
    }
    made = await cast.clerk.post("/activities", plan)
    cast.activity = made["id"]
    pictures = [
        Picture(new_id(), *photograph(7_000 + no, longitude=118.02, latitude=36.81, taken_at=began))
        for no in range(1, PHOTOS + 1)
    ]
    await upload(cast.clerk, pictures)
    themes = ("集合动员", "清理楼道", "规范车辆", "入户宣传")
    content = (await cast.clerk.get(f"/activities/{cast.activity}/content"))["content"] | {
        "text": TEXT,
        "participants": "社区党员志愿者、网格员、居民代表",
        "participant_count": 32,
        "volunteer_hours": "64",
        "conclusion": "活动有组织、有记录、有成效，符合志愿服务常态化要求。",
        "photos": [
            {
                "file_id": picture.id,
                "caption": {
                    "time": "2026年11月15日上午",
                    "place": "新华社区",
                    "people": "社区志愿者",
                    "theme": theme,
                    "background": "“清洁家园”专项行动",
                    "reason": "整治楼院环境",
                },
            }
            for picture, theme in zip(pictures, themes, strict=True)
        ],
    }
    await write(cast, content)
    recorded = await step(cast.clerk, f"/activities/{cast.activity}", "record")
    cast.record = recorded["record_id"]
    record = await cast.clerk.get(f"/ledgers/records/{cast.record}")
    check("the record's text", record["content"]["text"], TEXT)
    check("the record's photos", len(record["content"]["photos"]), PHOTOS)
    say(f"  活动 {made['title']} 形成台账记录，质控提示 {len(record['findings'])} 条")


async def write(cast: Cast, content: dict[str, Any]) -> None:
    """Save what happened."""
    now = await cast.clerk.get(f"/activities/{cast.activity}")
    await cast.clerk.put(f"/activities/{cast.activity}/content", {"content": content}, version=now["version"])


async def review_inside(cast: Cast) -> None:
    """Nothing leaves the unit before somebody else in it has looked at it."""
    path = f"/ledgers/records/{cast.record}"
    await step(cast.clerk, path, "submit")
    now = await cast.clerk.get(path)
    refused = await cast.clerk.refused("POST", f"{path}/approve", {"version": now["version"]})
    check("approving one's own record", refused["status"], 403)
    approved = await step(cast.reviewer, path, "approve")
    check("the record's state", approved["state"], "approved")


async def send(cast: Cast) -> None:
    """To the street's ledger, the county's special work and the city's ledger; each decides for itself."""
    office = cast.city.me["unit_id"]
    sent = await cast.clerk.post(
        "/ledgers/submissions",
        {
            "record_id": cast.record,
            "destinations": [
                {},
                {"purpose": "topic", "topic_id": cast.topic},
                {"receiver_unit_id": office},
            ],
        },
        key=new_id(),
    )
    by_unit = {one["receiver_unit_id"]: one["id"] for one in sent["items"]}
    cast.sent = {name: by_unit[getattr(cast, name).me["unit_id"]] for name in ("street", "county", "city")}
    for name, person in (("street", cast.street), ("county", cast.county), ("city", cast.city)):
        await step(person, f"/ledgers/submissions/{cast.sent[name]}", "receive")
    await step(cast.street, f"/ledgers/submissions/{cast.sent['street']}", "accept")
    await step(cast.city, f"/ledgers/submissions/{cast.sent['city']}", "accept")
    returned = await step(
        cast.county,
        f"/ledgers/submissions/{cast.sent['county']}",
        "return",
        reason="请补充活动成效和服务时长等数据。",
        marks=[{"field": "/text", "note": "补充成效"}],
    )
    check("returned by the county", returned["state"], "returned")
    say("  报送三处：街道、市通过，县区退回")


async def mend(cast: Cast) -> None:
    """The clerk mends what the county marked; only the county gets the new version."""
    content = (await cast.clerk.get(f"/activities/{cast.activity}/content"))["content"]
    await write(cast, content | {"text": MENDED})
    path = f"/ledgers/records/{cast.record}"
    check("the record follows its activity", (await cast.clerk.get(path))["content"]["text"], MENDED)
    await step(cast.clerk, path, "submit")
    await step(cast.reviewer, path, "approve")
    again = await step(cast.clerk, f"/ledgers/submissions/{cast.sent['county']}", "resubmit")
    check("the round", again["round"], 2)
    changes = (await cast.county.get(f"/ledgers/submissions/{cast.sent['county']}/changes"))["changes"]
    check("what changed", [one["path"] for one in changes], ["/text"])
    await step(cast.county, f"/ledgers/submissions/{cast.sent['county']}", "receive")
    await step(cast.county, f"/ledgers/submissions/{cast.sent['county']}", "accept")
    for name in ("street", "city"):
        other = await cast.clerk.get(f"/ledgers/submissions/{cast.sent[name]}")
        check(
            f"the {name}'s is as it was",
            (other["state"], other["round"], other["content"]["text"]),
            ("accepted", 1, TEXT),
        )
    say("  修改后只重报县区，其余两处不变")


async def recommend(cast: Cast) -> None:
    """The county passes it on to the city as a manuscript; the line remembers where it came from."""
    made = await step(
        cast.county,
        f"/ledgers/submissions/{cast.sent['county']}",
        "recommend",
        destinations=[{"purpose": "manuscript", "media_name": "淄博日报", "receiver_unit_id": cast.city.me["unit_id"]}],
        opinion="做法具体、成效明显，建议宣传推广。",
    )
    (passed_on,) = made["items"]
    await step(cast.city, f"/ledgers/submissions/{passed_on['id']}", "receive")
    await step(cast.city, f"/ledgers/submissions/{passed_on['id']}", "accept")
    line = await cast.city.get(f"/ledgers/submissions/{passed_on['id']}/lineage")
    check("the line", sorted(one["level"] for one in line["items"]), [1, 2])
    say("  县区向市推荐为稿件，已采用")


async def print_book(cast: Cast, save_to: Path | None) -> None:
    """The community's book has written itself; it is printed whole."""
    unit = cast.clerk.me["unit_id"]
    (book,) = await cast.clerk.all("/ledgers/books", catalogue_id=cast.catalogue, unit_id=unit, kind="own")
    contents = await cast.clerk.get(f"/ledgers/books/{book['id']}/contents")
    have = {line["code"]: line["have"] for line in contents["items"] if line["leaf"]}
    filed = 1  # one record, however many have accepted it
    check("the book's entries by category", have, {code: filed if code in FILED_UNDER else 0 for code in cast.nodes})
    entries = await cast.clerk.all(f"/ledgers/books/{book['id']}/entries")
    mended = (await cast.clerk.get(f"/ledgers/records/{cast.record}"))["approved_version_no"]
    check("the book shows the record as mended", {entry["version_no"] for entry in entries}, {mended})
    required = {code: need for _, below in TREE.values() for code, (_, need) in below.items()}
    missing = sum(max(0, need - have[code]) for code, need in required.items())
    check("what the book still misses", contents["missing"], missing)
    printed = await cast.clerk.post("/ledgers/documents", {"book_id": book["id"]})
    for _ in range(PRINT_SECONDS * 2):
        printed = await cast.clerk.get(f"/ledgers/documents/{printed['id']}")
        if printed["url"] or printed["failure"]:
            break
        await asyncio.sleep(0.5)
    check("printing", (printed["failure"], bool(printed["url"])), (None, True))
    async with httpx.AsyncClient(timeout=60) as store:
        document = (await store.get(printed["url"])).content
    check("the book's hash", hashlib.sha256(document).hexdigest(), printed["sha256"])
    check("a PDF", document[:5], b"%PDF-")
    if save_to is not None:
        save_to.write_bytes(document)
    say(f"  台账册《{book['title']}》：{printed['pages']} 页，{len(document) / 1e6:.1f} MB")
