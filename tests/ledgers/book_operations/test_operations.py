"""Merging, distributing, undoing: every entry stays in exactly one book."""

import asyncio
import random
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories.books import Tree, make_accepted, make_tree
from tests.factories.callers import Callers
from tests.factories.submissions import Offices, make_offices

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.db import Database
from wenming_api.kit.ids import uuid7
from wenming_api.ledgers.book_operations.rules import TwiceGiven, dealt, once
from wenming_api.system.roles.rules import DataScope

REASON = "按专班要求归并"
Entry = tuple[str, str]


class Shelf:
    """Two units' books of one catalogue, with entries in them, and what a client can do to them."""

    def __init__(self, client: httpx.AsyncClient, offices: Offices, tree: Tree) -> None:
        self.client, self.offices, self.tree = client, offices, tree

    async def books(self, **filters: Any) -> list[dict[str, Any]]:
        params = {"kind": "own", "size": 100, "sort": "title", **filters}
        return (await self.client.get("/ledgers/books", params=params)).json()["items"]  # type: ignore[no-any-return]

    async def entries(self, book_id: str) -> set[Entry]:
        answer = await self.client.get(f"/ledgers/books/{book_id}/entries", params={"size": 100})
        return {(each["submission_id"], each["node_id"]) for each in answer.json()["items"]}

    async def where(self) -> dict[str, set[Entry]]:
        return {each["id"]: await self.entries(each["id"]) for each in await self.books()}

    async def merge(self, sources: list[dict[str, Any]], **target: Any) -> httpx.Response:
        judged = [{"book_id": each["id"], "version": each["version"]} for each in sources]
        return await self.client.post(
            "/ledgers/books/merge", json={"sources": judged, "target": target, "reason": REASON}
        )

    async def distribute(self, book: dict[str, Any], *portions: dict[str, Any]) -> httpx.Response:
        body = {"version": book["version"], "portions": list(portions), "reason": REASON}
        return await self.client.post(f"/ledgers/books/{book['id']}/distribute", json=body)

    async def undo(self, operation: dict[str, Any]) -> httpx.Response:
        body = {"version": operation["version"], "reason": "归并有误"}
        return await self.client.post(f"/ledgers/book-operations/{operation['id']}/undo", json=body)


@pytest.fixture
async def shelf(admin: httpx.AsyncClient, database: Database) -> Shelf:
    async with database.transaction() as session:
        offices = await make_offices(session)
        tree = await make_tree(session, post=offices.city)
        for sender, leaves in ((offices.unit, (0, 1)), (offices.unit, (2,)), (offices.community, (0,))):
            await make_accepted(session, tree=tree, sender=sender, receiver=offices.street, leaves=leaves)
    return Shelf(admin, offices, tree)


async def test_merged_into_a_new_book_and_undone(shelf: Shelf) -> None:
    before = await shelf.where()
    answer = await shelf.merge(await shelf.books(), title="城里社区合册")
    assert answer.status_code == 201, answer.text
    operation = answer.json()
    assert (operation["moved"], operation["kind"]) == (4, "merge")
    after = await shelf.where()
    (made,) = after.keys() - before.keys()
    assert after[made] == set().union(*before.values())
    assert {len(each) for key, each in after.items() if key != made} == {0}
    assert {flow["to_title"] for flow in operation["flows"]} == {"城里社区合册"}
    moves = await shelf.client.get(f"/ledgers/book-operations/{operation['id']}/moves")
    assert {each["current"] for each in moves.json()["items"]} == {True}
    undone = await shelf.undo(operation)
    assert undone.status_code == 200, undone.text
    assert await shelf.where() == before
    assert [each["id"] for each in await shelf.books(state="dissolved")] == [made]
    again = await shelf.undo(undone.json())
    assert again.json()["code"] == "illegal_transition"


async def test_what_comes_later_appears_where_it_belongs(shelf: Shelf, database: Database) -> None:
    books = await shelf.books()
    await shelf.merge(books, title="合册")
    async with database.transaction() as session:
        new = await make_accepted(
            session, tree=shelf.tree, sender=shelf.offices.unit, receiver=shelf.offices.street, leaves=(3,)
        )
    home = next(each for each in books if each["unit_id"] == str(shelf.offices.unit.unit.id))
    assert await shelf.entries(home["id"]) == {(str(new.id), str(shelf.tree.leaves[3].id))}


