"""区域: the tree, imports, moves; who may."""

import time
from pathlib import Path

import wenming_api.system.regions

ZIBO = Path(wenming_api.system.regions.__file__).parent / "data" / "regions_3703.csv"


async def test_a_whole_city_is_imported_in_seconds(admin):
    started = time.perf_counter()
    answer = await admin.post("/regions/imports", files={"file": ("zibo.csv", ZIBO.read_bytes())})
    assert answer.status_code == 200, answer.text
    assert time.perf_counter() - started < 5
    report = answer.json()
    assert (report["applied"], report["failed"], report["total"]) == (True, 0, 3028)
    listed = (await admin.get("/regions", params={"q": "般阳路", "level": "street"})).json()
    assert [item["full_name"] for item in listed["items"]] == ["淄博市/淄川区/般阳路街道"]
