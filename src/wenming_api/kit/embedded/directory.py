"""The directory of one server: private, held by one process at a time; keeps secrets and ports."""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from wenming_api.kit.embedded.errors import AlreadyRunning, EmbeddedError

SOCKET_PATH_LIMIT = 107
"""Bytes that fit into a unix socket address."""


class DirectoryLock:
    """Exclusive hold on a directory. The kernel drops it when the holder dies, however it dies."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises `AlreadyRunning` when another process (or another object of this one) holds it."""
        if self._descriptor is not None:
            raise AlreadyRunning(self._directory, f"PID {os.getpid()}")
        private_directory(self._directory)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise AlreadyRunning(self._directory, holder) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"PID {os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> "DirectoryLock":
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def private_directory(path: Path) -> Path:
    """Create it for the owner alone; an existing one is left as it is."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"无法建立目录 {path}：{error.strerror}") from error
    return path


def socket_directory(wanted: Path, *, longest_name: str) -> Path:
    """`wanted`, or a short private temporary directory when the socket's path would not fit.

    The short one is derived from `wanted`, so that every start over the same data finds the same place.
    """
    if len(os.fsencode(wanted / longest_name)) <= SOCKET_PATH_LIMIT:
        return private_directory(wanted)
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):
        short = parent / f"wm-{os.geteuid()}-{digest}"
        if len(os.fsencode(short / longest_name)) <= SOCKET_PATH_LIMIT:
            break
    private_directory(short)
    status = short.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise EmbeddedError(f"临时目录 {short} 不属于当前用户或权限过宽，请删除后重试。")
    return short


def write_private(path: Path, text: str) -> None:
    """Replace a file whole; only the owner may read it."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def remembered(path: Path) -> dict[str, Any]:
    """The JSON object stored at `path`; empty when there is none that can be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text())
        if isinstance(found, dict):
            return found
    return {}


def remember(path: Path, values: dict[str, Any]) -> None:
    """Store a JSON object for the next start (mode 0600)."""
    write_private(path, json.dumps(values))


def generated_secret(path: Path, key: str, *, size: int = 24) -> str:
    """The secret stored under `key`, made at the first call. Alphanumeric, for it goes into URLs."""
    values = remembered(path)
    if not isinstance(values.get(key), str):
        values[key] = secrets.token_hex(size)
        remember(path, values)
    return str(values[key])
