"""Packages (C1.5): states, the plan of members, and what is wanting. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from wenming_api.kit.archives import member_name, name_key, safe_component

DEFAULT_STATEMENT_LIMIT: Final = 500
"""Characters (NFC code points) of a statement, where neither the package nor the node says otherwise."""

DEFAULT_PHOTO_LIMIT: Final = 1024 * 1024
"""Bytes of one photo, where neither the package nor the node says otherwise."""

MAX_MEMBERS: Final = 200_000
MANIFEST: Final = "manifest.json"


class PackageState(StrEnum):
    """draft → validating → ready | incomplete → building → built; cancelled and failed lead back to validating."""

    DRAFT = "draft"
    VALIDATING = "validating"
    INCOMPLETE = "incomplete"
    READY = "ready"
    BUILDING = "building"
    BUILT = "built"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return _LABELS[self]


_S = PackageState
_LABELS = {
    _S.DRAFT: "草稿",
    _S.VALIDATING: "校验中",
    _S.INCOMPLETE: "有缺项",
    _S.READY: "可打包",
    _S.BUILDING: "打包中",
    _S.BUILT: "已打包",
    _S.FAILED: "打包失败",
    _S.CANCELLED: "已取消",
}

EDITABLE: Final = frozenset({_S.DRAFT, _S.INCOMPLETE, _S.READY, _S.FAILED, _S.CANCELLED})
"""Statements and limits may be changed, and the package validated (anew)."""

BUILDABLE: Final = frozenset({_S.READY, _S.FAILED})
RUNNING: Final = frozenset({_S.VALIDATING, _S.BUILDING})


class GapKind(StrEnum):
    """What is wanting."""

    NODE_MISSING = "node_missing"
    STATEMENT_MISSING = "statement_missing"
    STATEMENT_TOO_LONG = "statement_too_long"
    CAPTION_MISSING = "caption_missing"
    FILE_QUARANTINED = "file_quarantined"
    FILE_NOT_READY = "file_not_ready"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "node_missing": "缺条目",
            "statement_missing": "缺说明",
            "statement_too_long": "说明超长",
            "caption_missing": "照片缺说明",
            "file_quarantined": "文件已隔离",
            "file_not_ready": "文件未就绪",
        }[self.value]

    @property
    def blocking(self) -> bool:
        """Whether nothing can be built before it is mended."""
        return self in {GapKind.STATEMENT_TOO_LONG, GapKind.FILE_QUARANTINED, GapKind.FILE_NOT_READY}


class MemberKind(StrEnum):
    """What a member of the package is."""

    STATEMENT = "statement"
    DOCUMENT = "document"
    TABLE = "table"
    PHOTO = "photo"
    LIST = "list"
    MANIFEST = "manifest"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return {
            "statement": "说明",
            "document": "材料",
            "table": "表格",
            "photo": "照片",
            "list": "照片说明表",
            "manifest": "清单",
        }[self.value]

    @property
    def folder(self) -> str | None:
        """The folder inside the node's own."""
        return {"document": "材料", "table": "表格", "photo": "照片"}.get(self.value)


@dataclass(frozen=True, slots=True)
class FileState:
    """What is known of a file that a record names."""

    kind: str
    state: str
    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Piece:
    """An entry of the book: which submission, and the content of the version that was accepted."""

    submission_id: UUID
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NodeDemand:
    """A node with what it asks for; `statement` is what was written for the package, or None."""

    id: UUID
    code: str
    name: str
    required: int
    statement_limit: int
    photo_limit: int
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something wanting; `by` is by how many characters or entries."""

    kind: GapKind
    node_id: UUID
    message: str
    submission_id: UUID | None = None
    file_id: UUID | None = None
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member to be written: bytes of a file, or `body`."""

    name: str
    kind: MemberKind
    node_id: UUID
    submission_id: UUID | None = None
    file_id: UUID | None = None
    limit: int | None = None
    caption: Mapping[str, str] | None = None
    body: str | None = None


@dataclass
class Plan:
    """The members of the package in their order, and the gaps."""

    members: list[Member] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)

    def name(self, *components: str) -> str:
        """A name that no other member has, letter case ignored."""
        *folders, last = components
        wish = safe_component(last)
        stem, dot, ending = wish.rpartition(".")
        if not dot or len(ending) > 8:
            stem, dot, ending = wish, "", ""
        name, no = member_name(*folders, wish), 2
        while name_key(name) in self._taken:
            name, no = member_name(*folders, f"{stem}({no}){dot}{ending}"), no + 1
        self._taken.add(name_key(name))
        return name


_CAPTION_PARTS = {
    "time": "时间",
    "place": "地点",
    "people": "人物",
    "theme": "主题",
    "background": "背景",
    "reason": "事由",
}
_ATTACHMENT_KINDS = {"table": MemberKind.TABLE}