async def test_distributed_by_node_and_by_name(shelf: Shelf) -> None:
    book = next(each for each in await shelf.books() if each["entries"] == 3)
    there = sorted(await shelf.entries(book["id"]))
    named = there[0]
    rest = [node for _, node in there if node != named[1]]
    answer = await shelf.distribute(
        book,
        {
            "target": {"title": "逐条"},
            "entries": [{"submission_id": named[0], "node_id": named[1]}],
        },
        {"target": {"title": "按小类"}, "node_ids": [rest[0], named[1]]},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["moved"] == 2
    by_title = {each["title"]: await shelf.entries(each["id"]) for each in await shelf.books()}
    assert by_title["逐条"] == {named}
    assert {node for _, node in by_title["按小类"]} == {rest[0]}
    assert len(by_title[book["title"]]) in {1}


async def test_undo_waits_for_what_depends_on_it(shelf: Shelf) -> None:
    first = (await shelf.merge(await shelf.books(), title="合册")).json()
    book = next(each for each in await shelf.books() if each["title"] == "合册")
    node = str(shelf.tree.leaves[0].id)
    second = (await shelf.distribute(book, {"target": {"title": "分册"}, "node_ids": [node]})).json()
    refused = await shelf.undo(first)
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_undo")
    assert refused.json()["depending"] == [second["id"]]
    shown = (await shelf.client.get(f"/ledgers/book-operations/{first['id']}")).json()
    assert (shown["depending"], shown["allowed_actions"][0]["allowed"]) == ([second["id"]], False)
    assert (await shelf.undo(second)).status_code == 200
    assert (await shelf.undo(first)).status_code == 200


async def test_an_archived_book_takes_part_in_nothing(shelf: Shelf) -> None:
    operation = (await shelf.merge(await shelf.books(), title="合册")).json()
    book = next(each for each in await shelf.books() if each["title"] == "合册")
    other = next(each for each in await shelf.books() if each["title"] != "合册")
    body = {"version": book["version"], "reason": "归档"}
    archived = (await shelf.client.post(f"/ledgers/books/{book['id']}/archive", json=body)).json()
    assert archived["entries"] == 4
    refused = await shelf.undo(operation)
    assert refused.json()["books"] == [book["id"]]
    assert (await shelf.merge([archived], book_id=other["id"])).json()["code"] == "book_read_only"
    assert (await shelf.merge([other], book_id=book["id"])).json()["code"] == "book_read_only"
    portion = {"target": {"title": "分册"}, "node_ids": [str(shelf.tree.leaves[0].id)]}
    assert (await shelf.distribute(archived, portion)).json()["code"] == "book_read_only"


async def test_of_two_merges_at_once_one_wins(shelf: Shelf) -> None:
    books = await shelf.books()
    answers = await asyncio.gather(shelf.merge(books, title="甲"), shelf.merge(books[::-1], title="乙"))
    assert sorted(each.status_code for each in answers) == [201, 409]
    assert sorted(len(each) for each in (await shelf.where()).values()) == [0, 0, 4]


async def test_what_does_not_fit_is_refused(shelf: Shelf, database: Database) -> None:
    books = await shelf.books()
    twice = await shelf.merge([books[0], books[0]], title="重复")
    assert twice.status_code == 422
    itself = await shelf.merge(books, book_id=books[0]["id"])
    assert itself.status_code == 422
    async with database.transaction() as session:
        other_tree = await make_tree(session, post=shelf.offices.city)
        await make_accepted(session, tree=other_tree, sender=shelf.offices.unit, receiver=shelf.offices.street)
    strange = (await shelf.books(catalogue_id=str(other_tree.catalogue.id)))[0]
    assert (await shelf.merge([books[0]], book_id=strange["id"])).status_code == 422
    collected = (await shelf.books(kind="collected"))[0]
    assert (await shelf.merge([books[0]], book_id=collected["id"])).status_code == 422
    nothing = await shelf.distribute(books[0], {"target": {"title": "空"}, "node_ids": [str(uuid7())]})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "book_empty")
    unknown = {"submission_id": str(uuid7()), "node_id": str(uuid7())}
    assert (await shelf.distribute(books[0], {"target": {"title": "空"}, "entries": [unknown]})).status_code == 422
    missing = await shelf.merge([{"id": str(uuid7()), "version": 1}], title="没有")
    assert (missing.status_code, missing.json()["code"]) == (404, "book_not_found")
    assert sorted(each["title"] for each in await shelf.books()) == sorted(each["title"] for each in [*books, strange])


