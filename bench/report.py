"""Findings of a run: collected, judged, printed as a table and written to `results.json`."""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = Path(__file__).parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Finding:
    """One workload. `ratio` is rps over the baseline's rps; `ok` is None when the scale or machine cannot judge."""

    name: str
    rps: float | None
    p50_ms: float | None
    p95_ms: float | None
    ratio: float | None
    statements: float | None
    bar: str
    ok: bool | None
    why: str = ""
    cpu_ms: tuple[float, float] | None = None
    """Processor time a request cost our server, and the bare one."""


def judge(name: str, bar: str, *, checks: dict[str, bool | None], **figures: Any) -> Finding:
    """Fold the named checks of a workload into one verdict: a failed one decides, then an unjudged one."""
    failed = [check for check, passed in checks.items() if passed is False]
    open_ = [check for check, passed in checks.items() if passed is None]
    ok = False if failed else None if open_ else True
    figures = {"rps": None, "p50_ms": None, "p95_ms": None, "ratio": None, "statements": None, **figures}
    return Finding(name=name, bar=bar, ok=ok, why="; ".join(failed or open_), **figures)


def write(findings: list[Finding], *, scale: float, facts: dict[str, Any]) -> None:
    """Write `results.json`; keys besides the agreed ones explain, and stand at the top level."""
    keys = ("name", "rps", "p50_ms", "p95_ms", "ratio", "statements", "bar", "ok")
    workloads = [{key: getattr(finding, key) for key in keys} for finding in findings]
    notes = {finding.name: finding.why for finding in findings if finding.why}
    cpu = {finding.name: finding.cpu_ms for finding in findings if finding.cpu_ms}
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    content = {"workloads": workloads, "notes": notes, "cpu_ms": cpu, "scale": scale, **machine, **facts}
    RESULTS.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def table(findings: list[Finding]) -> str:
    """The findings as a Markdown table."""
    rows = [
        "| workload | rps | p50 ms | p95 ms | ratio | SQL | CPU ms, ours / bare | bar | ok |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for finding in findings:
        verdict = {True: "yes", False: f"**no** ({finding.why})", None: f"– ({finding.why})"}[finding.ok]
        cells = (finding.rps, finding.p50_ms, finding.p95_ms, finding.ratio, finding.statements)
        shown = " | ".join("–" if cell is None else f"{cell:g}" for cell in cells)
        cpu = "–" if finding.cpu_ms is None else "{:g} / {:g}".format(*finding.cpu_ms)
        rows.append(f"| {finding.name} | {shown} | {cpu} | {finding.bar} | {verdict} |")
    return "\n".join(rows)


def document(findings: list[Finding], *, scale: float, cpus: int, python: str) -> None:
    """Write the figures into `docs/benchmarks.md`, between its markers."""
    text = DOCUMENT.read_text()
    head, _, rest = text.partition("<!-- figures -->\n")
    _, _, tail = rest.partition("<!-- end of figures -->\n")
    where = f"SCALE={scale:g}, {cpus} cores, Python {python}:\n\n"
    DOCUMENT.write_text(f"{head}<!-- figures -->\n{where}{table(findings)}\n<!-- end of figures -->\n{tail}")
