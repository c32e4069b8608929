"""Reads of layouts. Everybody who may read them sees all: what a form looks like is no secret."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.kit.storage import ObjectStore
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.contents.rules import CAPTION_LABELS
from wenming_api.ledgers.layouts.models import Layout, LayoutVersion
from wenming_api.ledgers.layouts.rules import (
    Candidate,
    CoverField,
    FormField,
    LayoutAction,
    LayoutState,
    Standing,
    body_hash,
    default_body,
    nearest,
    why_not,
)
from wenming_api.ledgers.layouts.schemas import (
    Choice,
    DefaultLayout,
    EffectiveLayout,
    LayoutBody,
    LayoutOut,
    LayoutRow,
    LayoutSort,
    LayoutVersionOut,
    LayoutVersionRow,
    TestPrintLink,
)
from wenming_api.system.units.models import Unit

DEFAULT_NAME = "系统自带版式"
LINK_LIFE = timedelta(hours=1)
_Active, _Draft = aliased(LayoutVersion), aliased(LayoutVersion)


class LayoutNotFound(NotFound):
    """There is no such layout."""

    code = "layout_not_found"
    title = "未找到版式"


class LayoutVersionNotFound(NotFound):
    """The layout has no such version, or no test print of it."""

    code = "layout_version_not_found"
    title = "未找到版式的这个版本"


@dataclass(frozen=True, slots=True)
class Effective:
    """The layout that serves a node. `hash` names its body; no ids: the layout delivered."""

    layout_id: UUID | None
    no: int | None
    name: str
    body: Mapping[str, Any]
    hash: str


def delivered() -> Effective:
    """The layout delivered with the product."""
    body = LayoutBody.model_validate(default_body()).model_dump(mode="json")
    return Effective(None, None, DEFAULT_NAME, body, body_hash(body))


def _rows() -> Select[Any]:
    return (
        select(
            *(getattr(Layout, name) for name in ("id", "name", "catalogue_id", "node_id", "unit_id", "updated_at")),
            Layout.version,
            Layout.created_at,
            Layout.unit_path,
            Layout.region_path,
            Catalogue.name.label("catalogue_name"),
            CatalogueNode.code.label("node_code"),
            CatalogueNode.name.label("node_name"),
            Unit.name.label("unit_name"),
            _Active.no.label("active_no"),
            _Draft.no.label("draft_no"),
        )
        .join(Unit, Unit.id == Layout.unit_id)
        .outerjoin(Catalogue, Catalogue.id == Layout.catalogue_id)
        .outerjoin(CatalogueNode, CatalogueNode.id == Layout.node_id)
        .outerjoin(_Active, and_(_Active.layout_id == Layout.id, _Active.state == LayoutState.ACTIVE))
        .outerjoin(_Draft, and_(_Draft.layout_id == Layout.id, _Draft.state == LayoutState.DRAFT))
    )


async def list_layouts(
    session: AnySession,
    *,
    params: PageParams,
    sort: LayoutSort,
    q: str | None = None,
    catalogue_id: UUID | None = None,
    node_id: UUID | None = None,
    active: bool | None = None,
) -> Page[LayoutRow]:
    """One page of layouts. Two statements."""
    statement = _rows()
    if q is not None:
        statement = statement.where(contains(Layout.name, q))
    if catalogue_id is not None:
        statement = statement.where(Layout.catalogue_id == catalogue_id)
    if node_id is not None:
        statement = statement.where(Layout.node_id == node_id)
    if active is not None:
        statement = statement.where(_Active.no.is_not(None) if active else _Active.no.is_(None))
    columns = {"name": Layout.name, "updated_at": Layout.updated_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=Layout.id, into=LayoutRow)


async def read_layout(session: AnySession, layout_id: UUID, *, caller: Principal) -> LayoutOut:
    """A layout with its versions and what the caller may do. Two statements."""
    row = (await session.execute(_rows().where(Layout.id == layout_id))).mappings().one_or_none()
    if row is None:
        raise LayoutNotFound
    found = await session.execute(_versions().where(LayoutVersion.layout_id == layout_id))
    versions = [LayoutVersionRow.model_validate(dict(each)) for each in found.mappings()]
    return LayoutOut.model_validate(
        dict(row) | {"versions": versions, "allowed_actions": _actions(row, versions, caller=caller)}
    )


def _versions() -> Select[Any]:
    names = ("no", "state", "body_hash", "tested_at", "made_by", "made_at", "activated_at", "retired_at")
    tested = func.coalesce(LayoutVersion.tested_hash == LayoutVersion.body_hash, False).label("tested")
    return select(*(getattr(LayoutVersion, name) for name in names), tested).order_by(LayoutVersion.no.desc())


def standing_of(versions: Iterable[Any]) -> Standing:
    """What the versions of a layout allow."""
    states = {each.state: each for each in versions}
    draft = states.get(LayoutState.DRAFT)
    return Standing(
        has_draft=draft is not None,
        tested=draft is not None and draft.tested,
        has_active=LayoutState.ACTIVE in states,
        ever_active=bool(states.keys() - {LayoutState.DRAFT}),
    )


def _actions(row: Any, versions: list[LayoutVersionRow], *, caller: Principal) -> list[AllowedAction]:
    standing = standing_of(versions)
    permission = (caller.may(Permission.LAYOUTS_MANAGE), f"没有“{Permission.LAYOUTS_MANAGE.label}”权限")
    inside = (caller.scope.holds_unit(row["unit_path"], row["region_path"]), "版式由其他单位维护")
    return [
        action(
            each.value, each.label, permission, inside, (why_not(each, standing) is None, why_not(each, standing) or "")
        )
        for each in LayoutAction
    ]


async def read_version(session: AnySession, layout_id: UUID, no: int) -> LayoutVersionOut:
    """One version with its body. One statement."""
    statement = _versions().add_columns(LayoutVersion.layout_id, LayoutVersion.body)
    found = await session.execute(statement.where(LayoutVersion.layout_id == layout_id, LayoutVersion.no == no))
    row = found.mappings().one_or_none()
    if row is None:
        raise LayoutVersionNotFound
    return LayoutVersionOut.model_validate(dict(row))


def test_key(layout_id: UUID, no: int, hash_: str) -> str:
    """Where the test print of a version's body is kept."""
    return f"layout-tests/{layout_id}/{no}-{hash_}.pdf"


