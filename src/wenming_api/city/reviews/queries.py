"""Where several assessors of one site disagree."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Numeric, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from wenming_api.access.scope import Scope
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.reviews.schemas import Disagreement
from wenming_api.city.scoring.models import ScoreLine, Sheet
from wenming_api.city.scoring.queries import visible
from wenming_api.city.sites.models import Site
from wenming_api.city.standards.models import Standard
from wenming_api.city.standards.rules import Outcome
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.system.users.models import User


class DisagreementSort(StrEnum):
    """分歧的排序"""

    LARGEST = "-spread"
    SMALLEST = "spread"


async def list_disagreements(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    sort: DisagreementSort = DisagreementSort.LARGEST,
) -> Page[Disagreement]:
    """Standards at sites where the current versions differ by more than the assessment's threshold × maximum."""
    threshold = (
        select(cast(Assessment.settings["spread_threshold"].astext, Numeric))
        .where(Assessment.id == assessment_id)
        .scalar_subquery()
    )
    spread = func.max(ScoreLine.achieved) - func.min(ScoreLine.achieved)
    opinion = func.jsonb_build_object(
        *("sheet_id", Sheet.id, "version_id", Sheet.current_version_id, "assessor_id", Sheet.owner_id),
        *("assessor_name", User.display_name, "achieved", ScoreLine.achieved),
    )
    grouped = (
        select(
            Sheet.site_id,
            ScoreLine.standard_id,
            func.min(Sheet.region_path).label("region_path"),
            func.max(ScoreLine.max_score).label("max_score"),
            func.round(func.avg(ScoreLine.achieved), 10).label("mean"),
            spread.label("spread"),
            func.jsonb_agg(aggregate_order_by(opinion, Sheet.id)).label("opinions"),
        )
        .join(ScoreLine, ScoreLine.sheet_version_id == Sheet.current_version_id)
        .join(User, User.id == Sheet.owner_id)
        .where(Sheet.assessment_id == assessment_id, ScoreLine.outcome != Outcome.NOT_APPLICABLE, visible(scope))
        .group_by(Sheet.site_id, ScoreLine.standard_id)
        .having(spread > threshold * func.max(ScoreLine.max_score))
        .subquery()
    )
    statement = (
        select(
            grouped,
            Site.name.label("site_name"),
            Standard.code.label("standard_code"),
            Standard.text.label("standard_text"),
        )
        .select_from(grouped)
        .outerjoin(Site, Site.id == grouped.c.site_id)
        .outerjoin(Standard, Standard.id == grouped.c.standard_id)
    )
    key = func.concat(grouped.c.site_id, grouped.c.standard_id)
    return await page(
        session, statement, params, sort=sort, columns={"spread": grouped.c.spread}, key=key, into=Disagreement
    )
