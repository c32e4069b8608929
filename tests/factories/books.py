"""Catalogues and accepted submissions in them, from which books come by themselves."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.factories.submissions import Post, make_approved_record, make_submission
from wenming_api.kit.db import WriteSession
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.rules import CatalogueKind, CatalogueState
from wenming_api.ledgers.submissions.models import Submission

_numbers = itertools.count(1)
YEAR = 2026


@dataclass
class Tree:
    """A published catalogue: two big categories with two small ones each (`A/1`, `A/2`, `B/1`, `B/2`)."""

    catalogue: Catalogue
    leaves: list[CatalogueNode] = field(default_factory=list)
    inner: list[CatalogueNode] = field(default_factory=list)


async def make_tree(
    session: WriteSession, *, post: Post, kind: CatalogueKind = CatalogueKind.CATEGORY, required: int = 1, **leaf: Any
) -> Tree:
    """Flushed. `leaf` are values of every small category."""
    no = next(_numbers)
    catalogue = Catalogue(
        code=f"tree-{no}",
        name=f"文明单位目录{no}",
        kind=kind,
        state=CatalogueState.PUBLISHED,
        level_names=["大类", "小类"],
        unit_id=post.unit.id,
        unit_path=post.unit.unit_path,
        region_path=post.unit.region_path,
    )
    session.add(catalogue)
    await session.flush()
    tree = Tree(catalogue)
    common = {"catalogue_id": catalogue.id, "guidance": None, "active": True}
    empty = {"statement_limit": None, "photo_limit_bytes": None}
    for position, code in enumerate("AB", start=1):
        big = CatalogueNode(
            **common,
            **empty,
            parent_id=None,
            path=f"{code}/",
            depth=1,
            code=code,
            name=f"大类{code}",
            position=position,
            leaf=False,
            required=0,
        )
        session.add(big)
        await session.flush()
        tree.inner.append(big)
        for small in (1, 2):
            tree.leaves.append(
                CatalogueNode(
                    **common,
                    **(empty | leaf),
                    parent_id=big.id,
                    path=f"{code}/{code}{small}/",
                    depth=2,
                    code=f"{code}{small}",
                    name=f"小类{code}{small}",
                    position=small,
                    leaf=True,
                    required=required,
                )
            )
    session.add_all(tree.leaves)
    await session.flush()
    return tree


async def make_accepted(
    session: WriteSession,
    *,
    tree: Tree,
    sender: Post,
    receiver: Post,
    leaves: Sequence[int] = (0,),
    title: str = "学雷锋志愿服务进社区",
    **content: Any,
) -> Submission:
    """An accepted submission of a new record, filed under these small categories. Flushed."""
    nodes = [tree.leaves[each].id for each in leaves]
    content = {"happened_at": f"{YEAR}-03-05T09:00:00+08:00", **content}
    record = await make_approved_record(session, post=sender, title=title, node_ids=nodes, **content)
    return await make_submission(
        session, record=record, sender=sender, receiver=receiver, accepted=True, node_ids=nodes
    )
