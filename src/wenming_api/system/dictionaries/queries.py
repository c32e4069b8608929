"""Reads of dictionaries. They belong to the whole city and are not scoped."""

from collections.abc import Iterable

from sqlalchemy import or_, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.dictionaries.models import Dictionary, DictionaryItem
from wenming_api.system.dictionaries.schemas import DictionaryOut, DictionaryRow, DictionarySort, ItemOut

_SORTS = {"position": Dictionary.position, "name": Dictionary.name, "code": Dictionary.code}


class DictionaryNotFound(NotFound):
    """There is no dictionary with this code."""

    code = "dictionary_not_found"
    title = "未找到字典"


class DictionaryItemNotFound(NotFound):
    """The dictionary has no item with this code."""

    code = "dictionary_item_not_found"
    title = "未找到字典项"


async def list_dictionaries(
    session: AnySession,
    *,
    params: PageParams,
    sort: DictionarySort = DictionarySort.POSITION,
    q: str | None = None,
) -> Page[DictionaryRow]:
    """Dictionaries whose name or code contains the text. Two statements."""
    statement = select(*(getattr(Dictionary, name) for name in DictionaryRow.model_fields))
    if q is not None:
        statement = statement.where(or_(contains(Dictionary.name, q), contains(Dictionary.code, q)))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=Dictionary.id, into=DictionaryRow)


async def get_dictionary(
    session: AnySession, code: str, *, caller: Principal, active: bool | None = None
) -> DictionaryOut:
    """A dictionary with its items in order, only those in use or only the disabled ones when asked. Two statements."""
    found = await session.scalar(select(Dictionary).where(Dictionary.code == code))
    if found is None:
        raise DictionaryNotFound
    statement = select(DictionaryItem).where(DictionaryItem.dictionary_id == found.id)
    if active is not None:
        statement = statement.where(DictionaryItem.active.is_(active))
    items = await session.scalars(statement.order_by(DictionaryItem.position, DictionaryItem.id))
    manage = (caller.may(Permission.DICTIONARIES_MANAGE), "没有“维护字典”权限")
    return DictionaryOut(
        **{name: getattr(found, name) for name in DictionaryRow.model_fields},
        created_at=found.created_at,
        updated_at=found.updated_at,
        items=[ItemOut.model_validate(item) for item in items],
        allowed_actions=[
            action("update", "修改", manage),
            action("items", "新增字典项", manage),
            action("order", "调整顺序", manage),
        ],
    )


async def item_names(session: AnySession, dictionary: str, *, active: bool | None = None) -> dict[str, str]:
    """Names by code of a dictionary's items in order, disabled ones included unless asked otherwise. One statement."""
    statement = (
        select(DictionaryItem.code, DictionaryItem.name)
        .join(Dictionary, Dictionary.id == DictionaryItem.dictionary_id)
        .where(Dictionary.code == dictionary)
        .order_by(DictionaryItem.position, DictionaryItem.id)
    )
    if active is not None:
        statement = statement.where(DictionaryItem.active.is_(active))
    return dict((await session.execute(statement)).all())


async def unusable_codes(session: AnySession, wanted: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Of pairs (dictionary, item code), those that are unknown or disabled: what a new row may not carry.

    One statement for any number of pairs.
    """
    pairs = set(wanted)
    if not pairs:
        return set()
    statement = (
        select(Dictionary.code, DictionaryItem.code)
        .join(DictionaryItem, DictionaryItem.dictionary_id == Dictionary.id)
        .where(
            Dictionary.code.in_({dictionary for dictionary, _ in pairs}),
            DictionaryItem.code.in_({code for _, code in pairs}),
            DictionaryItem.active.is_(True),
        )
    )
    return pairs - set(await session.execute(statement))
