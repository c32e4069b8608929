"""A catalogue with a small tree, and layouts straight in the database."""

import hashlib
import io
import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy import func

from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.decoding import Defect
from wenming_api.kit.ids import uuid7
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueKind, CatalogueState
from wenming_api.ledgers.layouts.models import Layout, LayoutVersion
from wenming_api.ledgers.layouts.queries import delivered
from wenming_api.ledgers.layouts.rules import LayoutState, body_hash
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.records.rules import RecordState
from wenming_api.system.files.models import File
from wenming_api.system.files.queries import object_key
from wenming_api.system.files.rules import FileKind, FileState, Variant
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

_numbers = itertools.count(1)


@dataclass
class Tree:
    """志愿服务 › 学雷锋活动 (leaf), 助老 (leaf); 文明交通 (leaf)."""

    catalogue: Catalogue
    service: CatalogueNode
    leifeng: CatalogueNode
    elders: CatalogueNode
    traffic: CatalogueNode


async def make_tree(session: WriteSession, *, unit: Unit) -> Tree:
    """A published catalogue kept by `unit`. Flushed."""
    catalogue = Catalogue(
        code=f"printed-{next(_numbers)}",
        name="文明创建台账目录",
        kind=CatalogueKind.CATEGORY,
        year=2026,
        state=CatalogueState.PUBLISHED,
        level_names=["大类", "小类"],
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
    )
    session.add(catalogue)
    await session.flush()

    async def node(code: str, name: str, position: int, parent: CatalogueNode | None, *, leaf: bool) -> CatalogueNode:
        made = CatalogueNode(
            catalogue_id=catalogue.id,
            parent_id=parent.id if parent else None,
            path=f"{parent.path if parent else ''}{code}/",
            depth=2 if parent else 1,
            code=code,
            name=name,
            position=position,
            leaf=leaf,
            required=0,
            active=True,
        )
        session.add(made)
        await session.flush()
        return made

    service = await node("1", "志愿服务", 1, None, leaf=False)
    return Tree(
        catalogue,
        service,
        await node("1-1", "学雷锋活动", 1, service, leaf=True),
        await node("1-2", "助老", 2, service, leaf=True),
        await node("2", "文明交通", 2, None, leaf=True),
    )


async def make_layout(
    session: WriteSession,
    *,
    unit: Unit,
    made_by: UUID,
    name: str = "版式",
    catalogue_id: UUID | None = None,
    node_id: UUID | None = None,
    **changes: Any,
) -> Layout:
    """A layout with an active version: the delivered body with `changes` of its top level. Flushed."""
    body = {**delivered().body, **changes}
    layout = Layout(
        name=name,
        catalogue_id=catalogue_id,
        node_id=node_id,
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
    )
    session.add(layout)
    await session.flush()
    session.add(
        LayoutVersion(
            layout_id=layout.id,
            no=1,
            state=LayoutState.ACTIVE,
            body=body,
            body_hash=body_hash(body),
            tested_hash=body_hash(body),
            tested_at=clock.now(),
            made_by=made_by,
            activated_at=clock.now(),
        )
    )
    await session.flush()
    return layout


async def make_printable(
    session: WriteSession, *, author: User, title: str = "学雷锋志愿服务进社区", **content: Any
) -> Record:
    """A record with one version that says this, straight in the database. Flushed."""
    record = Record(
        title=title,
        state=RecordState.APPROVED,
        current_version_no=1,
        approved_version_no=1,
        owner_id=author.id,
        unit_id=author.unit_id,
        unit_path=author.unit_path,
        region_path=author.region_path,
        searched=title,
        search=func.to_tsvector("simple", title),
    )
    session.add(record)
    await session.flush()
    await add_version(session, record, 1, title=title, **content)
    return record


async def add_version(session: WriteSession, record: Record, no: int, **content: Any) -> None:
    """A version of the record. Flushed."""
    session.add(
        RecordVersion(
            record_id=record.id,
            no=no,
            id=uuid7(),
            row_version=no,
            content=content,
            content_hash=hashlib.sha256(str(content).encode()).hexdigest(),
            findings=[],
            made_by=record.owner_id,
        )
    )
    await session.flush()


async def make_picture(
    session: WriteSession,
    store: ObjectStore,
    *,
    owner: User,
    state: FileState = FileState.READY,
    size: tuple[int, int] = (1280, 960),
    bytes_there: bool = True,
) -> UUID:
    """A photo that has been examined; its preview lies in the store unless told otherwise."""
    id_ = uuid7()
    session.add(
        File(
            id=id_,
            owner_id=owner.id,
            unit_path=owner.unit_path,
            region_path=owner.region_path,
            kind=FileKind.PHOTO,
            state=state,
            name="照片.jpg",
            content_type="image/jpeg",
            size=1000,
            expires_at=clock.now(),
            sha256=hashlib.sha256(id_.bytes).hexdigest() if state is FileState.READY else None,
            defect=Defect.BROKEN if state is FileState.QUARANTINED else None,
        )
    )
    await session.flush()
    if bytes_there and state is FileState.READY:
        buffer = io.BytesIO()
        Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, "JPEG", quality=80)
        await store.put(object_key(id_, Variant.PREVIEW), buffer.getvalue(), content_type="image/jpeg")
    return id_