def plan_node(plan: Plan, no: int, node: NodeDemand, pieces: Sequence[Piece], files: Mapping[UUID, FileState]) -> None:
    """Add a node's members and gaps to the plan. `no` counts the nodes of the package from 1."""
    missing = node.required - len(pieces)
    if missing > 0:
        plan.gaps.append(Gap(GapKind.NODE_MISSING, node.id, f"{node.code} {node.name}：还缺 {missing} 条", by=missing))
    if not pieces and node.statement is None:
        return
    folder = f"{no:03} {node.code} {node.name}"
    _plan_statement(plan, folder, node, pieces)
    photos = 0
    for piece in pieces:
        for attachment in piece.content.get("attachments") or ():
            _plan_attachment(plan, folder, node, piece, attachment, files)
        for photo in piece.content.get("photos") or ():
            photos += 1
            _plan_photo(plan, folder, node, piece, photo, files, photos)
    listed = [each for each in plan.members if each.node_id == node.id and each.kind is MemberKind.PHOTO]
    if listed:
        name = plan.name(folder, "照片说明.csv")
        plan.members.append(Member(name, MemberKind.LIST, node.id, body=_photo_list(listed)))


def _plan_statement(plan: Plan, folder: str, node: NodeDemand, pieces: Sequence[Piece]) -> None:
    text = statement_of(node.statement, pieces)
    if text:
        over = len(text) - node.statement_limit
        if over > 0:
            message = f"{node.code} {node.name}：说明 {len(text)} 字，超出 {over} 字（限 {node.statement_limit} 字）"
            plan.gaps.append(Gap(GapKind.STATEMENT_TOO_LONG, node.id, message, by=over))
        plan.members.append(Member(plan.name(folder, "说明.txt"), MemberKind.STATEMENT, node.id, body=text))
    elif not any(
        attachment.get("kind") == "statement"
        for piece in pieces
        for attachment in piece.content.get("attachments") or ()
    ):
        plan.gaps.append(Gap(GapKind.STATEMENT_MISSING, node.id, f"{node.code} {node.name}：没有说明"))


def statement_of(written: str | None, pieces: Iterable[Piece]) -> str:
    """What was written for the package; otherwise the conclusions of the records, each once."""
    if written is not None:
        return written.strip()
    conclusions = [str(piece.content.get("conclusion") or "").strip() for piece in pieces]
    return "\n".join(dict.fromkeys(text for text in conclusions if text))


def _usable(
    plan: Plan, node: NodeDemand, piece: Piece, file_id: UUID, files: Mapping[UUID, FileState]
) -> FileState | None:
    file = files.get(file_id)
    title = piece.content.get("title") or ""
    if file is None or file.state != "ready":
        quarantined = file is not None and file.state == "quarantined"
        kind = GapKind.FILE_QUARANTINED if quarantined else GapKind.FILE_NOT_READY
        named = f"“{file.name}”" if file else ""
        message = f"{node.code}《{title}》：文件{named}{'已被隔离' if quarantined else '尚不可用'}"
        plan.gaps.append(Gap(kind, node.id, message, piece.submission_id, file_id))
        return None
    return file


def _plan_attachment(
    plan: Plan,
    folder: str,
    node: NodeDemand,
    piece: Piece,
    attachment: Mapping[str, Any],
    files: Mapping[UUID, FileState],
) -> None:
    file_id = UUID(str(attachment["file_id"]))
    file = _usable(plan, node, piece, file_id, files)
    if file is None or file.kind == "video":
        return
    kind = _ATTACHMENT_KINDS.get(str(attachment.get("kind")), MemberKind.DOCUMENT)
    own = file.name.rpartition(".")[2]
    given = str(attachment.get("name") or file.name)
    limit = None
    if file.kind == "photo":
        given, limit = f"{given.rpartition('.')[0] or given}.jpg", node.photo_limit
    elif own and len(own) <= 5 and not given.lower().endswith(f".{own.lower()}"):
        given = f"{given}.{own}"
    name = plan.name(folder, kind.folder or "", given)
    plan.members.append(Member(name, kind, node.id, piece.submission_id, file_id, limit))


def _plan_photo(
    plan: Plan,
    folder: str,
    node: NodeDemand,
    piece: Piece,
    photo: Mapping[str, Any],
    files: Mapping[UUID, FileState],
    no: int,
) -> None:
    file_id = UUID(str(photo["file_id"]))
    if _usable(plan, node, piece, file_id, files) is None:
        return
    caption = {key: str((photo.get("caption") or {}).get(key) or "") for key in _CAPTION_PARTS}
    title = str(piece.content.get("title") or "")
    if not any(caption.values()):
        message = f"{node.code}《{title}》：第 {no} 张照片没有说明"
        plan.gaps.append(Gap(GapKind.CAPTION_MISSING, node.id, message, piece.submission_id, file_id))
    name = plan.name(folder, MemberKind.PHOTO.folder or "", f"{no:04} {title[:30]}.jpg")
    plan.members.append(
        Member(name, MemberKind.PHOTO, node.id, piece.submission_id, file_id, node.photo_limit, caption)
    )


def _photo_list(photos: Sequence[Member]) -> str:
    lines = ["文件," + ",".join(_CAPTION_PARTS.values())]
    for photo in photos:
        cells = [photo.name.rpartition("/")[2], *((photo.caption or {}).get(key, "") for key in _CAPTION_PARTS)]
        lines.append(",".join(_csv(cell) for cell in cells))
    return "\ufeff" + "\r\n".join(lines) + "\r\n"


def _csv(text: str) -> str:
    """One cell that no spreadsheet program takes for a formula."""
    shown = f"'{text}" if text[:1] in set("=+-@\t\r") else text
    return '"' + shown.replace('"', '""') + '"'
