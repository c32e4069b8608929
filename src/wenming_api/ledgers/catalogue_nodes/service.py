"""Changes of the nodes of a catalogue's draft, and of what else counts (links)."""

from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, FieldError, IllegalTransition, InvalidInput, check_edited
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueLink, CatalogueNode
from wenming_api.ledgers.catalogues.queries import NodeNotFound, visible
from wenming_api.ledgers.catalogues.rules import MAX_NODES, CatalogueAction, CatalogueState, child_path, depth
from wenming_api.ledgers.catalogues.schemas import NodeCreate, NodeUpdate
from wenming_api.ledgers.catalogues.service import check_step, lock_catalogue, refuse_empty
from wenming_api.system.audit.service import record


class NodeCodeTaken(Conflict):
    """A node beside it has this code."""

    code = "catalogue_node_code_taken"
    title = "分类编号已被使用"


async def add_node(session: WriteSession, *, caller: Principal, catalogue_id: UUID, new: NodeCreate) -> CatalogueNode:
    """Add a category to a draft; its parent is no leaf any more. Raises `NodeCodeTaken`, `IllegalTransition`."""
    found = await _draft(session, caller, catalogue_id)
    parent = None
    if new.parent_id is not None:
        parent = await session.scalar(
            select(CatalogueNode).where(CatalogueNode.id == new.parent_id, CatalogueNode.catalogue_id == catalogue_id)
        )
        if parent is None:
            raise InvalidInput(errors=[FieldError("/parent_id", "目录中没有这个上级分类")])
    path = child_path(parent.path if parent else "", new.code)
    if depth(path) > len(found.level_names):
        raise InvalidInput(errors=[FieldError("/parent_id", f"目录只有 {len(found.level_names)} 级")])
    await _check_path(session, catalogue_id, path)
    count, last = (
        await session.execute(
            select(func.count(), func.max(CatalogueNode.position)).where(CatalogueNode.catalogue_id == catalogue_id)
        )
    ).one()
    if count >= MAX_NODES:
        raise InvalidInput(f"一个目录最多 {MAX_NODES} 个分类。", errors=[FieldError("/code", "分类已满")])
    values = new.model_dump()
    if values["position"] is None:
        values["position"] = min((last or 0) + 1, 100_000)
    made = CatalogueNode(**values, catalogue_id=catalogue_id, path=path, depth=depth(path), leaf=True)
    session.add(made)
    if parent is not None:
        parent.leaf = False
    await session.flush()  # the audit names its id
    await record(
        session,
        caller=caller,
        action="catalogues.add_node",
        target=("catalogue_node", made.id),
        after=new.model_dump(mode="json"),
        context=("catalogue", catalogue_id),
    )
    return made


async def update_node(
    session: WriteSession, *, caller: Principal, catalogue_id: UUID, node_id: UUID, version: int, changes: NodeUpdate
) -> None:
    """Change a node of a draft; with a new code, the paths below it follow."""
    await _draft(session, caller, catalogue_id)
    node = await _node(session, catalogue_id, node_id)
    check_edited(version, node.version)
    given = changes.model_dump(exclude_unset=True)
    refuse_empty(given, ("code", "name", "position", "required", "active"))
    before = {name: getattr(node, name) for name in given}
    if given.get("code", node.code) != node.code:
        old = node.path
        new = child_path(old[: len(old) - len(node.code) - 1], given["code"])
        await _check_path(session, catalogue_id, new)
        await session.execute(
            update(CatalogueNode)
            .where(
                CatalogueNode.catalogue_id == catalogue_id,
                CatalogueNode.path.startswith(old, autoescape=True),
                CatalogueNode.id != node_id,
            )
            .values(path=func.concat(new, func.substr(CatalogueNode.path, len(old) + 1)))
            .execution_options(synchronize_session=False)
        )
        node.path = new
    for name, value in given.items():
        setattr(node, name, value)
    await record(
        session,
        caller=caller,
        action="catalogues.update_node",
        target=("catalogue_node", node_id),
        before=before,
        after=given,
        context=("catalogue", catalogue_id),
    )


