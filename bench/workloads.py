"""The workloads: what is sent, what it is compared with, and the bar it has to reach."""

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bench.harness import Bench, Server
from bench.load import Stats, request
from bench.report import Finding, judge
from bench.world import OFFICE
from wenming_api.city.sampling.rules import FrameSite, draw_sites, frame_hash_of, frame_text, seed_of, stratum_of
from wenming_api.kit.ids import uuid7

ROUNDS = 3
API = "/api/v1"


def compare(
    bench: Bench, ours: Sequence[bytes], bare: Sequence[bytes], *, rounds: int = ROUNDS, **options: Any
) -> tuple[Stats, float]:
    """Load both servers in turn: the round with our median rate, and the ratio of the median rates."""
    pairs = [
        (bench.load(bench.baseline, bare, **options), bench.load(bench.api, ours, **options)) for _ in range(rounds)
    ]
    our_rounds = sorted((our for _, our in pairs), key=lambda stats: stats.rps)
    middle = our_rounds[len(our_rounds) // 2]
    bare_rps = statistics.median(stats.rps for stats, _ in pairs)
    if any(stats.errors for pair in pairs for stats in pair):
        raise RuntimeError(next(stats.first_error for pair in pairs for stats in pair if stats.errors))
    return middle, round(middle.rps / bare_rps, 3)


def cost(bench: Bench) -> tuple[float, float]:
    """Processor time per request in the last loads: our server's, and the bare one's."""
    return bench.cpu_ms["api"], bench.cpu_ms["baseline"]


def _got(bench: Bench, path: str, username: str | None) -> Callable[[], bytes]:
    def get() -> bytes:
        status, body, _ = bench.api.get(path, bench.as_(username) if username else None)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body[:300].decode(errors='replace')}")
        return body

    return get


def hot_read(bench: Bench, name: str, path: str, *, username: str | None, share: float) -> Finding:
    """A read answered from the process's memory, against a bare route that sends the same bytes."""
    get = _got(bench, path, username)
    body = get()
    statements, _ = bench.statements(get)
    stats, ratio = compare(bench, [bench.request(path, username)], [bench.same_bytes(name, body)])
    who = bench.as_(username) if username else {}
    tag = bench.api.get(path, who)[2].get("etag", "")
    unchanged = bench.api.get(path, {**who, "If-None-Match": tag})[0] == 304
    checks = {f"ratio ≥ {share}": ratio >= share, "no statement": statements == 0, "304": unchanged}
    return judge(
        name,
        f"≥ {share} × bare route, 304",
        checks=checks,
        rps=stats.rps,
        p50_ms=stats.p50_ms,
        p95_ms=stats.p95_ms,
        ratio=ratio,
        statements=statements,
        cpu_ms=cost(bench),
    )


def kicked_out(bench: Bench, path: str, username: str) -> Finding:
    """How long a user whose session has ended is still answered from memory."""
    who = bench.as_(username)
    for _ in range(5):
        _got(bench, path, username)()
    status, body, _ = bench.api.send("POST", f"{API}/auth/logout", headers=who)
    if status != 204:
        raise RuntimeError(f"logout: {status} {body[:300]!r}")
    began = time.perf_counter()
    while bench.api.get(path, who)[0] == 200 and time.perf_counter() - began < 10:
        time.sleep(0.01)
    refused = bench.api.get(path, who)[0] == 401
    took = round((time.perf_counter() - began) * 1000, 1)
    return judge(
        "kicked-out session refused", "≤ 5 s", checks={"≤ 5 s": refused and took <= 5_000}, p50_ms=took, p95_ms=took
    )


def cold_read(
    bench: Bench,
    name: str,
    paths: Sequence[str],
    *,
    username: str,
    share: float,
    most: float,
    small_p95: float | None = None,
) -> Finding:
    """A read of the database, against the same SQL by bare asyncpg behind a bare route."""
    statements, executed = bench.statements(_got(bench, paths[0], username))
    bare = [
        bench.same_rows(f"{name}-{number}", bench.statements(_got(bench, path, username), times=1)[1])
        for number, path in enumerate(paths[:8])
    ]
    assert executed
    stats, ratio = compare(bench, [bench.request(path, username) for path in paths], bare)
    checks: dict[str, bool | None] = {f"ratio ≥ {share}": ratio >= share, f"≤ {most:g} statements": statements <= most}
    if small_p95 is not None:
        grown = stats.p95_ms <= 1.5 * small_p95
        full = bench.world.lines >= 1_000_000
        checks[f"p95 at 1,000,000 lines ≤ 1.5 × at 10,000 ({small_p95:g} ms)"] = grown if full else None
    return judge(
        name,
        f"≥ {share} × same SQL, ≤ {most:g} statements",
        checks=checks,
        rps=stats.rps,
        p50_ms=stats.p50_ms,
        p95_ms=stats.p95_ms,
        ratio=ratio,
        statements=statements,
        cpu_ms=cost(bench),
    )


