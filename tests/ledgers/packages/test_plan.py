"""What a package is planned to hold and what is wanting: pure."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wenming_api.kit.archives import name_key
from wenming_api.ledgers.packages.rules import (
    FileState,
    GapKind,
    MemberKind,
    NodeDemand,
    Piece,
    Plan,
    plan_node,
    statement_of,
)

NODE, FILE, SENT = UUID(int=1), UUID(int=2), UUID(int=3)


def demand(**values: Any) -> NodeDemand:
    plain = {"id": NODE, "code": "Ⅲ-1", "name": "诚信建设", "required": 1, "statement_limit": 10, "photo_limit": 50_000}
    return NodeDemand(**(plain | values))


def file(state: str = "ready", kind: str = "photo", name: str = "a.jpg") -> FileState:
    return FileState(kind, state, name, "image/jpeg", 1000)


def planned(content: dict[str, Any], files: dict[UUID, FileState], **values: Any) -> Plan:
    plan = Plan()
    plan_node(plan, 1, demand(**values), [Piece(SENT, {"title": "记录", **content})], files)
    return plan


def test_a_node_without_entries_lacks_them() -> None:
    plan = Plan()
    plan_node(plan, 1, demand(required=2), [], {})
    assert [(gap.kind, gap.by) for gap in plan.gaps] == [(GapKind.NODE_MISSING, 2)]
    assert plan.members == []


@pytest.mark.parametrize(("length", "over"), [(10, None), (11, 1), (30, 20)])
def test_a_statement_within_its_limit(length: int, over: int | None) -> None:
    plan = planned({"conclusion": "字" * length}, {})
    assert [gap.by for gap in plan.gaps if gap.kind is GapKind.STATEMENT_TOO_LONG] == ([over] if over else [])


def test_a_written_statement_comes_before_the_conclusions() -> None:
    pieces = [Piece(SENT, {"conclusion": text}) for text in ("甲", "乙", "甲", "")]
    assert statement_of(None, pieces) == "甲\n乙"
    assert statement_of("写的", pieces) == "写的"
    assert [gap.kind for gap in planned({}, {}).gaps] == [GapKind.STATEMENT_MISSING]
    attached = {"attachments": [{"file_id": str(FILE), "name": "说明", "kind": "statement"}]}
    assert planned(attached, {FILE: file(kind="document", name="x.docx")}).gaps == []


@pytest.mark.parametrize(
    ("state", "kind"),
    [("quarantined", GapKind.FILE_QUARANTINED), ("uploaded", GapKind.FILE_NOT_READY), (None, GapKind.FILE_NOT_READY)],
)
def test_files_that_cannot_go_along(state: str | None, kind: GapKind) -> None:
    content = {"conclusion": "好", "photos": [{"file_id": str(FILE), "caption": {"theme": "主题"}}]}
    plan = planned(content, {FILE: file(state)} if state else {})
    assert [gap.kind for gap in plan.gaps] == [kind]
    assert kind.blocking
    assert [each.kind for each in plan.members] == [MemberKind.STATEMENT]


def test_photos_have_captions_and_a_list() -> None:
    content = {"conclusion": "好", "photos": [{"file_id": str(FILE), "caption": {"theme": '=1+1,"x"'}}]}
    plan = planned(content, {FILE: file()})
    assert plan.gaps == []
    assert [each.kind for each in plan.members] == [MemberKind.STATEMENT, MemberKind.PHOTO, MemberKind.LIST]
    assert plan.members[1].limit == 50_000
    assert '"\'=1+1,""x"""' in (plan.members[2].body or "")
    bare = planned({"conclusion": "好", "photos": [{"file_id": str(FILE)}]}, {FILE: file()})
    assert [gap.kind for gap in bare.gaps] == [GapKind.CAPTION_MISSING]


@given(st.lists(st.text(max_size=40), max_size=12), st.text(max_size=40))
def test_names_do_no_harm_and_none_twice(names: list[str], title: str) -> None:
    attachments = [{"file_id": str(UUID(int=no + 10)), "name": name} for no, name in enumerate(names)]
    files = {UUID(int=no + 10): file(kind="document", name="../../x.pdf") for no in range(len(names))}
    content = {"title": title, "attachments": attachments, "photos": [{"file_id": str(FILE)}] * 2}
    plan = planned(content, files | {FILE: file()}, code="../..", name="\x00CON")
    found = [each.name for each in plan.members]
    assert len({name_key(name) for name in found}) == len(found) == len(names) + 3
    for name in found:
        assert not name.startswith("/")
        assert not {"..", ".", ""} & set(name.split("/"))
        assert "\x00" not in name
        assert "\\" not in name
