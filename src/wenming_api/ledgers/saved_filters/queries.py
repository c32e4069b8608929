"""Reads of saved filters: everybody has his own."""

from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.saved_filters.models import SavedFilter
from wenming_api.ledgers.saved_filters.schemas import FilterOut, FilterSort

_COLUMNS = [getattr(SavedFilter, name) for name in FilterOut.model_fields]
_SORTS = {"name": SavedFilter.name, "created_at": SavedFilter.created_at}


async def list_filters(
    session: AnySession, *, caller: Principal, params: PageParams, sort: FilterSort = FilterSort.NAME
) -> Page[FilterOut]:
    """The caller's filters. Two statements."""
    statement = select(*_COLUMNS).where(Scope.own(caller.user_id).where(SavedFilter))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=SavedFilter.id, into=FilterOut)


async def find_filter(session: AnySession, *, caller: Principal, filter_id: UUID) -> SavedFilter:
    """A filter of the caller; `NotFound`."""
    found = await session.scalar(
        select(SavedFilter).where(SavedFilter.id == filter_id, Scope.own(caller.user_id).where(SavedFilter))
    )
    if found is None:
        raise NotFound
    return found
