"""Changes of dictionaries. Nothing is deleted: other rows carry the codes."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    IllegalTransition,
    InvalidInput,
    check_edited,
    check_judged,
)
from wenming_api.system.audit import service as audit
from wenming_api.system.dictionaries.models import Dictionary, DictionaryItem
from wenming_api.system.dictionaries.queries import DictionaryItemNotFound, DictionaryNotFound, get_dictionary
from wenming_api.system.dictionaries.rules import MAX_ITEMS, base_dictionaries, order_problem
from wenming_api.system.dictionaries.schemas import (
    DictionaryCreate,
    DictionaryOut,
    DictionaryUpdate,
    ItemCreate,
    ItemOrder,
    ItemOut,
    ItemUpdate,
)


class DictionaryCodeTaken(Conflict):
    """The code is in use, also by a disabled item."""

    code = "dictionary_code_taken"
    title = "字典代码已被使用"


async def create_dictionary(session: WriteSession, request: DictionaryCreate, *, caller: Principal) -> DictionaryOut:
    """Add an empty dictionary, last in the list."""
    last = await session.scalar(select(func.coalesce(func.max(Dictionary.position), 0)))
    made = Dictionary(**request.model_dump(), position=(last or 0) + 1)
    taken = await session.scalar(select(Dictionary.id).where(Dictionary.code == request.code))
    if taken is not None:
        raise DictionaryCodeTaken(f"代码“{request.code}”已被其他字典使用，请换一个。")
    session.add(made)
    await session.flush()  # a unique violation belongs to this change
    await audit.record(
        session, caller=caller, action="dictionaries.create", target=("dictionary", made.id), after=request.model_dump()
    )
    return await get_dictionary(session, made.code, caller=caller)


async def update_dictionary(
    session: WriteSession, code: str, request: DictionaryUpdate, *, version: int, caller: Principal
) -> DictionaryOut:
    """Rename or annotate the version edited."""
    found = await _locked(session, code)
    check_edited(version, found.version)
    given = _given(request)
    before = {name: getattr(found, name) for name in given}
    if given != before:
        for name, value in given.items():
            setattr(found, name, value)
        await session.flush()  # the answer names the new version
        await audit.record(
            session,
            caller=caller,
            action="dictionaries.update",
            target=("dictionary", found.id),
            before=before,
            after=given,
        )
    return await get_dictionary(session, code, caller=caller)


async def add_item(session: WriteSession, code: str, request: ItemCreate, *, caller: Principal) -> ItemOut:
    """Add an item behind the others; the dictionary's version moves, because its order has changed."""
    found = await _locked(session, code)
    items = await _items(session, found)
    if any(item.code == request.code for item in items):
        raise DictionaryCodeTaken(f"代码“{request.code}”在该字典中已存在（停用的也算），请换一个。")
    if len(items) >= MAX_ITEMS:
        raise InvalidInput(f"一个字典最多 {MAX_ITEMS} 项。", errors=[FieldError("/code", "字典项已满")])
    position = max((item.position for item in items), default=0) + 1
    made = DictionaryItem(dictionary_id=found.id, **request.model_dump(), position=position, active=True)
    session.add(made)
    found.updated_at = clock.now()
    await session.flush()  # the answer names the new version
    await audit.record(
        session,
        caller=caller,
        action="dictionaries.add_item",
        target=("dictionary_item", made.id),
        after={"dictionary": code, **request.model_dump()},
        context=("dictionary", found.id),
    )
    return ItemOut.model_validate(made)


async def update_item(
    session: WriteSession, code: str, item_code: str, request: ItemUpdate, *, version: int, caller: Principal
) -> ItemOut:
    """Rename or annotate the version of the item edited."""
    item = await _item(session, code, item_code)
    check_edited(version, item.version)
    given = _given(request)
    before = {name: getattr(item, name) for name in given}
    for name, value in given.items():
        setattr(item, name, value)
    return await _saved(session, item, before, given, caller=caller, action="dictionaries.update_item")


