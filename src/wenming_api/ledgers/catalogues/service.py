"""Changes of catalogues: a tree is built as a draft, then published for good; a clone is where the next one starts."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    check_edited,
    check_judged,
)
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueLink, CatalogueNode
from wenming_api.ledgers.catalogues.queries import CatalogueNotFound, visible
from wenming_api.ledgers.catalogues.rules import (
    BaseNode,
    CatalogueAction,
    CatalogueKind,
    CatalogueState,
    allowed_from,
    base_catalogues,
    child_path,
    depth,
    publish_gaps,
    why_not,
)
from wenming_api.ledgers.catalogues.schemas import (
    CatalogueClone,
    CatalogueCreate,
    CatalogueUpdate,
)
from wenming_api.system.audit.service import record
from wenming_api.system.units.models import Unit

_TARGETS = {CatalogueAction.PUBLISH: CatalogueState.PUBLISHED, CatalogueAction.RETIRE: CatalogueState.RETIRED}
_COPIED = (
    "depth",
    "path",
    "code",
    "name",
    "position",
    "leaf",
    "required",
    "guidance",
    "statement_limit",
    "photo_limit_bytes",
    "active",
)


class CatalogueCodeTaken(Conflict):
    """Another catalogue has this code."""

    code = "catalogue_code_taken"
    title = "目录代码已被使用"


class CatalogueIncomplete(Conflict):
    """The tree cannot be published as it is."""

    code = "catalogue_incomplete"
    title = "目录尚不完整"


async def create_catalogue(session: WriteSession, *, caller: Principal, new: CatalogueCreate) -> Catalogue:
    """Start a draft, kept by the caller's unit. Raises `CatalogueCodeTaken`."""
    await _check_code(session, new.code)
    made = Catalogue(
        **new.model_dump(), unit_id=caller.unit_id, unit_path=caller.unit_path, region_path=caller.region_path
    )
    session.add(made)
    await session.flush()  # the audit names its id
    await record(
        session,
        caller=caller,
        action="catalogues.create",
        target=("catalogue", made.id),
        after=new.model_dump(mode="json"),
    )
    return made


async def update_catalogue(
    session: WriteSession, *, caller: Principal, catalogue_id: UUID, version: int, changes: CatalogueUpdate
) -> None:
    """Change the head of a draft. Raises `StaleVersion`, `IllegalTransition`."""
    found = await lock_catalogue(session, caller, catalogue_id)
    check_edited(version, found.version)
    check_step(CatalogueAction.UPDATE, found)
    given = changes.model_dump(exclude_unset=True)
    refuse_empty(given, ("name", "level_names"))
    if "level_names" in given:
        deepest = await session.scalar(
            select(func.max(CatalogueNode.depth)).where(CatalogueNode.catalogue_id == catalogue_id)
        )
        if (deepest or 0) > len(given["level_names"]):
            raise InvalidInput(errors=[FieldError("/level_names", f"目录已有 {deepest} 级分类")])
    before = {name: getattr(found, name) for name in given}
    for name, value in given.items():
        setattr(found, name, value)
    await record(
        session, caller=caller, action="catalogues.update", target=("catalogue", found.id), before=before, after=given
    )


async def change_state(
    session: WriteSession, *, caller: Principal, catalogue_id: UUID, step: CatalogueAction, version: int, reason: str
) -> None:
    """Publish a draft or retire a published catalogue. Raises `VersionMoved`, `IllegalTransition`,
    `CatalogueIncomplete`."""
    found = await lock_catalogue(session, caller, catalogue_id)
    check_judged(version, found.version)
    check_step(step, found)
    if step is CatalogueAction.PUBLISH:
        nodes = await session.execute(
            select(CatalogueNode.path, CatalogueNode.active).where(CatalogueNode.catalogue_id == catalogue_id)
        )
        if gaps := publish_gaps((row.path, row.active) for row in nodes):
            raise CatalogueIncomplete("；".join(gaps) + "。")
    before, found.state = found.state, _TARGETS[step]
    await record(
        session,
        caller=caller,
        action=f"catalogues.{step.value}",
        target=("catalogue", found.id),
        before={"state": before.value},
        after={"state": found.state.value},
        reason=reason,
    )


async def delete_catalogue(session: WriteSession, *, caller: Principal, catalogue_id: UUID, version: int) -> None:
    """Delete a draft with all its nodes. Raises `StaleVersion`, `IllegalTransition`."""
    found = await lock_catalogue(session, caller, catalogue_id)
    check_edited(version, found.version)
    check_step(CatalogueAction.DELETE, found)
    await session.execute(delete(CatalogueNode).where(CatalogueNode.catalogue_id == catalogue_id))
    await session.delete(found)
    await record(
        session,
        caller=caller,
        action="catalogues.delete",
        target=("catalogue", catalogue_id),
        before={"code": found.code, "name": found.name},
    )


