"""The house's conventions, each a check with a message that teaches."""

import ast
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from wenming_api.access.guards import _May, _signed_in
from wenming_api.api import routes
from wenming_api.catalog.permissions import LABELS, Permission
from wenming_api.kit.http import _claim_key, _if_match, operation_id

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "wenming_api"
SUB_SYSTEMS = ("activities", "analytics", "city", "creation", "ledgers", "messaging", "system", "workflow")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ROUTES = routes()
IDS = [operation_id(route) for route in ROUTES]

# Changes that need no version: what they act on has none, or the act is safe to repeat on any version.
WITHOUT_IF_MATCH = {
    "ledgers_autosaves_drop": "what one user is typing is his alone, and dropping it twice is dropping it once",
    "ledgers_autosaves_keep": "what one user is typing is his alone, and has no versions",
    "messaging_inbox_delete": "a message is removed by its only reader, never edited",
    "system_sessions_end": "a session is ended, never edited",
}


def _calls(dependant: Dependant) -> list[Any]:
    return [dependant.call, *(call for below in dependant.dependencies for call in _calls(below))]


def _guards(route: APIRoute) -> list[Any]:
    return [call for call in _calls(route.dependant) if isinstance(call, _May) or call is _signed_in]


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_every_route_names_who_may(route: APIRoute) -> None:
    public = getattr(route.endpoint, "public", False)
    assert bool(_guards(route)) != public, (
        f"{route.path}: name a permission in the signature (caller: MayReadX), or mark the endpoint @public; not both"
    )


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_every_route_speaks_chinese(route: APIRoute) -> None:
    assert route.summary, f"{route.path}: give the route a summary"
    assert CHINESE.search(route.summary), f"{route.path}: a Chinese summary, please"
    assert CHINESE.search(route.description or ""), f"{route.path}: a Chinese docstring of one sentence, please"


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_changes_name_the_version_they_edited(route: APIRoute) -> None:
    if not (route.methods or set()) & {"PATCH", "PUT", "DELETE"} or operation_id(route) in WITHOUT_IF_MATCH:
        return
    assert _if_match in _calls(route.dependant), (
        f"{route.path}: PATCH, PUT and DELETE take `version: IfMatch`; an exception goes into WITHOUT_IF_MATCH with why"
    )


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_every_post_accepts_an_idempotency_key(route: APIRoute) -> None:
    if "POST" not in (route.methods or set()) or getattr(route.endpoint, "no_replay", False):
        return
    if getattr(route.endpoint, "exactly_once", False):
        assert route.body_field is not None
        assert "id" in route.body_field.field_info.annotation.model_fields, f"{route.path}: no id made by the client"
    else:
        assert _claim_key in _calls(route.dependant), f"{route.path}: use kit.http.Router"


def test_operation_ids_are_unique() -> None:
    assert len(IDS) == len(set(IDS))


def test_permissions_are_alphabetical_and_labelled() -> None:
    names = [permission.name for permission in Permission]
    assert names == sorted(names)
    assert set(LABELS) == set(Permission)


def test_every_permission_is_used_by_a_route() -> None:
    used = {
        permission
        for route in ROUTES
        for guard in _guards(route)
        if isinstance(guard, _May)
        for permission in guard.permissions
    }
    assert set(Permission) - used == set(), "a permission that no route asks for is a promise nobody keeps"


def _domains() -> list[Path]:
    return sorted(
        path
        for sub_system in SUB_SYSTEMS
        for path in (PACKAGE / sub_system).iterdir()
        if path.is_dir() and (path / "__init__.py").exists()
    )


@pytest.mark.parametrize("domain", _domains(), ids=lambda path: f"{path.parent.name}.{path.name}")
def test_a_domain_introduces_itself(domain: Path) -> None:
    tree = ast.parse((domain / "__init__.py").read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree) or ""
    assert len(tree.body) == 1, "the __init__ of a domain holds a docstring only"
    assert CHINESE.search(docstring), "say the Chinese term"
    assert "able" in docstring, "name the tables, or say that there are none"


def _sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_files_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _sources()
        if path.suffix == ".py" and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert long == {}, "split by sub-domain"


def test_the_tree_names_no_machine_and_no_registry() -> None:
    forbidden = re.compile(
        r"/(?:wor[k]|roo[t]|farm)/[a-z]|/hom[e]/[a-z]|py[p]i\.org|npm[j]s|deb[i]an\.org|python[h]osted|files\.python",
        re.IGNORECASE,
    )
    found = [
        f"{path.relative_to(ROOT)}:{no}"
        for path in _sources()
        if path.suffix in {".py", ".md", ".toml", ".txt", ".in", ".json", ".yml", ".ini", ".mako", ""}
        for no, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert found == []


def test_only_the_edges_commit() -> None:
    committing = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.commit\(\)|\.begin\(\)", path.read_text(encoding="utf-8"))
    }
    assert committing <= {"kit/http.py", "kit/db.py", "worker.py"}, "the edge commits: use Writes or job.transaction()"