def submission(bench: Bench, username: str, dice: random.Random) -> dict[str, Any]:
    """A filled-in sheet: ten lines, three of them with a photo that has arrived before."""
    entries = ({"passed": True}, {"grade": "B"}, {"count": "4"})
    lines: list[dict[str, Any]] = [
        {"standard_id": str(standard), "entry": entries[number % 3]}
        for number, standard in enumerate(bench.world.open_standards)
    ]
    for line, photo in zip(lines, dice.sample(bench.world.photo_ids[username], 3), strict=False):
        line["photos"] = [{"file_id": str(photo)}]
    return {"id": str(uuid7()), "captured_at": datetime.now(UTC).isoformat(), "lines": lines}


def submit(bench: Bench, *, clients: int = 500) -> Finding:
    """Sheets submitted by 500 clients at once, each sheet once, against a bare insert of 1 + 10 rows."""
    dice = random.Random(7)
    seconds, rounds = min(bench.seconds * 2, 10.0), 2
    sheets = bench.world.assigned
    share = (len(sheets) - 20) // rounds
    pairs = []
    for number in range(rounds):
        mine = sheets[number * share : (number + 1) * share]
        ours = [_submission_request(bench, username, sheet, dice) for username, sheet in mine]
        bare = [request("POST", "/sheets", body=json.dumps(_bare(bench)).encode()) for _ in range(share * 4)]
        options = {"connections": clients, "seconds": seconds, "warm_up": 1.0, "once": True, "expected": (200, 201)}
        pairs.append((bench.load(bench.baseline, bare, **options), bench.load(bench.api, ours, **options)))
    # Counted last, when the processes know the forms, as they do on any day but the first.
    statements, _ = bench.statements(lambda: _submit_one(bench, *sheets.pop(), dice), times=10)
    stats = max((our for _, our in pairs), key=lambda our: our.rps)
    ratio = round(statistics.median(o.rps for _, o in pairs) / statistics.median(b.rps for b, _ in pairs), 3)
    errors = sum(our.errors for _, our in pairs)
    worst = min(our.rps for _, our in pairs)
    checks = {
        "ratio ≥ 0.3": ratio >= 0.3,
        f"≥ 250/s (slowest round {worst:g}/s)": worst >= 250,
        f"0 errors ({errors}: {next((our.first_error[:200] for _, our in pairs if our.errors), '')})": errors == 0,
    }
    return judge(
        f"sheet submit, {clients} clients",
        "≥ 0.3 × bare insert of 1 + 10 rows, ≥ 250/s, 0 errors",
        checks=checks,
        rps=stats.rps,
        p50_ms=stats.p50_ms,
        p95_ms=stats.p95_ms,
        ratio=ratio,
        statements=statements,
        cpu_ms=cost(bench),
    )


def _submission_request(bench: Bench, username: str, sheet: Any, dice: random.Random) -> bytes:
    body = json.dumps(submission(bench, username, dice)).encode()
    path = f"{API}/assessments/{bench.world.open}/sheets/{sheet}/submit"
    return bench.request(path, username, method="POST", headers={"Content-Type": "application/json"}, body=body)


def _submit_one(bench: Bench, username: str, sheet: Any, dice: random.Random) -> None:
    path = f"{API}/assessments/{bench.world.open}/sheets/{sheet}/submit"
    body = submission(bench, username, dice)
    status, answer, _ = bench.api.send("POST", path, headers=bench.as_(username), body=body)
    if status not in {200, 201}:
        raise RuntimeError(f"submit: {status} {answer[:500].decode()}")


def _bare(bench: Bench) -> dict[str, Any]:
    lines = [{"id": str(uuid7()), "standard_id": str(standard)} for standard in bench.world.open_standards]
    return {"id": str(uuid7()), "kind": "first", "lines": lines}


