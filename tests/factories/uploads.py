"""Uploading in tests, as a phone does it: announce, send to the store, complete."""

import asyncio
from typing import Any

import httpx

from tests.factories.media import XLSX

KINDS = {
    "image/jpeg": "photo",
    "image/png": "photo",
    "image/webp": "photo",
    "image/heic": "photo",
    "video/mp4": "video",
    XLSX: "workbook",
    "text/csv": "workbook",
    "application/pdf": "document",
}


def announced(data: bytes, content_type: str = "image/jpeg", **changes: Any) -> dict[str, Any]:
    """One entry of a batch."""
    plain = {"name": "照片.jpg", "kind": KINDS[content_type], "content_type": content_type, "size": len(data)}
    return plain | changes


async def announce(client: httpx.AsyncClient, *files: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Open a batch and return the answer."""
    answer = await client.post("/files/uploads", json={"files": list(files), **changes})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def send(slot: dict[str, Any], data: bytes) -> None:
    """Send the bytes of one slot straight to the store, whole or in parts."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as web:
        if slot["form"]:
            content_type = slot["form"]["fields"]["Content-Type"]
            sent = await web.post(
                slot["form"]["url"], data=slot["form"]["fields"], files={"file": ("x", data, content_type)}
            )
            assert sent.status_code == 204, sent.text
        for part in slot["parts"] or []:
            if not part["uploaded"]:
                piece = data[part["offset"] : part["offset"] + part["size"]]
                sent = await web.put(part["url"], content=piece)
                assert sent.status_code == 200, sent.text


async def upload(client: httpx.AsyncClient, files: list[tuple[str, bytes]], **changes: Any) -> list[str]:
    """Announce, send and complete (content type, bytes) pairs in one batch; return the ids in order."""
    batch = await announce(client, *(announced(data, kind, **changes) for kind, data in files))
    assert [slot["status"] for slot in batch["files"]] == ["send"] * len(files), batch
    await asyncio.gather(*(send(slot, data) for slot, (_, data) in zip(batch["files"], files, strict=True)))
    answer = await client.post(f"/files/uploads/{batch['id']}/complete")
    assert answer.status_code == 200, answer.text
    arrivals = answer.json()["files"]
    assert {one["status"] for one in arrivals} == {"arrived"}, arrivals
    return [slot["file_id"] for slot in batch["files"]]
