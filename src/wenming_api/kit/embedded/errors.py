"""What can go wrong when a server is started from its wheel."""

from pathlib import Path


class EmbeddedError(RuntimeError):
    """A server could not be started, found or stopped. The text is meant for the person at the terminal."""


class AlreadyRunning(EmbeddedError):
    """Another process holds the data directory."""

    def __init__(self, directory: Path, holder: str) -> None:
        self.directory = directory
        super().__init__(
            f"数据目录 {directory} 正被另一个进程使用（{holder or '进程号未知'}），请先停止它或另选 DATA_DIR。"
        )


class StartFailed(EmbeddedError):
    """The server ended, or did not answer in time; carries the end of its log."""

    def __init__(self, name: str, why: str, log: Path) -> None:
        self.name = name
        self.why = why
        self.log = log
        super().__init__(f"{name} 未能启动：{why}\n日志 {log}：\n{tail(log)}")


class PortBusy(EmbeddedError):
    """Somebody else listens on the wanted port."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        super().__init__(f"端口 {host}:{port} 已被占用，请用 PORT=… 另选一个端口。")


def tail(log: Path, *, lines: int = 12) -> str:
    """The last lines of a log file, or an empty text when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