async def test_scope_and_permission_from_both_sides(callers: Callers, shelf: Shelf) -> None:
    own = next(each for each in await shelf.books() if each["entries"] == 3)
    other = next(each for each in await shelf.books() if each["entries"] == 1)
    everything = [Permission.BOOKS_READ, Permission.BOOKS_MANAGE]
    unit = shelf.offices.unit.unit
    clerk = Shelf(await callers.client(everything, scope=DataScope.UNIT, unit=unit), shelf.offices, shelf.tree)
    assert (await clerk.merge([own], book_id=other["id"])).status_code == 404
    reader = Shelf(await callers.client([Permission.BOOKS_READ], unit=unit), shelf.offices, shelf.tree)
    assert (await reader.merge([own], title="合册")).status_code == 403
    done = await clerk.merge([own], title="合册")
    assert done.status_code == 201, done.text
    neighbour = await callers.client(everything, scope=DataScope.UNIT, unit=shelf.offices.county.unit)
    path = f"/ledgers/book-operations/{done.json()['id']}"
    assert (await neighbour.get(path)).status_code == 404
    assert (await neighbour.get(f"{path}/moves")).status_code == 404
    assert (await neighbour.get("/ledgers/book-operations")).json()["total"] == 0
    assert (await neighbour.post(f"{path}/undo", json={"version": 1, "reason": REASON})).status_code == 404
    assert (await clerk.client.get("/ledgers/book-operations", params={"book_id": own["id"]})).json()["total"] == 1


async def test_whatever_is_done_every_entry_is_in_one_book(shelf: Shelf) -> None:
    """Random merges, distributions and undos; after each, the same entries, each once."""
    dice = random.Random(20260305)
    whole = sorted(entry for each in (await shelf.where()).values() for entry in each)
    done: list[dict[str, Any]] = []
    outcomes = set()
    for no in range(40):
        books = await shelf.books(state="live")
        filled = [each for each in books if each["entries"]]
        act = dice.choice(["merge", "distribute", "undo"])
        if act == "merge":
            sources = dice.sample(filled, dice.randint(1, min(2, len(filled))))
            others = [each for each in books if each not in sources]
            target = {"book_id": dice.choice(others)["id"]} if others and dice.random() < 0.6 else {"title": f"合{no}"}
            answer = await shelf.merge(sources, **target)
        elif act == "distribute":
            source = dice.choice(filled)
            nodes = dice.sample([str(leaf.id) for leaf in shelf.tree.leaves], 2)
            answer = await shelf.distribute(
                source, *({"target": {"title": f"分{no}-{node[-4:]}"}, "node_ids": [node]} for node in nodes)
            )
        elif done:
            chosen = dice.choice(done)
            current = (await shelf.client.get(f"/ledgers/book-operations/{chosen['id']}")).json()
            answer = await shelf.undo(current)
        else:
            continue
        outcomes.add((act, answer.status_code))
        assert answer.status_code in {200, 201, 409}, answer.text
        if answer.status_code == 201:
            done.append(answer.json())
        assert sorted(entry for each in (await shelf.where()).values() for entry in each) == whole
    assert {("merge", 201), ("distribute", 201), ("undo", 200), ("undo", 409)} <= outcomes


IDS = [uuid7() for _ in range(6)]
KEYS = st.tuples(st.sampled_from(IDS[:3]), st.sampled_from(IDS[3:]))


@given(
    st.sets(KEYS),
    st.dictionaries(st.sampled_from(IDS[3:]), st.integers(0, 2)),
    st.dictionaries(KEYS, st.integers(0, 2)),
)
def test_dealing_gives_each_to_one_and_leaves_the_rest(
    there: set[Any], by_node: dict[Any, int], by_entry: dict[Any, int]
) -> None:
    given_ = dealt(there, by_node=by_node, by_entry=by_entry)
    for entry in there:
        wanted = by_entry[entry] if entry in by_entry else by_node.get(entry[1])
        assert given_.get(entry) == wanted
    assert given_.keys() <= there


def test_given_twice() -> None:
    key = (IDS[0], IDS[1])
    assert once([(key, 1), (key, 1)]) == {key: 1}
    with pytest.raises(TwiceGiven):
        once([(key, 1), (key, 2)])
