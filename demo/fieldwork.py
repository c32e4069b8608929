"""What assessors do on site: judge a form, photograph what they take points for, send it, online or in batches."""

import asyncio
import hashlib
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import uuid_utils.compat

from demo.people import Person
from demo.photos import photograph

UPLOAD_BATCH = 20


def new_id() -> str:
    """A UUIDv7 as a phone makes it."""
    return str(uuid_utils.compat.uuid7())


@dataclass
class Picture:
    """A photo on the phone, not yet sent."""

    id: str
    name: str
    content_type: str
    data: bytes


@dataclass
class Visit:
    """One filled-in form, with its pictures."""

    sheet: dict[str, Any]
    submission: dict[str, Any]
    pictures: list[Picture] = field(default_factory=list)

    @property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Standard id → entry, as sent."""
        return {line["standard_id"]: line["entry"] for line in self.submission["lines"]}


def visit(sheet: dict[str, Any], no: int, *, strict: bool = False) -> Visit:
    """Judge a site, always the same for the same sheet number; `strict` finds one thing more (a second visit)."""
    seen = int.from_bytes(hashlib.sha256(f"{sheet['site_code']}/{no}/{strict}".encode()).digest()[:8], "big")
    dice = random.Random(seen)
    now = datetime.now(UTC)
    longitude = float(sheet["site_longitude"] or 118.05)
    latitude = float(sheet["site_latitude"] or 36.8)
    pictures: list[Picture] = []

    def shoot() -> dict[str, Any]:
        taken = now - timedelta(minutes=dice.randrange(5, 600))
        number = no * 40 + len(pictures) + (20 if strict else 0)
        name, content_type, data = photograph(number, longitude=longitude, latitude=latitude, taken_at=taken)
        pictures.append(Picture(new_id(), name, content_type, data))
        return {
            "file_id": pictures[-1].id,
            "taken_at": taken.isoformat(),
            "longitude": f"{longitude:.6f}",
            "latitude": f"{latitude:.6f}",
        }

    lines = [_judge(dice, standard, shoot, strict=strict) for standard in sheet["form"]]
    submission = {
        "id": new_id(),
        "replaces": sheet["current"]["id"] if sheet["current"] else None,
        "captured_at": (now - timedelta(minutes=3)).isoformat(),
        "longitude": f"{longitude:.6f}",
        "latitude": f"{latitude:.6f}",
        "crs": "wgs84",
        "lines": lines,
    }
    return Visit(sheet, submission, pictures)


def _judge(dice: random.Random, standard: dict[str, Any], shoot: Any, *, strict: bool) -> dict[str, Any]:
    rule = standard["rule"]
    kind = rule["kind"]
    bad = dice.random() < (0.5 if strict else 0.25)
    line: dict[str, Any] = {"standard_id": standard["standard_id"], "photos": []}
    if kind != "veto" and dice.random() < 0.06:
        return line | {"entry": {"not_applicable": True}, "note": "该点位没有此项设施"}
    if kind == "pass_fail":
        line["entry"] = {"passed": not bad}
    elif kind == "graded":
        line["entry"] = {"grade": rule["grades"][dice.randrange(len(rule["grades"])) if bad else 0]["code"]}
        bad = line["entry"]["grade"] != rule["grades"][0]["code"]
    elif kind == "count":
        required = Decimal(rule["required"])
        entry = {"count": str(dice.randrange(0, max(1, int(required))) if bad else int(required) + 1)}
        if rule["per"] is not None:
            entry["of"] = rule["per"]
        line["entry"] = entry
    elif kind == "veto":
        line["entry"] = {"vetoed": False}
        bad = False
    else:
        line["entry"] = {"deductions": [_deduction(dice, rule, shoot, standard)] if bad else []}
        return line
    if bad:
        line["photos"] = [shoot()]
        line["note"] = "现场照片见附"
    return line


def _deduction(dice: random.Random, rule: dict[str, Any], shoot: Any, standard: dict[str, Any]) -> dict[str, Any]:
    reason = dice.choice(rule["reasons"])
    points = reason["points"] or str((Decimal(standard["max_score"]) / 4).quantize(Decimal("0.1")))
    return {"reason": reason["code"], "points": points, "note": "现场发现", "photos": [shoot()]}


async def upload(person: Person, pictures: list[Picture]) -> None:
    """Send pictures straight to the object store, twenty at a time, and say that they are there."""
    async with httpx.AsyncClient(timeout=60) as store:
        for start in range(0, len(pictures), UPLOAD_BATCH):
            some = {picture.id: picture for picture in pictures[start : start + UPLOAD_BATCH]}
            body = {
                "files": [
                    {
                        "id": picture.id,
                        "name": picture.name,
                        "kind": "photo",
                        "content_type": picture.content_type,
                        "size": len(picture.data),
                    }
                    for picture in some.values()
                ]
            }
            session = await person.post("/files/uploads", body)
            await asyncio.gather(*(_send(store, slot, some[slot["file_id"]]) for slot in session["files"]))
            arrived = await person.post(f"/files/uploads/{session['id']}/complete")
            missing = [found for found in arrived["files"] if found["status"] != "arrived"]
            if missing:
                raise AssertionError(f"not arrived: {missing}")


async def _send(store: httpx.AsyncClient, slot: dict[str, Any], picture: Picture) -> None:
    if slot["status"] != "send":
        raise AssertionError(f"refused: {slot}")
    form = slot["form"]
    answer = await store.post(form["url"], data=form["fields"], files={"file": (picture.name, picture.data)})
    answer.raise_for_status()


def batches(visits: list[Visit], *, size: int, seed: int) -> list[list[dict[str, Any]]]:
    """The visits as offline batches in an order of their own."""
    items = [{**visit.submission, "sheet_id": visit.sheet["id"]} for visit in visits]
    random.Random(seed).shuffle(items)
    return [items[start : start + size] for start in range(0, len(items), size)]


async def send_offline(person: Person, assessment_id: str, batch: list[dict[str, Any]]) -> dict[str, Any]:
    """Send one batch under a key of its own."""
    answer: dict[str, Any] = await person.post(
        f"/assessments/{assessment_id}/submissions", {"items": batch}, key=str(uuid.uuid4())
    )
    return answer
