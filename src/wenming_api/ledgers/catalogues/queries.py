"""Reads of catalogues. Published and retired ones are for everybody; drafts for those who see their keeper."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueLink, CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueAction, CatalogueKind, CatalogueState, why_not
from wenming_api.ledgers.catalogues.schemas import (
    CatalogueOut,
    CatalogueRow,
    CatalogueSort,
    LinkOut,
    NodeOut,
    NodeRow,
    NodeTree,
)
from wenming_api.system.units.models import Unit

_SORTS = {"name": Catalogue.name, "code": Catalogue.code, "created_at": Catalogue.created_at}
_NODE = [getattr(CatalogueNode, name) for name in NodeRow.model_fields]


class CatalogueNotFound(NotFound):
    """There is no such catalogue, or it is a draft outside the caller's scope."""

    code = "catalogue_not_found"
    title = "未找到分类目录"


class NodeNotFound(NotFound):
    """The catalogue has no such node."""

    code = "catalogue_node_not_found"
    title = "未找到分类"


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which catalogues a scope shows."""
    return scope.where(Catalogue, also=(Catalogue.state != CatalogueState.DRAFT,))


def _selected(names: Iterable[str], *more: Any) -> Select[Any]:
    columns = [Unit.name.label("unit_name") if name == "unit_name" else getattr(Catalogue, name) for name in names]
    return select(*columns, *more).join(Unit, Unit.id == Catalogue.unit_id)


async def list_catalogues(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    sort: CatalogueSort = CatalogueSort.NAME,
    q: str | None = None,
    kind: CatalogueKind | None = None,
    state: CatalogueState | None = None,
    year: int | None = None,
) -> Page[CatalogueRow]:
    """Catalogues that match every filter given; `year` also finds those meant for any year. Two statements."""
    statement = _selected(CatalogueRow.model_fields).where(visible(scope))
    if q is not None:
        statement = statement.where(contains(Catalogue.name, q) | contains(Catalogue.code, q))
    for column, value in ((Catalogue.kind, kind), (Catalogue.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    if year is not None:
        statement = statement.where(or_(Catalogue.year == year, Catalogue.year.is_(None)))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Catalogue.id, into=CatalogueRow)


async def read_catalogue(session: AnySession, *, caller: Principal, catalogue_id: UUID) -> CatalogueOut:
    """One catalogue with what the caller may do with it, in one statement; `CatalogueNotFound`."""
    nodes = select(func.count()).where(CatalogueNode.catalogue_id == Catalogue.id)
    names = [name for name in CatalogueOut.model_fields if name not in {"node_count", "leaf_count", "allowed_actions"}]
    statement = _selected(
        names,
        Catalogue.unit_path,
        Catalogue.region_path,
        nodes.scalar_subquery().label("node_count"),
        nodes.where(CatalogueNode.leaf).scalar_subquery().label("leaf_count"),
    )
    found = await session.execute(statement.where(Catalogue.id == catalogue_id, visible(caller.scope)))
    row = found.mappings().one_or_none()
    if row is None:
        raise CatalogueNotFound
    offered = allowed_actions(
        row["state"], caller, kept_here=caller.scope.holds_unit(row["unit_path"], row["region_path"])
    )
    return CatalogueOut.model_validate({**row, "allowed_actions": offered})


def allowed_actions(state: CatalogueState, caller: Principal, *, kept_here: bool) -> list[AllowedAction]:
    """What the caller may do with a catalogue in this state, and why not the rest."""
    manage = (caller.may(Permission.CATALOGUES_MANAGE), "没有“维护分类目录”权限")
    inside = (kept_here, "目录由您数据范围之外的单位维护")
    return [
        action(
            each.value,
            each.label,
            manage,
            *(() if each is CatalogueAction.CLONE else (inside,)),
            (why_not(each, state) is None, why_not(each, state) or ""),
        )
        for each in CatalogueAction
    ]


async def read_tree(session: AnySession, *, scope: Scope, catalogue_id: UUID, active: bool | None = None) -> NodeTree:
    """All nodes in the order of the tree, in two statements; `CatalogueNotFound`."""
    version = await session.scalar(select(Catalogue.version).where(Catalogue.id == catalogue_id, visible(scope)))
    if version is None:
        raise CatalogueNotFound
    statement = select(*_NODE).where(CatalogueNode.catalogue_id == catalogue_id)
    if active is not None:
        statement = statement.where(CatalogueNode.active.is_(active))
    rows = [NodeRow.model_validate(dict(row)) for row in (await session.execute(statement)).mappings()]
    return NodeTree(catalogue_id=catalogue_id, version=version, items=in_tree_order(rows))


def in_tree_order(rows: list[NodeRow]) -> list[NodeRow]:
    """Each node before what lies below it, siblings by position, then code."""
    below: dict[UUID | None, list[NodeRow]] = {}
    there = {row.id for row in rows}
    for row in sorted(rows, key=lambda row: (row.position, row.code)):
        below.setdefault(row.parent_id if row.parent_id in there else None, []).append(row)
    ordered: list[NodeRow] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        row = waiting.pop()
        ordered.append(row)
        waiting += reversed(below.get(row.id, []))
    return ordered


async def read_node(session: AnySession, *, caller: Principal, catalogue_id: UUID, node_id: UUID) -> NodeOut:
    """One node with its links, in two statements; `NodeNotFound`."""
    found = await session.execute(
        select(*_NODE, Catalogue.state, Catalogue.unit_path, Catalogue.region_path)
        .join(Catalogue, Catalogue.id == CatalogueNode.catalogue_id)
        .where(CatalogueNode.id == node_id, Catalogue.id == catalogue_id, visible(caller.scope))
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NodeNotFound
    links = await session.execute(
        select(
            CatalogueNode.id.label("node_id"),
            CatalogueNode.catalogue_id,
            Catalogue.name.label("catalogue_name"),
            CatalogueNode.code,
            CatalogueNode.name,
        )
        .join(CatalogueLink, CatalogueLink.to_node_id == CatalogueNode.id)
        .join(Catalogue, Catalogue.id == CatalogueNode.catalogue_id)
        .where(CatalogueLink.from_node_id == node_id)
        .order_by(Catalogue.name, CatalogueNode.path)
    )
    kept_here = caller.scope.holds_unit(row["unit_path"], row["region_path"])
    manage = (caller.may(Permission.CATALOGUES_MANAGE), "没有“维护分类目录”权限")
    inside = (kept_here, "目录由您数据范围之外的单位维护")
    refusal = why_not(CatalogueAction.UPDATE, row["state"])
    draft = (refusal is None, refusal or "")
    return NodeOut.model_validate(
        {
            **row,
            "links": [LinkOut.model_validate(dict(each)) for each in links.mappings()],
            "allowed_actions": [
                action("update", "修改", manage, inside, draft),
                action("delete", "删除", manage, inside, draft),
                action(
                    "link",
                    "设置同时计入的分类",
                    manage,
                    inside,
                    (row["state"] is not CatalogueState.RETIRED, "目录已停用"),
                ),
            ],
        }
    )