async def set_item_active(
    session: WriteSession,
    code: str,
    item_code: str,
    *,
    active: bool,
    version: int,
    reason: str,
    caller: Principal,
) -> ItemOut:
    """Disable or enable the version of the item judged; rows that carry its code keep it."""
    item = await _item(session, code, item_code)
    check_judged(version, item.version)
    if item.active == active:
        raise IllegalTransition(
            "该字典项已启用。" if active else "该字典项已停用。", allowed=["disable" if active else "enable"]
        )
    item.active = active
    verb = "enable" if active else "disable"
    return await _saved(
        session,
        item,
        {"active": not active},
        {"active": active},
        caller=caller,
        action=f"dictionaries.{verb}_item",
        reason=reason,
    )


async def reorder_items(
    session: WriteSession, code: str, request: ItemOrder, *, version: int, caller: Principal
) -> DictionaryOut:
    """Put all items in a new order; refused when the list does not name each of them once."""
    found = await _locked(session, code)
    check_edited(version, found.version)
    items = await _items(session, found)
    if wrong := order_problem(request.item_ids, [item.id for item in items]):
        raise InvalidInput(errors=[FieldError("/item_ids", wrong)])
    places = {item_id: position for position, item_id in enumerate(request.item_ids, start=1)}
    before = [item.code for item in items]
    for item in items:
        item.position = places[item.id]
    found.updated_at = clock.now()
    await session.flush()  # the answer names the new version
    await audit.record(
        session,
        caller=caller,
        action="dictionaries.reorder",
        target=("dictionary", found.id),
        before={"order": before},
        after={"order": [item.code for item in sorted(items, key=lambda item: item.position)]},
    )
    return await get_dictionary(session, code, caller=caller)


async def load_base_dictionaries(session: WriteSession) -> int:
    """Add the dictionaries and items delivered with the product that are not there yet; answers how many items.

    What the customer renamed, ordered or disabled stays as it is.
    """
    moment = clock.now()
    stamps = {"version": 1, "created_at": moment, "updated_at": moment}
    base = base_dictionaries()
    await session.execute(
        insert(Dictionary)
        .values(
            [
                {"id": uuid7(), "code": each.code, "name": each.name, "position": position, **stamps}
                for position, each in enumerate(base, start=1)
            ]
        )
        .on_conflict_do_nothing()
    )
    ids = dict((await session.execute(select(Dictionary.code, Dictionary.id))).all())
    rows = [
        {
            "id": uuid7(),
            "dictionary_id": ids[each.code],
            "code": item.code,
            "name": item.name,
            "position": position,
            "active": True,
            **stamps,
        }
        for each in base
        for position, item in enumerate(each.items, start=1)
    ]
    added = await session.scalars(
        insert(DictionaryItem).values(rows).on_conflict_do_nothing().returning(DictionaryItem.id)
    )
    return len(added.all())


async def _locked(session: WriteSession, code: str) -> Dictionary:
    found = await session.scalar(select(Dictionary).where(Dictionary.code == code).with_for_update())
    if found is None:
        raise DictionaryNotFound
    return found


async def _items(session: WriteSession, found: Dictionary) -> list[DictionaryItem]:
    statement = select(DictionaryItem).where(DictionaryItem.dictionary_id == found.id)
    return list(await session.scalars(statement.order_by(DictionaryItem.position, DictionaryItem.id)))


async def _item(session: WriteSession, code: str, item_code: str) -> DictionaryItem:
    dictionary_id = await session.scalar(select(Dictionary.id).where(Dictionary.code == code))
    if dictionary_id is None:
        raise DictionaryNotFound
    item = await session.scalar(
        select(DictionaryItem)
        .where(DictionaryItem.dictionary_id == dictionary_id, DictionaryItem.code == item_code)
        .with_for_update()
    )
    if item is None:
        raise DictionaryItemNotFound
    return item


async def _saved(
    session: WriteSession,
    item: DictionaryItem,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    caller: Principal,
    action: str,
    reason: str | None = None,
) -> ItemOut:
    if before != after:
        await session.flush()  # the answer names the new version
        await audit.record(
            session,
            caller=caller,
            action=action,
            target=("dictionary_item", item.id),
            before=before,
            after=after,
            reason=reason,
            context=("dictionary", item.dictionary_id),
        )
    return ItemOut.model_validate(item)


def _given(request: DictionaryUpdate | ItemUpdate) -> dict[str, Any]:
    given = request.model_dump(exclude_unset=True)
    if "name" in given and given["name"] is None:
        raise InvalidInput(errors=[FieldError("/name", "不能为空")])
    return given
