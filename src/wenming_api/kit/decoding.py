"""Decoding of files from strangers, in child processes with limits.

A decoder is the only judge of what a file is, and it is also where hostile files do their harm: endless
loops, memory bombs, crashes in C libraries. So it runs in a child process that has no secrets in its
environment, a ceiling of memory, processor time and file size, and is killed when it takes too long. The
child reads tasks from its standard input and ends when that closes, so nothing outlives the parent.

    pool = DecoderPool()
    result = await pool.run("image", source, outputs)     # → ImageResult; raises Rejected, DecoderFailed
"""

import asyncio
import os
import pickle
import resource
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

HEADER = struct.Struct(">I")
_MAX_ANSWER = 4 * 1024 * 1024


class Defect(StrEnum):
    """Why a file is not accepted."""

    UNRECOGNISED = "unrecognised"
    TYPE_MISMATCH = "type_mismatch"
    BROKEN = "broken"
    TRUNCATED = "truncated"
    ANIMATED = "animated"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    TOO_LONG = "too_long"
    POLYGLOT = "polyglot"
    UNSUPPORTED_CODEC = "unsupported_codec"
    EXPANDS_TOO_FAR = "expands_too_far"
    TOO_EXPENSIVE = "too_expensive"

    @property
    def label(self) -> str:
        """What the uploader is told."""
        return _LABELS[self]


_LABELS: dict[Defect, str] = {
    Defect.UNRECOGNISED: "无法识别的文件格式",
    Defect.TYPE_MISMATCH: "文件内容与声明的类型不符",
    Defect.BROKEN: "文件已损坏，无法解码",
    Defect.TRUNCATED: "文件不完整，可能在传输中被截断",
    Defect.ANIMATED: "不接受动态图片",
    Defect.TOO_MANY_PIXELS: "图片或视频的像素数超过上限",
    Defect.TOO_SMALL: "图片或视频的尺寸过小",
    Defect.TOO_LONG: "视频时长超过上限",
    Defect.POLYGLOT: "文件中夹带了其他类型的内容",
    Defect.UNSUPPORTED_CODEC: "不支持的视频编码",
    Defect.EXPANDS_TOO_FAR: "压缩文件展开后超过上限",
    Defect.TOO_EXPENSIVE: "文件过于复杂，处理时超出了限制",
}


class Rejected(Exception):
    """The file is not what it claims to be, or not acceptable. A judgement on the file; trying again gives
    the same.
    """

    def __init__(self, defect: Defect, note: str = "") -> None:
        super().__init__(defect, note)
        self.defect = defect
        self.note = note


class DecoderFailed(Exception):
    """The child process could not be started or spoken to. Says nothing about the file; try again."""


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Ceilings of one child: bytes of memory and of any file it writes, seconds of processor and of wall time
    per task; it is replaced by a new one after so many tasks, or when one left it with more than `resident` bytes.
    """

    memory: int = 2 * 1024**3
    file_size: int = 2 * 1024**3
    cpu_seconds: int = 60
    wall_seconds: float = 90.0
    tasks: int = 200
    resident: int = 2 * 1024**3


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.tasks = 0

    async def ask(self, message: bytes) -> Any:
        """Send one task and read its answer. Raises `EOFError` when the child is gone."""
        writer, reader = self.process.stdin, self.process.stdout
        assert writer is not None
        assert reader is not None
        self.tasks += 1
        try:
            writer.write(HEADER.pack(len(message)) + message)
            await writer.drain()
            (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
            if size > _MAX_ANSWER:
                raise EOFError("answer too long")
            # The child runs our code on a stranger's bytes: what it sends back is only unpickled into plain
            # results.
            return _ResultUnpickler.load_bytes(await reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise EOFError("the child ended") from error

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


class _ResultUnpickler(pickle.Unpickler):
    """Accepts result classes of the decoding modules and the standard value types, nothing else."""

    _ALLOWED = {
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("pathlib", "PosixPath"),
        ("wenming_api.kit.images", "ImageResult"),
        ("wenming_api.kit.images", "ExifFacts"),
        ("wenming_api.kit.videos", "VideoResult"),
        ("wenming_api.kit.documents", "DocumentResult"),
        ("wenming_api.kit.shrinking", "ShrinkResult"),
        ("wenming_api.kit.decoding", "Defect"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not a result")
        return super().find_class(module, name)

    @classmethod
    def load_bytes(cls, data: bytes) -> Any:
        from io import BytesIO

        return cls(BytesIO(data)).load()


class DecoderPool:
    """A few child processes, started when first needed, each doing one task at a time."""

    def __init__(self, size: int = 2, limits: ChildLimits | None = None) -> None:
        self._limits = limits or ChildLimits()
        self._slots = asyncio.Semaphore(size)
        self._idle: list[_Child] = []
        self._closed = False

    async def run(self, task: str, *arguments: Any) -> Any:
        """Do `task` ("image", "video", "document", "shrink"; those of `kit.printing.press`) in a child.

        Raises `Rejected` or `DecoderFailed`."""
        message = pickle.dumps((task, arguments))
        async with self._slots:
            child = self._idle.pop() if self._idle else await self._start()
            kept = False
            try:
                async with asyncio.timeout(self._limits.wall_seconds):
                    outcome, value = await child.ask(message)
                kept = self._worth_keeping(child)
            except TimeoutError as error:
                raise Rejected(Defect.TOO_EXPENSIVE, "wall time") from error
            except EOFError as error:
                if child.process.returncode is None:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(child.process.wait(), 2)
                if child.process.returncode in (0, 1, 2):
                    raise DecoderFailed(f"the child ended with {child.process.returncode}") from error
                # Killed by a signal while it had this file in hand: out of processor time, or a crash in a C
                # library.
                raise Rejected(Defect.TOO_EXPENSIVE, f"signal {child.process.returncode}") from error
            except pickle.UnpicklingError as error:
                raise Rejected(Defect.BROKEN, "foreign answer") from error
            finally:
                if kept:
                    self._idle.append(child)
                else:
                    await child.end()
        if outcome == "done":
            return value
        if outcome == "rejected":
            raise Rejected(*value)
        raise DecoderFailed(str(value))

    def _worth_keeping(self, child: _Child) -> bool:
        if child.tasks >= self._limits.tasks or self._closed:
            return False
        try:
            pages = int(Path(f"/proc/{child.process.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):  # not Linux: the number of tasks has to do
            return True
        return pages * resource.getpagesize() <= self._limits.resident

    async def _start(self) -> _Child:
        package_root = Path(__file__).resolve().parents[2]
        limits = self._limits
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "wenming_api.kit.decoding_child",
                str(limits.memory),
                str(limits.file_size),
                str(limits.cpu_seconds),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": str(package_root), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        except OSError as error:
            raise DecoderFailed(str(error)) from error
        return _Child(process)

    async def close(self) -> None:
        """End the idle children; busy ones end with their task."""
        self._closed = True
        idle, self._idle = self._idle, []
        for child in idle:
            await child.end()
