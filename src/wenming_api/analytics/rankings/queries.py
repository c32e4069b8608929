"""Published ranking lists. What was published is public: no scope applies."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from wenming_api.analytics.rankings.schemas import RankingOut, RankingRow, RankingSort
from wenming_api.city.assessments.models import Assessment, AssessmentStandard
from wenming_api.city.results.models import Result
from wenming_api.city.results.queries import lists_of
from wenming_api.city.results.rules import ResultState
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region


def _published(*more: Any) -> Select[Any]:
    return (
        select(
            Result.assessment_id,
            Assessment.number,
            Assessment.name,
            Region.name.label("region_name"),
            Assessment.starts_on,
            Assessment.ends_on,
            Result.published_at,
            Result.lists,
            *more,
        )
        .join(Assessment, Assessment.id == Result.assessment_id)
        .join(Region, Region.id == Assessment.region_id)
        .where(Result.state == ResultState.PUBLISHED)
    )


async def list_rankings(
    session: AnySession, *, params: PageParams, sort: RankingSort = RankingSort.NEWEST, q: str | None = None
) -> Page[RankingRow]:
    """The assessments whose results are published; `q` in number and name."""
    statement = _published()
    if q is not None:
        statement = statement.where(contains(Assessment.number, q) | contains(Assessment.name, q))
    columns = {"published_at": Result.published_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=Result.id, into=RankingRow)


async def read_ranking(session: AnySession, *, assessment_id: UUID) -> RankingOut:
    """The lists of one assessment; `NotFound` before they are published. Two statements."""
    standards = select(func.count()).where(AssessmentStandard.assessment_id == Result.assessment_id).scalar_subquery()
    found = await session.execute(
        _published(Result.id, Result.hash, Result.sites, Result.lines, standards.label("standards")).where(
            Result.assessment_id == assessment_id
        )
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound("没有这次测评，或成绩尚未公布。")
    lists = await lists_of(session, result_id=row["id"], heads=row["lists"])
    return RankingOut.model_validate({**row, "result_id": row["id"], "observations": row["lines"], "lists": lists})
