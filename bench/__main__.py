"""`python -m bench`: servers, volume, workloads, report. Everything lives in a temporary directory and on loopback."""

import argparse
import asyncio
import itertools
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from bench import approvals, ledgers, report, workloads, world
from bench.baseline import INSERT_TABLES
from bench.harness import Bench
from bench.report import Finding
from bench.workloads import API
from bench.world import OFFICE
from wenming_api.dev import COMMAND, DATABASE, Environment
from wenming_api.kit.embedded.postgres import SUPERUSER, EmbeddedPostgres
from wenming_api.settings import Settings

SMALL = 0.01
SMALL_DATABASE = "bench_small"
GROWING = ("sheet list", "sheet detail", "record list", "record detail")
"""Workloads whose p95 is compared with that of a hundredth of the volume."""
POSTGRES = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


class Run:
    """Collects findings, and keeps a workload that fails from taking the others along."""

    def __init__(self, only: str) -> None:
        self.findings: list[Finding] = []
        self._only = only

    def wants(self, name: str) -> bool:
        return self._only in name

    def add(self, name: str, measure: Callable[[], Finding]) -> None:
        """Measure one workload and show its line."""
        if not self.wants(name):
            return
        say(f"  {name} …")
        try:
            found = measure()
        except (RuntimeError, AssertionError) as failure:
            found = report.judge(name, "answers", checks={str(failure).replace("\n", " ")[:400]: False})
        self.findings.append(found)
        say(report.table([found]).splitlines()[-1])


