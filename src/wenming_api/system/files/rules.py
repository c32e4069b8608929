"""Kinds and states of files, and what may be uploaded: pure."""

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1024 * 1024

MIN_PART = 5 * MEBIBYTE
"""Bytes. Object stores refuse smaller parts, the last one excepted."""

MAX_FILES_PER_UPLOAD = 50


class FileKind(StrEnum):
    """What a file is for."""

    PHOTO = "photo"
    VIDEO = "video"
    WORKBOOK = "workbook"
    DOCUMENT = "document"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {"photo": "照片", "video": "视频", "workbook": "表格", "document": "文档"}[self.value]


class FileState(StrEnum):
    """pending → uploaded → ready | quarantined. The last two are final."""

    PENDING = "pending"
    UPLOADED = "uploaded"
    READY = "ready"
    QUARANTINED = "quarantined"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "pending": "等待上传",
            "uploaded": "处理中",
            "ready": "可用",
            "quarantined": "已隔离",
        }[self.value]


NEXT: dict[FileState, frozenset[FileState]] = {
    FileState.PENDING: frozenset({FileState.UPLOADED}),
    FileState.UPLOADED: frozenset({FileState.READY, FileState.QUARANTINED}),
    FileState.READY: frozenset(),
    FileState.QUARANTINED: frozenset(),
}
"""Which states follow which."""


class Variant(StrEnum):
    """A form in which a file is kept. Everything but the original is free of metadata."""

    ORIGINAL = "original"
    PUBLIC = "public"
    PREVIEW = "preview"
    THUMBNAIL = "thumbnail"

    @property
    def label(self) -> str:
        """What users call it."""
        return {"original": "原件", "public": "公开副本", "preview": "预览图", "thumbnail": "缩略图"}[self.value]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be uploaded as one kind: content types and their usual file name endings, and bytes at most."""

    types: dict[str, str]
    max_size: int


ALLOWANCES: dict[FileKind, Allowance] = {
    FileKind.PHOTO: Allowance(
        {
            "image/jpeg": ".jpg",
            "image/png": ".png",
            "image/webp": ".webp",
            "image/heic": ".heic",
            "image/heif": ".heif",
        },
        30 * MEBIBYTE,
    ),
    FileKind.VIDEO: Allowance({"video/mp4": ".mp4"}, 500 * MEBIBYTE),
    FileKind.WORKBOOK: Allowance(
        {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
            "text/csv": ".csv",
            "application/geo+json": ".geojson",
        },
        50 * MEBIBYTE,
    ),
    FileKind.DOCUMENT: Allowance(
        {
            "application/pdf": ".pdf",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
        },
        50 * MEBIBYTE,
    ),
}

VARIANT_TYPES: dict[FileKind, dict[Variant, str]] = {
    FileKind.PHOTO: {
        Variant.PUBLIC: "image/jpeg",
        Variant.PREVIEW: "image/jpeg",
        Variant.THUMBNAIL: "image/jpeg",
    },
    FileKind.VIDEO: {
        Variant.PUBLIC: "video/mp4",
        Variant.PREVIEW: "image/jpeg",
        Variant.THUMBNAIL: "image/jpeg",
    },
    FileKind.WORKBOOK: {},
    FileKind.DOCUMENT: {},
}
"""Content types of the forms made by the service, by kind."""


def objection(kind: FileKind, content_type: str, size: int) -> tuple[str, str] | None:
    """Why such a file may not be uploaded: (field, Chinese message), or `None` when it may. `size` in bytes."""
    allowance = ALLOWANCES[kind]
    if content_type not in allowance.types:
        accepted = "、".join(sorted(ending.removeprefix(".").upper() for ending in set(allowance.types.values())))
        return "content_type", f"{kind.label}只接受 {accepted} 格式"
    if size > allowance.max_size:
        return "size", f"{kind.label}不能超过 {allowance.max_size // MEBIBYTE} MB"
    return None


def part_sizes(size: int) -> list[int]:
    """Into which parts, in bytes, a file is cut: equal ones of at least 5 MiB and a shorter last one, at most
    100.
    """
    part = max(MIN_PART, -(-size // 100))
    whole, rest = divmod(size, part)
    return [part] * whole + ([rest] if rest else [])


def named(name: str, content_type: str) -> str:
    """The name under which a form of the file is downloaded: its own, with the ending of what it now is."""
    endings = {kind: ending for allowance in ALLOWANCES.values() for kind, ending in allowance.types.items()}
    ending = endings.get(content_type, "")
    stem, dot, own = name.rpartition(".")
    if not dot or not stem or len(own) > 8:
        stem, own = name, ""
    same = {"jpeg": ".jpg", "heif": ".heic"}.get(own.lower(), f".{own.lower()}")
    return name if ending and same == ending.replace(".heif", ".heic") else f"{stem}{ending}"