def visible_progress(bench: Bench, path: str, *, times: int = 20) -> Finding:
    """From the answer to a submission until progress shows it, to somebody who looks at progress all the time."""
    dice = random.Random(11)
    look = _got(bench, path, OFFICE)
    delays = []
    for _ in range(times):
        before = json.loads(look())["total"]["submitted"]
        _submit_one(bench, *bench.world.assigned.pop(), dice)
        began = time.perf_counter()
        while json.loads(look())["total"]["submitted"] <= before:
            if time.perf_counter() - began > 10:
                return judge("progress after a submit", "p95 ≤ 2 s", checks={"visible within 10 s": False})
            time.sleep(0.02)
        delays.append((time.perf_counter() - began) * 1000)
    delays.sort()
    p95 = round(delays[int(len(delays) * 0.95) - 1], 1)
    return judge(
        "progress after a submit",
        "p95 ≤ 2 s",
        checks={"p95 ≤ 2 s": p95 <= 2_000},
        p50_ms=round(statistics.median(delays), 1),
        p95_ms=p95,
    )


def timed_reads(bench: Bench, name: str, paths: Sequence[str], *, username: str, p95: float, bar: str) -> Finding:
    """Each path once, one after the other: what a person waits for an answer that nobody has asked before."""
    took = []
    for path in paths:
        began = time.perf_counter()
        _got(bench, path, username)()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    worst = round(took[min(int(len(took) * 0.95), len(took) - 1)], 1)

    def ask() -> None:
        bench.forget()
        _got(bench, paths[-1], username)()

    statements, _ = bench.statements(ask, times=2)
    full = bench.world.lines >= 1_000_000
    good: bool | None = worst <= p95 if full or worst > p95 else None
    return judge(
        name,
        bar,
        checks={f"p95 ≤ {p95:g} ms at 1,000,000 facts": good},
        rps=round(1000 / statistics.mean(took), 1),
        p50_ms=round(statistics.median(took), 1),
        p95_ms=worst,
        statements=statements,
    )


def draw(sites: int = 100_000) -> Finding:
    """The whole draw of a frame: the text that is hashed, the seed, the order in every stratum."""
    dice = random.Random(3)
    frame = [
        FrameSite(
            str(uuid7()), str(dice.randrange(54)), stratum_of(f"37030{dice.randrange(9)}", str(dice.randrange(54)))
        )
        for _ in range(sites)
    ]
    quotas = {site.stratum: 10 for site in frame}
    took = []
    for _ in range(3):
        began = time.perf_counter()
        text = frame_text(frame)
        drawn = draw_sites(frame, seed_of("0" * 64, "3301.27", frame_hash_of(text)), quotas)
        took.append((time.perf_counter() - began) * 1000)
        assert sum(len(stratum.drawn) for stratum in drawn.values()) == 10 * len(quotas)
    best = round(min(took), 1)
    return judge(
        f"draw of {sites:,} sites",
        "< 1 s",
        checks={"< 1 s": best < 1_000},
        rps=round(1000 / best, 2),
        p50_ms=round(statistics.median(took), 1),
        p95_ms=round(max(took), 1),
    )


def timed_posts(
    bench: Bench, name: str, paths: Sequence[str], *, username: str, limit: float, bar: str, full: bool
) -> Finding:
    """A change that takes long: each path posted once."""
    took = []
    for path in paths:
        began = time.perf_counter()
        _posted(bench, path, username, None)
        took.append((time.perf_counter() - began) * 1000)
    worst = round(max(took), 1)
    return judge(
        name,
        bar,
        checks={bar: worst < limit if full or worst >= limit else None},
        rps=round(1000 / statistics.mean(took), 2),
        p50_ms=round(statistics.median(took), 1),
        p95_ms=worst,
    )


def published(bench: Bench, assessment: UUID) -> UUID:
    """Publish the newest result of an assessment, which puts it on the ranking lists."""
    results = f"{API}/assessments/{assessment}/results"
    newest = json.loads(_got(bench, results, OFFICE)())["items"][:1]
    result = newest[0] if newest else _posted(bench, results, OFFICE, None)
    detail = json.loads(_got(bench, f"{results}/{result['id']}", OFFICE)())
    body = {"version": detail["version"], "reason": "压测", "accept_incomplete": True}
    _posted(bench, f"{results}/{result['id']}/publish", OFFICE, body)
    return assessment


def _posted(bench: Bench, path: str, username: str, body: Any) -> Any:
    status, answer, _ = bench.api.send("POST", path, headers=bench.as_(username), body=body)
    if status not in {200, 201}:
        raise RuntimeError(f"POST {path}: {status} {answer[:500].decode()}")
    return json.loads(answer)


def list_p95(server: Server, bench: Bench, paths: Sequence[str]) -> float:
    """The p95 of a list under the usual load, for the comparison of volumes."""
    stats = bench.load(server, [bench.request(path, OFFICE) for path in paths])
    if stats.errors:
        raise RuntimeError(stats.first_error)
    return stats.p95_ms