def main() -> int:
    """Run what was asked for; 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--scale", type=float, default=1.0, help="share of 1,000,000 score lines")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load lasts")
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    parser.add_argument("--document", action="store_true", help="write docs/benchmarks.md too")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="wm-bench-"))
    for name in [name for name in os.environ if name.startswith("WENMING_")]:
        del os.environ[name]
    os.environ.update(DATA_DIR=str(directory), HOST="127.0.0.1", WENMING_LOG_LEVEL="info")
    run = Run(options.only)
    began = time.monotonic()
    try:
        run.add("draw of 100,000 sites", workloads.draw)
        with Environment(Settings(), postgres_settings=POSTGRES) as environment:
            _measure(run, environment, options.scale, options.seconds)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    facts = {
        "cpus": os.cpu_count(),
        "seconds": round(time.monotonic() - began),
        "date": datetime.now(UTC).date().isoformat(),
    }
    report.write(run.findings, scale=options.scale, facts=facts)
    say("\n" + report.table(run.findings) + f"\n\n{report.RESULTS}")
    if options.document:
        report.document(run.findings, scale=options.scale, cpus=os.cpu_count() or 0, python=platform.python_version())
    return 1 if any(finding.ok is False for finding in run.findings) else 0


def _measure(run: Run, environment: Environment, scale: float, seconds: float) -> None:
    for name in ("migrate", "seed"):
        say(f"● {name}")
        log = environment.supervisor.data_dir / f"{name}.log"
        if environment.supervisor.finish(name, [*COMMAND, name], environment=environment.variables, log=log) != 0:
            raise SystemExit(log.read_text())
    postgres = environment.postgres
    assert postgres is not None
    postgres.psql(f"CREATE DATABASE {SMALL_DATABASE} TEMPLATE {DATABASE} OWNER {postgres.owner}")
    small_p95: dict[str, float] = {}
    if any(run.wants(name) for name in GROWING):
        small = _bench(environment, postgres, SMALL_DATABASE, SMALL, seconds)
        with small.api.running():
            paths = _cold_paths(small)
            for name in GROWING:
                small_p95[name] = workloads.list_p95(small.api, small, paths[name])
    bench = _bench(environment, postgres, DATABASE, scale, seconds)
    with bench.baseline.running(), bench.api.running():
        _reads(run, bench, small_p95)
    with bench.baseline.running(workers=2), bench.api.running(workers=2):
        run.add("sheet submit", lambda: workloads.submit(bench))


def _bench(environment: Environment, postgres: EmbeddedPostgres, database: str, scale: float, seconds: float) -> Bench:
    """The volume in a database, and a bench over it."""
    began = time.monotonic()
    variables = {
        name: value.replace(f"@/{DATABASE}?", f"@/{database}?") for name, value in environment.variables.items()
    }
    dsn = f"postgresql://{SUPERUSER}@/{database}?host={postgres.socket_dir}"
    key = variables["WENMING_SESSIONS__SIGNING_KEY"]
    made = asyncio.run(world.build(dsn, scale=scale, signing_key=key))
    bench = Bench(environment.supervisor, postgres, database, variables, made, seconds)
    bench.sql(f"SET ROLE {postgres.owner}; {INSERT_TABLES} GRANT SELECT, INSERT ON bench_sheets, bench_lines TO PUBLIC")
    took = time.monotonic() - began
    say(f"● {made.lines:,} score lines, {made.photos:,} photos, {len(made.closed) + 1} assessments ({took:.0f} s)")
    return bench


def _cold_paths(bench: Bench) -> dict[str, list[str]]:
    """Lists with filters, sort and page; details of many sheets."""
    sheets = f"{API}/assessments/{bench.world.open}/sheets"
    regions = bench.sql("SELECT id, path FROM regions WHERE level = 'county' ORDER BY code LIMIT 4").split()
    counties = dict(region.split("|") for region in regions)
    ids = bench.sql(
        f"SELECT id FROM sheets WHERE assessment_id = '{bench.world.closed[0]}' ORDER BY md5(id::text) LIMIT 200"
    ).split()
    records = bench.sql("SELECT id FROM records ORDER BY md5(id::text) LIMIT 200").split()
    sites = bench.sql("SELECT id FROM sites ORDER BY md5(id::text) LIMIT 200").split()
    return {
        "site list": [
            f"{API}/sites?region_id={county}&sort=-updated_at&page={page}&size=20"
            for county in counties
            for page in (1, 2)
        ],
        "site detail": [f"{API}/sites/{id_}" for id_ in sites],
        "sheet list": [
            f"{sheets}?state=submitted&under={county}&sort=-submitted_at&page={page}&size=20"
            for county in counties.values()
            for page in (1, 2)
        ],
        "record list": [
            f"{API}/ledgers/records?region_id={county}&state=approved&sort=-updated_at&page={page}&size=20"
            for county in counties
            for page in (1, 2)
        ],
        "record detail": [f"{API}/ledgers/records/{id_}" for id_ in records],
        "progress": [f"{API}/assessments/{bench.world.open}/progress"],
        "sheet detail": [f"{API}/assessments/{bench.world.closed[0]}/sheets/{id_}" for id_ in ids],
    }


def _reads(run: Run, bench: Bench, small_p95: dict[str, float]) -> None:
    world_ = bench.world
    full = world_.sites * world.STANDARDS >= world.SITES * world.STANDARDS
    results = {assessment: f"{API}/assessments/{assessment}/results" for assessment in world_.closed}
    run.add(
        f"results of {world_.sites:,} sites × {world.STANDARDS} standards",
        lambda: workloads.timed_posts(
            bench,
            f"results of {world_.sites:,} sites × {world.STANDARDS} standards",
            list(results.values()),
            username=OFFICE,
            limit=2_000,
            bar="< 2 s",
            full=full,
        ),
    )
    ranked = workloads.published(bench, world_.closed[0])
    run.add(
        "hot ranking read, public",
        lambda: workloads.hot_read(
            bench, "hot ranking read, public", f"{API}/rankings/{ranked}", username=None, share=0.6
        ),
    )
    run.add(
        "hot ranking list, public",
        lambda: workloads.hot_read(bench, "hot ranking list, public", f"{API}/rankings", username=None, share=0.6),
    )
    pivot = f"{API}/statistics/pivot?dimension=region&dimension=site_type"
    run.add(
        "hot read, authorised and scoped",
        lambda: workloads.hot_read(bench, "hot read, authorised and scoped", pivot, username=OFFICE, share=0.4),
    )
    cold = _cold_paths(bench)
    limits = {"sheet list": 3, "sheet detail": 2, "site list": 3, "site detail": 2, "progress": 2}
    for name, most in (limits | {"record list": 3, "record detail": 2}).items():
        run.add(
            name,
            lambda name=name, most=most: workloads.cold_read(
                bench, name, cold[name], username=OFFICE, share=0.4, most=most, small_p95=small_p95.get(name)
            ),
        )
    run.add(
        "results pivot, 3 of 8 dimensions, cold",
        lambda: workloads.timed_reads(
            bench,
            "results pivot, 3 of 8 dimensions, cold",
            _pivots(),
            username=OFFICE,
            p95=500,
            bar="p95 ≤ 500 ms",
        ),
    )
    run.add(
        "text search of records",
        lambda: workloads.timed_reads(
            bench, "text search of records", _searches(), username=OFFICE, p95=200, bar="p95 ≤ 200 ms"
        ),
    )
    run.add("four-level approve", lambda: approvals.four_levels(bench))
    run.add("progress after a submit", lambda: workloads.visible_progress(bench, cold["progress"][0]))
    run.add("kicked-out session refused", lambda: workloads.kicked_out(bench, pivot, world.LEAVER))


def _pivots() -> list[str]:
    """Every choice of three dimensions of eight."""
    names = ("region", "indicator", "department", "unit", "industry", "site_type", "method", "period")
    chosen = itertools.combinations(names, 3)
    return [f"{API}/statistics/pivot?" + "&".join(f"dimension={name}" for name in three) for three in chosen]


def _searches() -> list[str]:
    """Words that nearly all, some, few and no records hold, and parts of what few hold; several pages of each."""
    words = [*ledgers.WORDS, "敬老", "重阳敬", "文明交", "志愿 重阳", "麒麟"]
    return [f"{API}/ledgers/records?{urlencode({'q': word, 'page': page})}" for word in words for page in (1, 2, 3)]


def say(line: str) -> None:
    """One line to the terminal, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