async def clone_catalogue(
    session: WriteSession, *, caller: Principal, catalogue_id: UUID, new: CatalogueClone
) -> Catalogue:
    """A draft with the same tree and the same links, kept by the caller's unit. Raises `CatalogueCodeTaken`."""
    source = await session.scalar(select(Catalogue).where(Catalogue.id == catalogue_id, visible(caller.scope)))
    if source is None:
        raise CatalogueNotFound
    await _check_code(session, new.code)
    made = Catalogue(
        code=new.code,
        name=new.name,
        year=new.year,
        kind=source.kind,
        level_names=list(source.level_names),
        source=source.source,
        cloned_from_id=source.id,
        unit_id=caller.unit_id,
        unit_path=caller.unit_path,
        region_path=caller.region_path,
    )
    session.add(made)
    await session.flush()  # nodes refer to it
    nodes = (await session.scalars(select(CatalogueNode).where(CatalogueNode.catalogue_id == source.id))).all()
    ids = {node.id: uuid7() for node in nodes}
    await _add_nodes(
        session,
        made.id,
        [
            {name: getattr(node, name) for name in _COPIED}
            | {"id": ids[node.id], "parent_id": ids[node.parent_id] if node.parent_id else None}
            for node in nodes
        ],
    )
    links = await session.execute(
        select(CatalogueLink.from_node_id, CatalogueLink.to_node_id).where(CatalogueLink.from_node_id.in_(ids))
    )
    copied = [{"from_node_id": ids[row.from_node_id], "to_node_id": row.to_node_id} for row in links]
    if copied:
        await session.execute(insert(CatalogueLink), copied)
    await record(
        session,
        caller=caller,
        action="catalogues.clone",
        target=("catalogue", made.id),
        after={**new.model_dump(mode="json"), "cloned_from_id": str(source.id)},
    )
    return made


async def _add_nodes(session: WriteSession, catalogue_id: UUID, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add nodes with ids, parents before children."""
    ordered = sorted(rows, key=lambda row: row["depth"])
    if ordered:
        session.add_all([CatalogueNode(catalogue_id=catalogue_id, **row) for row in ordered])
        await session.flush()  # links refer to them


async def add_published(
    session: WriteSession,
    *,
    code: str,
    name: str,
    kind: CatalogueKind,
    level_names: list[str],
    source: str | None,
    keeper: Any,
    nodes: Iterable[Mapping[str, Any]],
) -> UUID:
    """Add a whole catalogue, already published, kept by the unit `keeper`; `nodes` have id, parent_id and all other
    columns. For base data, and for catalogues made from something else."""
    made = Catalogue(
        code=code,
        name=name,
        kind=kind,
        state=CatalogueState.PUBLISHED,
        level_names=level_names,
        source=source,
        unit_id=keeper.id,
        unit_path=keeper.unit_path,
        region_path=keeper.region_path,
    )
    session.add(made)
    await session.flush()  # nodes refer to it
    await _add_nodes(session, made.id, nodes)
    return made.id


async def load_base_catalogues(session: WriteSession) -> int:
    """Publish the sample catalogues that are not there yet, kept by the civility office at the top; answers how many.

    What the customer changed since stays as it is. Without any unit there is nobody to keep them: none are loaded.
    """
    keeper = await session.scalar(
        select(Unit)
        .where(Unit.managing_unit_id.is_(None), Unit.active)
        .order_by(Unit.is_civility_office.desc(), Unit.number)
        .limit(1)
    )
    if keeper is None:
        return 0
    base = base_catalogues()
    there = set(await session.scalars(select(Catalogue.code).where(Catalogue.code.in_([each.code for each in base]))))
    missing = [each for each in base if each.code not in there]
    for each in missing:
        await add_published(
            session,
            code=each.code,
            name=each.name,
            kind=each.kind,
            level_names=list(each.level_names),
            source=each.source,
            keeper=keeper,
            nodes=_grown(each.nodes),
        )
    return len(missing)


def _grown(nodes: Iterable[BaseNode]) -> list[dict[str, Any]]:
    """The columns of the nodes of a sample, which come from the top down."""
    rows: dict[str, dict[str, Any]] = {}
    for position, node in enumerate(nodes, start=1):
        above = rows.get(node.parent)
        if above is not None:
            above["leaf"] = False
        path = child_path(above["path"] if above else "", node.code)
        rows[node.code] = {
            "id": uuid7(),
            "parent_id": above["id"] if above else None,
            "path": path,
            "depth": depth(path),
            "code": node.code,
            "name": node.name,
            "position": position,
            "leaf": True,
            "required": node.required,
            "guidance": node.guidance,
            "statement_limit": None,
            "photo_limit_bytes": None,
            "active": True,
        }
    return list(rows.values())


def refuse_empty(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """`InvalidInput` when a field that cannot be empty is given as null."""
    if empty := [FieldError(f"/{name}", "不能为空") for name in names if name in given and given[name] is None]:
        raise InvalidInput(errors=empty)


def check_step(step: CatalogueAction, found: Catalogue) -> None:
    """`IllegalTransition` when the state forbids the step."""
    refusal = why_not(step, found.state)
    if refusal is not None:
        raise IllegalTransition(f"{refusal}。", allowed=[each.value for each in allowed_from(found.state)])


async def _check_code(session: WriteSession, code: str) -> None:
    if await session.scalar(select(Catalogue.id).where(Catalogue.code == code)) is not None:
        raise CatalogueCodeTaken(f"代码“{code}”已被其他目录使用，请换一个。")


async def lock_catalogue(session: WriteSession, caller: Principal, catalogue_id: UUID) -> Catalogue:
    """The catalogue, locked; `CatalogueNotFound`, or `Forbidden` when another's unit keeps it."""
    found = await session.scalar(
        select(Catalogue).where(Catalogue.id == catalogue_id, visible(caller.scope)).with_for_update()
    )
    if found is None:
        raise CatalogueNotFound
    if not caller.scope.holds_unit(found.unit_path or "", found.region_path):
        raise Forbidden("目录由您数据范围之外的单位维护；需要调整时请复制为新的目录。")
    return found
