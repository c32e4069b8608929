"""The workload of four-level approval: a community's submissions go up by way of street and county to the city."""

import json
import statistics
import time
from typing import Any

from bench.harness import Bench
from bench.report import Finding, judge
from bench.workloads import API
from bench.world import OFFICE
from wenming_api.kit.ids import uuid7

CLERK, REVIEWER = "community.clerk", "community.reviewer"
STEPS = (("street.office", "managing", "street"), ("county.office", "county", "county"))
STEPS = (*STEPS, ("city.office", "city", "city"), (OFFICE, "receiver", "receiver"))
"""Who decides, where the flow finds him, and at which level."""


def four_levels(bench: Bench, *, submissions: int = 40) -> Finding:
    """Every approval of `submissions` submissions at each of four levels, one after the other."""
    city = _get(bench, f"{API}/me", "city.office")["unit_id"]
    community = _get(bench, f"{API}/me", CLERK)["unit_id"]
    steps = [
        {"name": f"第{no}级", "level_code": level, "place": place, "working_days": 3}
        for no, (_, place, level) in enumerate(STEPS, 1)
    ]
    flow = {"kind": "submission", "name": "四级审核", "unit_id": community, "steps": steps}
    _send(bench, "POST", f"{API}/approval-flows", "county.office", flow)
    (node,) = bench.sql(
        "SELECT n.id FROM catalogue_nodes n JOIN catalogues c ON c.id = n.catalogue_id "
        "WHERE c.code = 'bench' AND n.leaf ORDER BY n.path LIMIT 1"
    ).split()
    took: list[float] = []
    for no in range(submissions):
        path = f"{API}/ledgers/submissions/{_sent(bench, no, node, city)}"
        judged = _get(bench, path, "city.office")["version"]
        _send(bench, "POST", f"{path}/receive", "city.office", {"version": judged})
        for who, _, _ in STEPS:
            judged = _get(bench, path, who)["version"]
            began = time.perf_counter()
            answer = _send(bench, "POST", f"{path}/accept", who, {"version": judged})
            took.append((time.perf_counter() - began) * 1000)
        assert answer["state"] == "accepted"
    took.sort()
    p95 = round(took[int(len(took) * 0.95)], 1)
    return judge(
        "four-level approve",
        "p95 ≤ 150 ms",
        checks={"p95 ≤ 150 ms": p95 <= 150},
        rps=round(1000 / statistics.mean(took), 1),
        p50_ms=round(statistics.median(took), 1),
        p95_ms=p95,
    )


def _sent(bench: Bench, no: int, node: str, city: str) -> str:
    """A new record of the community, reviewed inside, sent to the city; answers the submission."""
    content = {"title": f"四级审核{no}", "text": "开展志愿服务活动。" * 30, "node_ids": [node]}
    record = _send(bench, "POST", f"{API}/ledgers/records", CLERK, {"id": str(uuid7()), "content": content})
    path = f"{API}/ledgers/records/{record['id']}"
    record = _send(bench, "POST", f"{path}/submit", CLERK, {"version": record["version"]})
    _send(bench, "POST", f"{path}/approve", REVIEWER, {"version": record["version"]})
    wanted = {"record_id": record["id"], "destinations": [{"receiver_unit_id": city}]}
    sent: str = _send(bench, "POST", f"{API}/ledgers/submissions", CLERK, wanted)["items"][0]["id"]
    return sent


def _get(bench: Bench, path: str, username: str) -> Any:
    return _send(bench, "GET", path, username, None)


def _send(bench: Bench, method: str, path: str, username: str, body: Any) -> Any:
    status, answer, _ = bench.api.send(method, path, headers=bench.as_(username), body=body)
    if status not in {200, 201}:
        raise RuntimeError(f"{method} {path}: {status} {answer[:500].decode()}")
    return json.loads(answer)
