"""Books come by themselves, show what was accepted, and are frozen for good when they are archived."""

import asyncio
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError
from tests.factories.books import YEAR, Tree, make_accepted, make_tree
from tests.factories.callers import Callers
from tests.factories.submissions import (
    Offices,
    add_approved_version,
    make_approved_record,
    make_offices,
    make_submission,
)

from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.db import Database
from wenming_api.ledgers.books.models import Book, BookEntry
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.ledgers.submissions.rules import SubmissionState
from wenming_api.system.roles.rules import DataScope

REASON = "年度工作结束"


@pytest.fixture
async def offices(database: Database) -> Offices:
    async with database.transaction() as session:
        return await make_offices(session)


@pytest.fixture
async def tree(database: Database, offices: Offices) -> Tree:
    async with database.transaction() as session:
        return await make_tree(session, post=offices.city)


async def accept(database: Database, offices: Offices, tree: Tree, *leaves: int, **values: Any) -> Submission:
    async with database.transaction() as session:
        return await make_accepted(
            session, tree=tree, sender=offices.unit, receiver=offices.community, leaves=leaves or (0,), **values
        )


async def books(client: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    answer = await client.get("/ledgers/books", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


async def entries(client: httpx.AsyncClient, book_id: str, **filters: Any) -> set[tuple[str, str]]:
    answer = await client.get(f"/ledgers/books/{book_id}/entries", params={"size": 100, **filters})
    assert answer.status_code == 200, answer.text
    return {(each["submission_id"], each["node_id"]) for each in answer.json()["items"]}


async def archive(client: httpx.AsyncClient, book: dict[str, Any]) -> httpx.Response:
    return await client.post(
        f"/ledgers/books/{book['id']}/archive", json={"version": book["version"], "reason": REASON}
    )


async def test_books_come_by_themselves(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    assert await books(admin) == []
    first = await accept(database, offices, tree, 0, 2)
    await accept(database, offices, tree, 0, happened_at="2025-12-31T23:00:00+08:00")
    found = await books(admin, year=YEAR)
    assert {(each["kind"], each["unit_id"], each["entries"]) for each in found} == {
        ("own", str(offices.unit.unit.id), 2),
        ("collected", str(offices.community.unit.id), 2),
    }
    own = next(each for each in found if each["kind"] == "own")
    assert await entries(admin, own["id"]) == {(str(first.id), str(tree.leaves[no].id)) for no in (0, 2)}
    assert {each["entries"] for each in await books(admin, year=YEAR - 1)} == {1}


async def test_what_is_not_accepted_or_a_manuscript_is_in_no_book(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    async with database.transaction() as session:
        record = await make_approved_record(session, post=offices.unit, node_ids=[tree.leaves[0].id])
        common = {"record": record, "sender": offices.unit, "node_ids": [tree.leaves[0].id]}
        await make_submission(session, receiver=offices.community, state=SubmissionState.RETURNED, **common)
        await make_submission(session, receiver=offices.street, state=SubmissionState.RECEIVED, **common)
    assert await books(admin) == []


async def test_a_record_accepted_in_two_places_is_once_in_its_own_book(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    nodes = [tree.leaves[0].id]
    async with database.transaction() as session:
        record = await make_approved_record(session, post=offices.unit, node_ids=nodes)
        for receiver in (offices.community, offices.county):
            await make_submission(
                session, record=record, sender=offices.unit, receiver=receiver, accepted=True, node_ids=nodes
            )
    found = await books(admin)
    assert sorted((each["kind"], each["entries"]) for each in found) == [("collected", 1), ("collected", 1), ("own", 1)]


async def test_a_mended_record_is_in_its_own_book_as_mended_unless_archived_before(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    nodes = [tree.leaves[0].id]
    async with database.transaction() as session:
        record = await make_approved_record(session, post=offices.unit, node_ids=nodes)
        common = {"record": record, "sender": offices.unit, "accepted": True, "node_ids": nodes}
        await make_submission(session, receiver=offices.community, **common)
        assert await add_approved_version(session, record, node_ids=nodes) == 2
        await make_submission(session, receiver=offices.county, **common)
    (own,) = await books(admin, kind="own")
    (entry,) = (await admin.get(f"/ledgers/books/{own['id']}/entries")).json()["items"]
    assert entry["version_no"] == 2
    assert (await archive(admin, own)).status_code == 200
    async with database.transaction() as session:
        await session.merge(record)
        assert await add_approved_version(session, record, node_ids=nodes) == 3
        await make_submission(session, receiver=offices.street, **common)
    assert {each["version_no"] for each in await _own_entries(admin)} == {2}


async def _own_entries(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    found = [await admin.get(f"/ledgers/books/{each['id']}/entries") for each in await books(admin, kind="own")]
    return [entry for answer in found for entry in answer.json()["items"]]


async def test_contents_in_the_order_of_the_catalogue_with_what_is_wanting(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    await accept(database, offices, tree, 2)
    await accept(database, offices, tree, 2, 3)
    (book,) = await books(admin, kind="own")
    contents = (await admin.get(f"/ledgers/books/{book['id']}/contents")).json()
    assert [(each["code"], each["have"], each["missing"]) for each in contents["items"]] == [
        ("A", 0, 2),
        ("A1", 0, 1),
        ("A2", 0, 1),
        ("B", 3, 0),
        ("B1", 2, 0),
        ("B2", 1, 0),
    ]
    assert (contents["entries"], contents["missing"], contents["incomplete"]) == (3, 2, 2)
    lacking = (await admin.get(f"/ledgers/books/{book['id']}/contents", params={"missing_only": True})).json()
    assert [each["code"] for each in lacking["items"]] == ["A", "A1", "A2"]
    detail = (await admin.get(f"/ledgers/books/{book['id']}")).json()
    assert (detail["entries"], detail["records"], detail["missing"]) == (3, 2, 2)
    big = str(tree.inner[1].id)
    assert len(await entries(admin, book["id"], node_id=big)) == 3
    assert len(await entries(admin, book["id"], node_id=str(tree.leaves[3].id))) == 1
    assert await entries(admin, book["id"], node_id=str(tree.leaves[0].id)) == set()


async def test_few_statements(
    admin: httpx.AsyncClient,
    database: Database,
    offices: Offices,
    tree: Tree,
    statements: Callable[[], Any],
) -> None:
    for _ in range(3):
        await accept(database, offices, tree, 0, 1)
    (book,) = await books(admin, kind="own")
    for path, limit in (("", 3), ("/entries", 3), ("/contents", 2)):
        with statements() as sent:
            await admin.get(f"/ledgers/books/{book['id']}{path}")
        assert sent.count <= limit, path
    with statements() as sent:
        await books(admin)
    assert sent.count <= 2


async def test_archived_for_good_and_what_comes_later_goes_into_the_next_part(
    admin: httpx.AsyncClient, database: Database, owner: Database, offices: Offices, tree: Tree
) -> None:
    first = await accept(database, offices, tree, 1)
    (book,) = await books(admin, kind="own")
    answer = await archive(admin, book)
    assert answer.status_code == 200, answer.text
    detail = answer.json()
    assert (detail["state"], detail["entries"], detail["archive_reason"]) == ("archived", 1, REASON)
    assert len(detail["hash"]) == 64
    assert {each["allowed"] for each in detail["allowed_actions"]} == {False}

    later = await accept(database, offices, tree, 1)
    parts = {each["part"]: each for each in await books(admin, kind="own")}
    assert {no: each["state"] for no, each in parts.items()} == {1: "archived", 2: "live"}
    assert await entries(admin, parts[1]["id"]) == {(str(first.id), str(tree.leaves[1].id))}
    assert await entries(admin, parts[2]["id"]) == {(str(later.id), str(tree.leaves[1].id))}

    again = await archive(admin, detail)
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    named = await admin.patch(
        f"/ledgers/books/{book['id']}", json={"title": "别名"}, headers={"If-Match": str(detail["version"])}
    )
    assert (named.status_code, named.json()["code"]) == (409, "book_read_only")
    for statement in (
        update(Book).where(Book.id == UUID(book["id"])).values(title="别名"),
        update(BookEntry).values(version_no=2),
    ):
        with pytest.raises(DBAPIError, match="never changed"):
            async with owner.transaction() as session:
                await session.execute(statement)


async def test_archiving_and_accepting_at_once_loses_nothing(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    await accept(database, offices, tree, 0)
    async with database.transaction() as session:
        waiting = [
            await make_submission(
                session,
                record=await make_approved_record(session, post=offices.unit, node_ids=[tree.leaves[0].id]),
                sender=offices.unit,
                receiver=offices.community,
                state=SubmissionState.RECEIVED,
                node_ids=[tree.leaves[0].id],
            )
            for _ in range(6)
        ]
    (book,) = await books(admin, kind="own", year=YEAR)

    async def accepted(submission: Submission) -> None:
        async with database.transaction() as session:
            found = await session.get_one(Submission, submission.id)
            found.state, found.decided_at, found.year = SubmissionState.ACCEPTED, clock.now(), YEAR

    answers = await asyncio.gather(
        *(accepted(each) for each in waiting[:3]), archive(admin, book), *(accepted(each) for each in waiting[3:])
    )
    assert answers[3].status_code == 200, answers[3].text
    found: list[tuple[str, str]] = []
    for each in await books(admin, kind="own"):
        found += await entries(admin, each["id"])
    assert len(found) == len(set(found)) == 7


async def test_named_by_hand(admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree) -> None:
    await accept(database, offices, tree)
    (book,) = await books(admin, kind="own")
    path = f"/ledgers/books/{book['id']}"
    stale = await admin.patch(path, json={"title": "文明校园台账"}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    answer = await admin.patch(path, json={"title": "文明校园台账"}, headers={"If-Match": f'"{book["version"]}"'})
    assert (answer.status_code, answer.json()["title"]) == (200, "文明校园台账")
    assert [each["title"] for each in await books(admin, q="文明校园")] == ["文明校园台账"]


async def test_the_index_as_a_workbook(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    await accept(database, offices, tree, 0, title="=cmd|'/c calc'!A1")
    (book,) = await books(admin, kind="own")
    answer = await admin.get(f"/ledgers/books/{book['id']}/workbook")
    assert answer.status_code == 200
    sheets = load_workbook(io.BytesIO(answer.content))
    assert sheets.sheetnames == ["说明", "目录", "条目"]
    rows = list(sheets["条目"].iter_rows(values_only=True))
    assert len(rows) == 2
    assert rows[1][0] == "A1"
    assert sheets["条目"]["C2"].data_type == "s"
    assert not str(rows[1][2]).startswith("=")
    assert len(list(sheets["目录"].iter_rows())) == 7


async def test_scope_and_permission_from_both_sides(
    callers: Callers, database: Database, offices: Offices, tree: Tree
) -> None:
    await accept(database, offices, tree)
    read = [Permission.BOOKS_READ]
    community = await callers.client(read, scope=DataScope.UNIT, unit=offices.community.unit)
    unit = await callers.client(read, scope=DataScope.UNIT, unit=offices.unit.unit)
    county = await callers.client(read, scope=DataScope.REGION, unit=offices.county.unit)
    assert [each["kind"] for each in await books(community)] == ["collected"]
    (own,) = await books(unit)
    assert own["kind"] == "own"
    assert len(await books(county)) == 2
    for path in ("", "/contents", "/entries", "/workbook"):
        assert (await community.get(f"/ledgers/books/{own['id']}{path}")).status_code == 404
        assert (await unit.get(f"/ledgers/books/{own['id']}{path}")).status_code == 200
    assert (await archive(unit, own)).status_code == 403
    without = await callers.client([Permission.FILES_READ], unit=offices.unit.unit)
    assert (await without.get("/ledgers/books")).status_code == 403
    elsewhere = await callers.client([Permission.BOOKS_ARCHIVE], scope=DataScope.UNIT, unit=offices.community.unit)
    assert (await archive(elsewhere, own)).status_code == 404
    inside = await callers.client(
        [Permission.BOOKS_ARCHIVE, Permission.BOOKS_READ], scope=DataScope.UNIT, unit=offices.unit.unit
    )
    assert (await archive(inside, own)).status_code == 200


async def test_who_judged_another_version_is_told(
    admin: httpx.AsyncClient, database: Database, offices: Offices, tree: Tree
) -> None:
    await accept(database, offices, tree)
    (book,) = await books(admin, kind="own")
    answer = await archive(admin, book | {"version": 7})
    assert (answer.status_code, answer.json()["code"]) == (409, "version_moved")
    answers = await asyncio.gather(archive(admin, book), archive(admin, book))
    assert sorted(each.status_code for each in answers) == [200, 409]
