"""Catalogues and records for tests: the catalogue straight in the database, records through the domain itself."""

import itertools
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tests.factories.callers import make_user
from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueKind, child_path
from wenming_api.ledgers.catalogues.service import add_published
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.ledgers.record_reviews.service import decide_review, submit_for_review
from wenming_api.ledgers.records.models import Record
from wenming_api.ledgers.records.schemas import RecordCreate, RecordSave
from wenming_api.ledgers.records.service import create_record, save_record
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User
from wenming_api.workflow.approvals.rules import Decision

_numbers = itertools.count(1)
TREE = {"1": ("我们的节日", {"1-1": "春节", "1-2": "端午"}), "2": ("志愿服务", {"2-1": "学雷锋", "2-2": "助老"})}


async def make_catalogue(
    session: WriteSession,
    unit: Unit,
    *,
    kind: CatalogueKind = CatalogueKind.CATEGORY,
    tree: dict[str, tuple[str, dict[str, str]]] | None = None,
    required: int = 1,
) -> dict[str, CatalogueNode]:
    """A published catalogue of big and small categories, kept by `unit`; its nodes by code. Flushed, not committed."""
    no = next(_numbers)
    rows: list[dict[str, Any]] = []

    def add(code: str, name: str, parent: dict[str, Any] | None, *, leaf: bool) -> dict[str, Any]:
        row = {
            "id": uuid7(),
            "parent_id": parent["id"] if parent else None,
            "path": child_path(parent["path"] if parent else "", code),
            "depth": 2 if parent else 1,
            "code": code,
            "name": name,
            "position": len(rows),
            "leaf": leaf,
            "required": required if leaf else 0,
            "guidance": None,
            "statement_limit": None,
            "photo_limit_bytes": None,
            "active": True,
        }
        rows.append(row)
        return row

    for code, (name, small) in (tree or TREE).items():
        big = add(code, name, None, leaf=not small)
        for small_code, small_name in small.items():
            add(small_code, small_name, big, leaf=True)
    catalogue_id = await add_published(
        session,
        code=f"catalogue-{no}",
        name=f"目录{no}",
        kind=kind,
        level_names=["大类", "小类"],
        source=None,
        keeper=unit,
        nodes=rows,
    )
    found = await session.scalars(select(CatalogueNode).where(CatalogueNode.catalogue_id == catalogue_id))
    return {node.code: node for node in found}


def principal_of(user: User, *permissions: Permission) -> Principal:
    """A user as the caller of the domain's functions, who sees every row; without permissions named, he holds all."""
    return Principal(
        user_id=user.id,
        username=user.username,
        display_name=user.display_name,
        unit_id=user.unit_id,
        unit_path=user.unit_path or "",
        region_path=user.region_path,
        permissions=frozenset(each.value for each in permissions or tuple(Permission)),
        scope=Scope.everything("tests"),
    )


def content(*nodes: CatalogueNode | UUID | str, **changes: Any) -> dict[str, Any]:
    """A content as a client sends it, filed under these small categories."""
    ids = [str(node.id) if isinstance(node, CatalogueNode) else str(node) for node in nodes]
    return {
        "title": "学雷锋志愿服务进社区",
        "text": "三月五日上午，志愿者到城里社区清扫楼道、慰问老人。",
        "node_ids": ids,
        "happened_at": "2026-03-05T09:00:00+08:00",
        "place": "城里社区",
    } | changes


async def make_record(
    session: WriteSession,
    *,
    unit: Unit,
    nodes: list[CatalogueNode],
    author: User | None = None,
    approved: bool = False,
    **changes: Any,
) -> Record:
    """A record of `unit`, written by `author` (a new user), approved by a colleague if wanted. Flushed, not committed.

    `changes` are fields of the content.
    """
    writer = principal_of(author or await make_user(session, unit=unit))
    new = RecordCreate(content=Content.model_validate(content(*nodes, **changes)))
    made = await create_record(session, caller=writer, new=new)
    if approved:
        await approve_record(session, made)
    return made


async def approve_record(session: WriteSession, record: Record) -> Record:
    """Submit the current version of a record and approve it by a new colleague of its author. Flushed."""
    author = await session.get_one(User, record.owner_id)
    unit = await session.get_one(Unit, record.unit_id)
    sent = await submit_for_review(session, caller=principal_of(author), record_id=record.id, version=record.version)
    colleague = principal_of(await make_user(session, unit=unit))
    return await decide_review(
        session,
        caller=colleague,
        record_id=record.id,
        version=sent.version,
        decision=Decision.APPROVE,
        reason=None,
    )


async def revise_record(session: WriteSession, record: Record, *nodes: CatalogueNode, **changes: Any) -> Record:
    """Save a further version of a record by its author. Flushed."""
    author = await session.get_one(User, record.owner_id)
    save = RecordSave(content=Content.model_validate(content(*nodes, **changes)))
    return await save_record(
        session, caller=principal_of(author), record_id=record.id, version=record.version, save=save
    )
