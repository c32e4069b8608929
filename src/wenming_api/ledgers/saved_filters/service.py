"""Changes of saved filters. What everybody keeps for himself is not audited."""

from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Conflict, check_edited
from wenming_api.ledgers.saved_filters.models import SavedFilter
from wenming_api.ledgers.saved_filters.queries import find_filter
from wenming_api.ledgers.saved_filters.schemas import FilterIn, FilterOut

MAX_FILTERS = 100


class FilterNameTaken(Conflict):
    """The caller has a filter of this name."""

    code = "filter_name_taken"
    title = "已有同名的常用筛选"


class TooManyFilters(Conflict):
    """The caller keeps as many filters as one may."""

    code = "too_many_filters"
    title = "常用筛选过多"


async def create_filter(session: WriteSession, *, caller: Principal, new: FilterIn) -> FilterOut:
    """Keep a filter. Raises `FilterNameTaken`, `TooManyFilters`."""
    await _check_name(session, caller, new.name)
    kept = await session.scalar(
        select(func.count()).select_from(SavedFilter).where(SavedFilter.owner_id == caller.user_id)
    )
    if (kept or 0) >= MAX_FILTERS:
        raise TooManyFilters(f"最多保存 {MAX_FILTERS} 个常用筛选，请先删除不用的。")
    made = SavedFilter(owner_id=caller.user_id, name=new.name, query=new.query)
    session.add(made)
    await session.flush()  # the answer names its id
    return FilterOut.model_validate(made)


async def update_filter(
    session: WriteSession, *, caller: Principal, filter_id: UUID, version: int, changes: FilterIn
) -> FilterOut:
    """Replace a filter. Raises `NotFound`, `StaleVersion`, `FilterNameTaken`."""
    found = await find_filter(session, caller=caller, filter_id=filter_id)
    check_edited(version, found.version)
    if changes.name != found.name:
        await _check_name(session, caller, changes.name)
    found.name, found.query = changes.name, dict(changes.query)
    await session.flush()  # the answer carries the new version
    return FilterOut.model_validate(found)


async def delete_filter(session: WriteSession, *, caller: Principal, filter_id: UUID, version: int) -> None:
    """Forget a filter. Raises `NotFound`, `StaleVersion`."""
    found = await find_filter(session, caller=caller, filter_id=filter_id)
    check_edited(version, found.version)
    await session.delete(found)


async def _check_name(session: WriteSession, caller: Principal, name: str) -> None:
    taken = select(SavedFilter.id).where(SavedFilter.owner_id == caller.user_id, SavedFilter.name == name)
    if await session.scalar(taken) is not None:
        raise FilterNameTaken(f"您已有名为“{name}”的常用筛选，请换一个名称。")