async def delete_node(
    session: WriteSession, *, caller: Principal, catalogue_id: UUID, node_id: UUID, version: int
) -> None:
    """Delete a node of a draft with everything below it; a parent without children is a leaf again."""
    await _draft(session, caller, catalogue_id)
    node = await _node(session, catalogue_id, node_id)
    check_edited(version, node.version)
    parent_id = node.parent_id
    await session.execute(
        delete(CatalogueNode).where(
            CatalogueNode.catalogue_id == catalogue_id, CatalogueNode.path.startswith(node.path, autoescape=True)
        )
    )
    if parent_id is not None:
        left = await session.scalar(
            select(func.count()).select_from(CatalogueNode).where(CatalogueNode.parent_id == parent_id)
        )
        if not left:
            (await _node(session, catalogue_id, parent_id)).leaf = True
    await record(
        session,
        caller=caller,
        action="catalogues.delete_node",
        target=("catalogue_node", node_id),
        before={"path": node.path, "name": node.name},
        context=("catalogue", catalogue_id),
    )


async def link_node(
    session: WriteSession, *, caller: Principal, catalogue_id: UUID, node_id: UUID, version: int, node_ids: list[UUID]
) -> None:
    """Say for which leaves of other catalogues a category also counts; the tree stays what it was.

    Raises:
        InvalidInput: a node is unknown, no leaf, of the same catalogue, or not to be seen.
    """
    found = await lock_catalogue(session, caller, catalogue_id)
    if found.state is CatalogueState.RETIRED:
        raise IllegalTransition("目录已停用，不能再设置。", allowed=[])
    node = await _node(session, catalogue_id, node_id)
    check_edited(version, node.version)
    wanted = list(dict.fromkeys(node_ids))
    usable = set(
        await session.scalars(
            select(CatalogueNode.id)
            .join(Catalogue, Catalogue.id == CatalogueNode.catalogue_id)
            .where(
                CatalogueNode.id.in_(wanted),
                CatalogueNode.leaf,
                Catalogue.id != catalogue_id,
                visible(caller.scope),
            )
        )
    )
    wrong = [
        FieldError(f"/node_ids/{no}", "不是其他目录中的小类") for no, each in enumerate(node_ids) if each not in usable
    ]
    if not node.leaf:
        wrong.append(FieldError("/node_ids", "只有小类可以同时计入其他分类"))
    if wrong:
        raise InvalidInput(errors=wrong)
    before = sorted(
        map(
            str,
            await session.scalars(select(CatalogueLink.to_node_id).where(CatalogueLink.from_node_id == node_id)),
        )
    )
    await session.execute(delete(CatalogueLink).where(CatalogueLink.from_node_id == node_id))
    if wanted:
        await session.execute(insert(CatalogueLink), [{"from_node_id": node_id, "to_node_id": each} for each in wanted])
    node.version += 1
    await record(
        session,
        caller=caller,
        action="catalogues.link_node",
        target=("catalogue_node", node_id),
        before={"links": before},
        after={"links": sorted(map(str, wanted))},
        context=("catalogue", catalogue_id),
    )


async def _check_path(session: WriteSession, catalogue_id: UUID, path: str) -> None:
    taken = select(CatalogueNode.id).where(CatalogueNode.catalogue_id == catalogue_id, CatalogueNode.path == path)
    if await session.scalar(taken) is not None:
        raise NodeCodeTaken("同级分类中已有这个编号，请换一个。")


async def _draft(session: WriteSession, caller: Principal, catalogue_id: UUID) -> Catalogue:
    found = await lock_catalogue(session, caller, catalogue_id)
    check_step(CatalogueAction.UPDATE, found)
    return found


async def _node(session: WriteSession, catalogue_id: UUID, node_id: UUID) -> CatalogueNode:
    node = await session.scalar(
        select(CatalogueNode).where(CatalogueNode.id == node_id, CatalogueNode.catalogue_id == catalogue_id)
    )
    if node is None:
        raise NodeNotFound
    return node
