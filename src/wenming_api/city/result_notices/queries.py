"""Whom a published result concerns."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.notices.rules import About
from wenming_api.city.results.models import Result, ResultSite
from wenming_api.kit.db import AnySession
from wenming_api.system.accounts.queries import holders


@dataclass(frozen=True, slots=True)
class Audience:
    """A published result and the users to tell."""

    result_id: UUID
    about: About
    users: frozenset[UUID]


async def find_audience(session: AnySession, *, assessment_id: UUID) -> Audience | None:
    """Who may read results: offices in and above the assessed region, and the units responsible for assessed sites.

    Whoever published it knows already. None when nothing is published.
    """
    found = await session.execute(
        select(Assessment.number, Assessment.name, Assessment.region_path, Result.id, Result.published_by)
        .join(Result, Result.id == Assessment.result_id)
        .where(Assessment.id == assessment_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    unit_paths = await session.scalars(
        select(ResultSite.unit_path).where(ResultSite.result_id == row.id, ResultSite.unit_path.is_not(None)).distinct()
    )
    users = await holders(
        session,
        permission=Permission.RESULTS_READ,
        region_path=row.region_path,
        below=True,
        unit_paths=[path for path in unit_paths if path],
    )
    return Audience(row.id, About(row.number, row.name), frozenset(users) - {row.published_by})
