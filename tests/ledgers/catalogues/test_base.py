"""The sample catalogues delivered with the product."""

import re

from pydantic import TypeAdapter
from sqlalchemy import func, select, update
from tests.factories.places import make_county, make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.fields import Code, Name, ShortText
from wenming_api.ledgers.catalogues.models import Catalogue, CatalogueNode
from wenming_api.ledgers.catalogues.rules import NODE_CODE_PATTERN, CatalogueState, base_catalogues
from wenming_api.ledgers.catalogues.service import load_base_catalogues


def test_every_sample_is_marked_as_one_and_names_its_source() -> None:
    for each in base_catalogues():
        TypeAdapter(Code).validate_python(each.code)
        assert TypeAdapter(ShortText).validate_python(each.source) == each.source
        assert each.source.startswith("示例：")
        assert "摘自 http" in each.source
        assert "（示例）" in TypeAdapter(Name).validate_python(each.name)


def test_the_samples_are_trees_of_their_levels() -> None:
    for each in base_catalogues():
        codes: list[str] = []
        parents = {node.parent for node in each.nodes}
        for node in each.nodes:
            assert re.match(NODE_CODE_PATTERN, node.code), node
            assert node.code not in codes, node
            assert node.parent in {"", *codes}, "parents come first"
            assert (node.required == 0) == (node.code in parents), "what is filed under is counted, and only that"
            TypeAdapter(Name).validate_python(node.name)
            codes.append(node.code)
        assert len(each.level_names) == (2 if parents > {""} else 1)


async def test_they_are_loaded_once_and_kept_by_the_office_at_the_top(database: Database, as_user) -> None:
    async with database.transaction() as session:
        assert await load_base_catalogues(session) == 0, "nobody to keep them"
        await make_unit(session, name="市直机关")
        office = await make_unit(session, name="市文明办")
        office.is_civility_office = True
        below = await make_unit(session, region=await make_county(session), managing=office)
        below.is_civility_office = True
    async with database.transaction() as session:
        assert await load_base_catalogues(session) == len(base_catalogues())
    async with database.transaction() as session:
        found = (await session.scalars(select(Catalogue))).all()
        assert {each.unit_id for each in found} == {office.id}
        assert {each.state for each in found} == {CatalogueState.PUBLISHED}
        assert await session.scalar(select(func.count()).select_from(CatalogueNode)) == sum(
            len(each.nodes) for each in base_catalogues()
        )
        await session.execute(update(Catalogue).where(Catalogue.code == "sample-unit-archive").values(name="本市目录"))
    async with database.transaction() as session:
        assert await load_base_catalogues(session) == 0
        assert "本市目录" in set(await session.scalars(select(Catalogue.name)))
    reader = await as_user([Permission.CATALOGUES_READ])
    monthly = next(each for each in found if each.code == "sample-handan-monthly")
    tree = (await reader.get(f"/catalogues/{monthly.id}/nodes")).json()["items"]
    assert [(each["path"], each["leaf"]) for each in tree[:3]] == [
        ("01/", False),
        ("01/01-1/", True),
        ("01/01-2/", True),
    ]
