"""Changes of layouts: drafts, test prints, activation (L2.1)."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.printing.model import Form, Mark, Paper
from wenming_api.kit.printing.press import Press
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    check_edited,
    check_judged,
)
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.layouts.models import Layout, LayoutVersion
from wenming_api.ledgers.layouts.queries import LayoutNotFound, delivered, standing_of, test_key, test_link
from wenming_api.ledgers.layouts.rules import (
    SAMPLE_PICTURES,
    CoverField,
    LayoutAction,
    LayoutState,
    body_hash,
    cover_of,
    record_blocks,
    sample_facts,
    style_of,
    why_not,
)
from wenming_api.ledgers.layouts.schemas import LayoutBody, LayoutCreate, TestPrint
from wenming_api.system.audit import service as audit
from wenming_api.system.units.models import Unit


class LayoutTaken(Conflict):
    """There is a layout for this category already; it gets a new version instead."""

    code = "layout_taken"
    title = "此分类已有版式"


async def create_layout(session: WriteSession, *, caller: Principal, new: LayoutCreate) -> Layout:
    """Make a layout with a first draft. Only who sees the whole system makes one for all of it."""
    await _check_target(session, caller, new)
    taken = select(Layout.id).where(
        Layout.catalogue_id.is_not_distinct_from(new.catalogue_id), Layout.node_id.is_not_distinct_from(new.node_id)
    )
    if await session.scalar(taken) is not None:
        raise LayoutTaken("此分类（或目录、全系统）已有版式，请编辑其草稿。")
    unit = (await session.execute(select(Unit).where(Unit.id == caller.unit_id))).scalar_one()
    made = Layout(
        id=uuid7(),
        name=new.name,
        catalogue_id=new.catalogue_id,
        node_id=new.node_id,
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
    )
    session.add(made)
    await session.flush()  # its versions refer to it
    session.add(_draft(made.id, 1, _stored(new.body), caller))
    await session.flush()  # the answer reads both
    after = {"name": made.name, "catalogue_id": made.catalogue_id, "node_id": made.node_id}
    await audit.record(session, caller=caller, action="layouts.create", target=("layout", made.id), after=after)
    return made


async def _check_target(session: WriteSession, caller: Principal, new: LayoutCreate) -> None:
    if new.catalogue_id is None:
        if not caller.scope.all_rows:
            raise Forbidden("全系统的版式只能由管理全部数据的用户设置。")
        return
    catalogue = await session.get(Catalogue, new.catalogue_id)
    if catalogue is None:
        raise InvalidInput(errors=[FieldError("/catalogue_id", "目录不存在")])
    if not caller.scope.holds_unit(catalogue.unit_path or "", catalogue.region_path):
        raise Forbidden("目录由其他单位维护，不能为其设置版式。")
    if new.node_id is not None:
        node = await session.get(CatalogueNode, new.node_id)
        if node is None or node.catalogue_id != new.catalogue_id:
            raise InvalidInput(errors=[FieldError("/node_id", "分类不存在，或不属于所选目录")])


def _stored(body: LayoutBody | None) -> dict[str, Any]:
    return body.model_dump(mode="json") if body is not None else dict(delivered().body)


def _draft(layout_id: UUID, no: int, body: dict[str, Any], caller: Principal) -> LayoutVersion:
    return LayoutVersion(
        layout_id=layout_id,
        no=no,
        state=LayoutState.DRAFT,
        body=body,
        body_hash=body_hash(body),
        made_by=caller.user_id,
    )


async def _opened(session: WriteSession, layout_id: UUID, caller: Principal) -> Layout:
    """The layout, locked. `Forbidden` when its keeper lies outside the caller's scope: reading it is everybody's."""
    found = await session.scalar(select(Layout).where(Layout.id == layout_id).with_for_update())
    if found is None:
        raise LayoutNotFound
    if not caller.scope.holds_unit(found.unit_path or "", found.region_path):
        raise Forbidden("版式由其他单位维护，您不能修改。")
    return found


async def _versions(session: WriteSession, layout_id: UUID) -> dict[LayoutState, LayoutVersion]:
    """The newest version in each state."""
    found = await session.scalars(
        select(LayoutVersion).where(LayoutVersion.layout_id == layout_id).order_by(LayoutVersion.no)
    )
    return {each.state: each for each in found}


def _check(action: LayoutAction, versions: Mapping[LayoutState, LayoutVersion]) -> None:
    class _Row:
        def __init__(self, version: LayoutVersion) -> None:
            self.state, self.tested = version.state, version.tested_hash == version.body_hash

    standing = standing_of(map(_Row, versions.values()))
    if refusal := why_not(action, standing):
        allowed = [each.value for each in LayoutAction if why_not(each, standing) is None]
        raise IllegalTransition(f"{refusal}。", allowed=allowed)


def _touch(layout: Layout) -> None:
    layout.updated_at = clock.now()


async def rename_layout(session: WriteSession, *, caller: Principal, layout_id: UUID, version: int, name: str) -> None:
    """Give a layout another name."""
    found = await _opened(session, layout_id, caller)
    check_edited(version, found.version)
    before, found.name = found.name, name
    if before == name:
        return
    await session.flush()  # the answer names the new version
    await _record(session, caller, "update", layout_id, before={"name": before}, after={"name": name})


async def save_draft(
    session: WriteSession, *, caller: Principal, layout_id: UUID, version: int, body: LayoutBody
) -> None:
    """Replace the draft, or begin the next one. A changed draft has to be tested again."""
    found = await _opened(session, layout_id, caller)
    check_edited(version, found.version)
    versions = await _versions(session, layout_id)
    stored = _stored(body)
    draft = versions.get(LayoutState.DRAFT)
    if draft is None:
        draft = _draft(layout_id, max(each.no for each in versions.values()) + 1, stored, caller)
        session.add(draft)
        before = None
    else:
        before = {"no": draft.no, "body_hash": draft.body_hash}
        draft.body, draft.body_hash, draft.made_by, draft.made_at = (
            stored,
            body_hash(stored),
            caller.user_id,
            clock.now(),
        )
    _touch(found)
    await session.flush()  # the answer names the new version
    await _record(
        session, caller, "draft", layout_id, before=before, after={"no": draft.no, "body_hash": draft.body_hash}
    )


async def test_draft(
    session: WriteSession, *, caller: Principal, layout_id: UUID, version: int, press: Press, store: ObjectStore
) -> TestPrint:
    """Print the draft with a made-up record and keep the PDF; only what was printed may be activated."""
    found = await _opened(session, layout_id, caller)
    check_judged(version, found.version)
    versions = await _versions(session, layout_id)
    _check(LayoutAction.TEST, versions)
    draft = versions[LayoutState.DRAFT]
    await store.ensure()
    pages, data = await _sample(press, draft.body)
    await store.put(test_key(layout_id, draft.no, draft.body_hash), data, content_type=Form.PDF.media_type)
    draft.tested_hash, draft.tested_at = draft.body_hash, clock.now()
    _touch(found)
    await session.flush()  # the answer names the new version
    await _record(session, caller, "test", layout_id, after={"no": draft.no, "body_hash": draft.body_hash})
    url, expires_at = test_link(store, layout_id, draft.no, draft.body_hash)
    return TestPrint(version=found.version, no=draft.no, pages=pages, url=url, expires_at=expires_at)


async def _sample(press: Press, body: Mapping[str, Any]) -> tuple[int, bytes]:
    cover: dict[CoverField, str] = {each: "（示例）" for each in CoverField if each is not CoverField.BLANK}
    blocks = (
        cover_of(body, "示例单位文明创建台账", cover),
        *record_blocks(body, sample_facts(), mark=Mark("示例记录")),
    )
    paper = Paper("版式试印", blocks, style_of(body), numbers=body["page_numbers"])
    with tempfile.TemporaryDirectory(prefix="wenming-layout-") as name:
        folder = Path(name)
        await asyncio.to_thread(_draw_samples, folder)
        printed = await press.print(Form.PDF, paper, folder)
        return printed.pages, await asyncio.to_thread(printed.path.read_bytes)


def _draw_samples(folder: Path) -> None:
    for name, size in SAMPLE_PICTURES.items():
        Image.linear_gradient("L").resize(size).convert("RGB").save(folder / name, "JPEG", quality=70)


async def activate_layout(
    session: WriteSession, *, caller: Principal, layout_id: UUID, version: int, reason: str
) -> None:
    """Put the tested draft into use; the version used before is retired."""
    found = await _opened(session, layout_id, caller)
    check_judged(version, found.version)
    versions = await _versions(session, layout_id)
    _check(LayoutAction.ACTIVATE, versions)
    draft, former, now = versions[LayoutState.DRAFT], versions.get(LayoutState.ACTIVE), clock.now()
    if former is not None:
        former.state, former.retired_at = LayoutState.RETIRED, now
        await session.flush()  # two active ones at once are refused by the database
    draft.state, draft.activated_at = LayoutState.ACTIVE, now
    _touch(found)
    await session.flush()  # the answer names the new version
    await _record(
        session,
        caller,
        "activate",
        layout_id,
        before=None if former is None else {"active_no": former.no},
        after={"active_no": draft.no, "body_hash": draft.body_hash},
        reason=reason,
    )


async def retire_layout(
    session: WriteSession, *, caller: Principal, layout_id: UUID, version: int, reason: str
) -> None:
    """Take the active version out of use: the nearest ancestor's layout serves from now on."""
    found = await _opened(session, layout_id, caller)
    check_judged(version, found.version)
    versions = await _versions(session, layout_id)
    _check(LayoutAction.RETIRE, versions)
    active = versions[LayoutState.ACTIVE]
    active.state, active.retired_at = LayoutState.RETIRED, clock.now()
    _touch(found)
    await session.flush()  # the answer names the new version
    await _record(session, caller, "retire", layout_id, before={"active_no": active.no}, after=None, reason=reason)


async def delete_layout(session: WriteSession, *, caller: Principal, layout_id: UUID, version: int) -> None:
    """Delete a layout that was never in use, with its draft."""
    found = await _opened(session, layout_id, caller)
    check_edited(version, found.version)
    _check(LayoutAction.DELETE, await _versions(session, layout_id))
    before = {"name": found.name, "catalogue_id": found.catalogue_id, "node_id": found.node_id}
    await session.delete(found)
    await session.flush()
    await _record(session, caller, "delete", layout_id, before=before)


async def _record(
    session: WriteSession,
    caller: Principal,
    action: str,
    layout_id: UUID,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    await audit.record(
        session,
        caller=caller,
        action=f"layouts.{action}",
        target=("layout", layout_id),
        before=before,
        after=after,
        reason=reason,
    )