def test_link(store: ObjectStore, layout_id: UUID, no: int, hash_: str) -> tuple[str, Any]:
    """A link to the kept test print, and when it expires."""
    now = clock.now()
    url = store.download_url(
        test_key(layout_id, no, hash_),
        filename=f"版式试印-{no}.pdf",
        content_type="application/pdf",
        expires=LINK_LIFE,
        inline=True,
        now=now,
    )
    return url, now + LINK_LIFE


async def kept_test(session: AnySession, layout_id: UUID, no: int, *, store: ObjectStore) -> TestPrintLink:
    """A link to the test print of a version as it was tested last. One statement."""
    tested = await session.scalar(
        select(LayoutVersion.tested_hash).where(LayoutVersion.layout_id == layout_id, LayoutVersion.no == no)
    )
    if tested is None:
        raise LayoutVersionNotFound("没有这个版本，或尚未试印。")
    url, expires_at = test_link(store, layout_id, no, tested)
    return TestPrintLink(no=no, url=url, expires_at=expires_at)


def delivered_layout() -> DefaultLayout:
    """The layout delivered with the product, and what forms may show."""
    return DefaultLayout(
        body=LayoutBody.model_validate(default_body()),
        fields=[Choice(code=each.value, label=each.label) for each in FormField],
        cover_fields=[Choice(code=each.value, label=each.label) for each in CoverField],
        caption_parts=[Choice(code=code, label=label) for code, label in CAPTION_LABELS.items()],
    )


async def effective_for(session: AnySession, node_ids: Iterable[UUID]) -> dict[UUID, Effective]:
    """The layout that serves each node: its own, the nearest ancestor's, its catalogue's, the system's, the one
    delivered. Unknown nodes get what the system uses. Two statements, however many nodes.
    """
    wanted = set(node_ids)
    nodes = {
        row.id: row
        for row in await session.execute(
            select(CatalogueNode.id, CatalogueNode.catalogue_id, CatalogueNode.path).where(CatalogueNode.id.in_(wanted))
        )
    }
    catalogues = {row.catalogue_id for row in nodes.values()}
    active = await session.execute(
        select(Layout.id, Layout.name, Layout.catalogue_id, CatalogueNode.path)
        .add_columns(LayoutVersion.no, LayoutVersion.body, LayoutVersion.body_hash)
        .join(LayoutVersion, and_(LayoutVersion.layout_id == Layout.id, LayoutVersion.state == LayoutState.ACTIVE))
        .outerjoin(CatalogueNode, CatalogueNode.id == Layout.node_id)
        .where(or_(Layout.catalogue_id.is_(None), Layout.catalogue_id.in_(catalogues)))
    )
    rows = active.all()
    layouts = {row.id: Effective(row.id, row.no, row.name, row.body, row.body_hash) for row in rows}
    candidates = [Candidate(row.id, row.catalogue_id, row.path) for row in rows]
    fallback = delivered()
    chosen: dict[UUID, Effective] = {}
    for node_id in wanted:
        node = nodes.get(node_id)
        best = nearest(candidates, catalogue_id=node.catalogue_id if node else None, path=node.path if node else "")
        chosen[node_id] = layouts[best.key] if best is not None else fallback
    return chosen


async def read_effective(session: AnySession, node_id: UUID) -> EffectiveLayout:
    """The layout that serves a node. Three statements."""
    if await session.scalar(select(CatalogueNode.id).where(CatalogueNode.id == node_id)) is None:
        raise LayoutNotFound("分类不存在。")
    best = (await effective_for(session, [node_id]))[node_id]
    return EffectiveLayout(
        node_id=node_id, layout_id=best.layout_id, no=best.no, name=best.name, body=LayoutBody.model_validate(best.body)
    )
