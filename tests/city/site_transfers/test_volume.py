"""50,000 rows in, 100,000 rows out: bounded in time and memory."""

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.factories.places import make_county
from tests.factories.sites import make_site_type

from wenming_api.city.site_transfers.schemas import TABLE
from wenming_api.kit.workbooks import write_table

MOST_MEMORY = 512 * 1024 * 1024

pytestmark = pytest.mark.long


class Peak:
    """By how much this process grew inside the block at most, bytes: what earlier tests left does not count."""

    def __enter__(self) -> "Peak":
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._before = _resident("VmRSS")
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes = _resident("VmHWM") - self._before


def _resident(line: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(each for each in status.splitlines() if each.startswith(line)).split()[1]) * 1024


@pytest.fixture
async def county(database):
    async with database.transaction() as session:
        for code in range(1, 55):
            await make_site_type(session, str(code))
        return await make_county(session)


def rows(count: int, region: str) -> list[dict[str, Any]]:
    return [
        {
            "code": f"V{no}",
            "name": f"第{no}号点位",
            "site_type": str(no % 54 + 1),
            "region": region,
            "address": f"柳泉路 {no} 号",
            "longitude": "118.05",
            "latitude": "36.81",
            "crs": "gcj02",
        }
        for no in range(count)
    ]


async def test_50000_rows_are_imported(admin, county):
    data = write_table(TABLE, rows(50_000, county.code))
    started = time.perf_counter()
    with Peak() as peak:
        answer = await admin.post("/site-imports", files={"file": ("sites.xlsx", data)}, timeout=300)
    seconds = time.perf_counter() - started
    assert answer.status_code == 201, answer.text[:500]
    assert answer.json()["created"] == 50_000
    assert seconds < 120
    assert peak.bytes < MOST_MEMORY
    started = time.perf_counter()
    wrong = write_table(TABLE, [row | {"site_type": "不存在"} for row in rows(50_000, county.code)])
    refused = (await admin.post("/site-imports", files={"file": ("sites.xlsx", wrong)}, timeout=300)).json()
    assert (refused["state"], refused["failed"]) == ("rejected", 50_000)
    marked = await admin.get(f"/site-imports/{refused['id']}/errors")
    assert marked.status_code == 200
    assert time.perf_counter() - started < 120


async def test_one_row_too_many_is_refused(admin, county):
    data = write_table(TABLE, rows(50_001, county.code))
    answer = await admin.post("/site-imports", files={"file": ("sites.xlsx", data)}, timeout=300)
    assert answer.status_code == 413
    assert "50000" in answer.json()["detail"]


@pytest.mark.parametrize("format_", ["xlsx", "csv", "geojson"])
async def test_100000_rows_are_exported(admin, county, owner, format_):
    async with owner.transaction() as session:
        await session.execute(
            text(
                """
                INSERT INTO sites (id, code, name, site_type_code, region_id, region_path, crs, longitude, latitude,
                                   map_longitude, map_latitude, active, created_at, updated_at, version)
                SELECT uuidv7(), 'S' || n, '点位' || n, (n % 54 + 1)::text, :region, :path, 'wgs84',
                       118.05, 36.81, 118.05, 36.81, true, now(), now(), 1
                FROM generate_series(1, 100000) n
                """
            ),
            {"region": county.id, "path": county.path},
        )
    started = time.perf_counter()
    size = 0
    with Peak() as peak:
        async with admin.stream("GET", "/site-exports", params={"format": format_}, timeout=300) as answer:
            async for chunk in answer.aiter_bytes():
                size += len(chunk)
    seconds = time.perf_counter() - started
    assert size > 1_000_000
    assert seconds < 60
    assert peak.bytes < MOST_MEMORY
