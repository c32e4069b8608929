"""A catalogue with a small tree, and layouts straight in the database."""

import itertools
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueKind, CatalogueState
from wenming_api.ledgers.layouts.models import Layout, LayoutVersion
from wenming_api.ledgers.layouts.queries import delivered
from wenming_api.ledgers.layouts.rules import LayoutState, body_hash
from wenming_api.system.units.models import Unit

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
