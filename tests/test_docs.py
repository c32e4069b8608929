"""The documents say what is true: routes that they name exist, the glossary knows every domain and table."""

import re
from pathlib import Path

from tests.test_conventions import PACKAGE, ROOT, ROUTES, SUB_SYSTEMS
from wenming_api.registry import metadata
from wenming_api.seeding.accounts import administrators, demo_users

FUNCTIONS = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
OUTSIDE = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/docs")}
# Tables that belong to the kit, not to the field.
TECHNICAL = {"event_deliveries", "idempotency_keys", "job_attempts"}


def _rows() -> list[tuple[str, str, str, str]]:
    cells = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in FUNCTIONS.splitlines()
        if re.match(r"\| [A-Z]\d", line)
    ]
    return [(row[0], row[1], row[2], row[3]) for row in cells]


def test_functions_name_routes_that_exist() -> None:
    there = {(method, f"/api/v1{route.path}") for route in ROUTES for method in route.methods or ()} | OUTSIDE
    named = {
        (method, path)
        for _, _, _, text in _rows()
        for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`]*)`", text)
    }
    assert named, "docs/functions.md names no route"
    assert {f"{method} {path}" for method, path in named - there} == set()


def test_functions_are_done_partial_or_open() -> None:
    for identifier, _, state, text in _rows():
        assert state in {"done", "partial", "open"}, identifier
        assert state != "partial" or "missing:" in text, f"{identifier}: say what is missing"
        assert state == "open" or re.search(r"`[A-Z]+ /|`wenming|`make", text), f"{identifier}: name what delivers it"


def test_functions_cover_the_matrix() -> None:
    identifiers = [row[0] for row in _rows()]
    assert len(identifiers) == len(set(identifiers))
    letters = {identifier[0] for identifier in identifiers}
    assert letters == set("SCLABMXDNPEO")


def test_the_glossary_knows_every_domain() -> None:
    domains = {
        f"{sub.name}.{path.name}"
        for sub in (PACKAGE / name for name in SUB_SYSTEMS)
        for path in Path(sub).iterdir()
        if (path / "__init__.py").exists()
    }
    assert {domain for domain in domains if f"`{domain}`" not in GLOSSARY} == set()


def test_the_glossary_knows_every_table() -> None:
    assert {name for name in metadata.tables if f"`{name}`" not in GLOSSARY} - TECHNICAL == set()


def test_the_readmes_name_every_demo_user() -> None:
    named = {account.username for account in [*administrators(""), *demo_users("", "", "", "")]}
    for name in ("README.md", "README.zh-CN.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        missing = {each for each in named if f"`{each}`" not in text and not each.startswith("assessor.")}
        assert missing == set(), name
        assert "`assessor.01` … `assessor.08`" in text
        assert "UV_DEFAULT_INDEX" in text
