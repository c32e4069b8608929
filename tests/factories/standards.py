"""Indicator systems for tests, made over HTTP as a user would, or straight in the database where many are needed."""

import itertools
from typing import Any

import httpx

from tests.factories.places import make_unit
from wenming_api.city.site_types.models import SiteType
from wenming_api.kit.db import WriteSession
from wenming_api.system.units.models import Unit

_numbers = itertools.count(1)
PASS_FAIL = {"kind": "pass_fail"}
GRADED = {
    "kind": "graded",
    "grades": [
        {"code": "A", "label": "好", "factor": "1"},
        {"code": "B", "label": "一般", "factor": "0.6"},
        {"code": "C", "label": "差", "factor": "0"},
    ],
}
COUNT = {"kind": "count", "required": "5", "mode": "proportion", "unit": "处", "per": "300", "per_unit": "米"}
DEDUCTION = {
    "kind": "deduction",
    "reasons": [
        {"code": "litter", "label": "乱扔垃圾", "points": "0.5", "cap": "2"},
        {"code": "other", "label": "其他", "points": None, "cap": None},
    ],
    "floor": "0",
    "photo_required": True,
}
VETO = {"kind": "veto", "scope": "site"}
RULES = (PASS_FAIL, GRADED, COUNT, DEDUCTION, VETO)


async def make_site_types(session: WriteSession, *codes: str) -> list[SiteType]:
    """Types of sites with these codes. Flushed, not committed."""
    made = [
        SiteType(
            code=code,
            name=f"类型{code}",
            category="测试",
            is_place=True,
            active=True,
            position=no,
            source=None,
            note=None,
        )
        for no, code in enumerate(codes)
    ]
    session.add_all(made)
    await session.flush()
    return made


async def make_units(session: WriteSession, count: int) -> list[Unit]:
    """Units in the city. Flushed, not committed."""
    return [await make_unit(session) for _ in range(count)]


async def make_system(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A draft with two levels."""
    no = next(_numbers)
    body = {"code": f"SYS-{no}", "name": f"体系{no}", "edition": "测试版", "level_names": ["测评项目", "测评内容"]}
    answer = await client.post("/indicator-systems", json={**body, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def make_indicator(
    client: httpx.AsyncClient, system_id: str, code: str, parent_id: str | None = None, **fields: Any
) -> dict[str, Any]:
    """An indicator of a draft."""
    body = {"code": code, "name": f"指标{code}", "parent_id": parent_id, **fields}
    answer = await client.post(f"/indicator-systems/{system_id}/indicators", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def standard_body(indicator_id: str, code: str, **fields: Any) -> dict[str, Any]:
    """A request for a standard judged by 符合/不符合."""
    return {
        "indicator_id": indicator_id,
        "code": code,
        "text": f"标准{code}",
        "max_score": "4",
        "methods": ["field"],
        "rule": PASS_FAIL,
        **fields,
    }


async def make_standard(
    client: httpx.AsyncClient, system_id: str, indicator_id: str, code: str, **fields: Any
) -> dict[str, Any]:
    """A standard of a draft."""
    body = standard_body(indicator_id, code, **fields)
    answer = await client.post(f"/indicator-systems/{system_id}/standards", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def make_published(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A published system of one project, one content and one standard of each kind of rule."""
    system = await make_system(client, **fields)
    top = await make_indicator(client, system["id"], "Ⅰ-1")
    content = await make_indicator(client, system["id"], "Ⅱ-1", top["id"])
    for no, rule in enumerate(RULES, start=1):
        await make_standard(client, system["id"], content["id"], f"Ⅲ-1-{no}", rule=rule)
    return await publish(client, system["id"])


async def publish(client: httpx.AsyncClient, system_id: str) -> dict[str, Any]:
    """Publish a draft as it is now."""
    version = (await client.get(f"/indicator-systems/{system_id}")).json()["version"]
    answer = await client.post(f"/indicator-systems/{system_id}/publish", json={"version": version})
    assert answer.status_code == 200, answer.text
    published: dict[str, Any] = answer.json()
    return published
