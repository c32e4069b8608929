"""Records with stored features, as quality rules see them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueKind
from wenming_api.ledgers.features.rules import Features
from wenming_api.ledgers.records.models import Record, RecordFeatures, RecordVersion
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

SAVED_ON = date(2026, 3, 5)


async def make_judged_record(
    session: WriteSession,
    *,
    unit: Unit,
    owner: User,
    features: Features | None = None,
    nodes: Sequence[CatalogueNode] = (),
    **given: Any,
) -> UUID:
    """A record of `unit` by `owner` with the features of its only version; returns its id. Flushed.

    `nodes` are its category and those above it.
    """
    seen = replace(
        features or Features(saved_on=SAVED_ON, **given),
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        **(
            {"category_ids": frozenset(each.id for each in nodes), "category_codes": frozenset(e.code for e in nodes)}
            if nodes
            else {}
        ),
    )
    place = {"unit_id": unit.id, "unit_path": unit.unit_path, "region_path": unit.region_path, "owner_id": owner.id}
    record = Record(title="志愿服务", current_version_no=1, searched="志愿服务", search="", **place)
    session.add(record)
    await session.flush()
    version = RecordVersion(
        record_id=record.id,
        no=1,
        id=uuid7(),
        row_version=1,
        content={},
        content_hash="0" * 64,
        findings=[],
        made_by=owner.id,
    )
    session.add(version)
    await session.flush()
    session.add(RecordFeatures(version_id=version.id, record_id=record.id, current=True, **place | seen.row()))
    await session.flush()
    return record.id


async def make_nodes(session: WriteSession, unit: Unit) -> tuple[CatalogueNode, CatalogueNode]:
    """A big category of a new catalogue, and a small one below it. Flushed."""
    catalogue = Catalogue(
        code=f"c-{uuid7().hex[-12:]}",
        name="类别",
        kind=CatalogueKind.CATEGORY,
        level_names=["大类", "小类"],
        unit_id=unit.id,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
    )
    session.add(catalogue)
    await session.flush()
    plain: dict[str, Any] = {"catalogue_id": catalogue.id, "position": 1, "required": 0, "active": True}
    big = CatalogueNode(path="v/", depth=1, code="v", name="志愿服务", leaf=False, **plain)
    session.add(big)
    await session.flush()
    small = CatalogueNode(path="v/v1/", depth=2, code="v1", name="学雷锋", leaf=True, parent_id=big.id, **plain)
    session.add(small)
    await session.flush()
    return big, small
