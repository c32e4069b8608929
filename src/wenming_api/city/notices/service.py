"""Telling people what happened, in the transaction in which it happened.

A statement or two, whatever the number of people. Within an hour the news of one kind about one
assessment are one message with a line each. Who is to be told is said by the caller.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.city.notices import rules
from wenming_api.city.notices.rules import About
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import add_news
from wenming_api.system.accounts.queries import holders


async def tell_assigned(
    session: WriteSession, *, assessment_id: UUID, about: About, sheets: Mapping[UUID, int]
) -> None:
    """Tell assessors how many sheets were assigned to each."""
    await add_news(
        session,
        {user_id: rules.assigned(about, number) for user_id, number in sheets.items()},
        topic=Topic.SHEET,
        title="您有新的测评表",
        target=("assessment", assessment_id),
        dedupe_key=rules.key("sheets-assigned", assessment_id, clock.now()),
    )


async def tell_returned(
    session: WriteSession,
    *,
    assessment_id: UUID,
    sheet_id: UUID,
    author_id: UUID,
    site_name: str,
    reason: str | None,
) -> None:
    """Tell an author that his sheet came back."""
    await add_news(
        session,
        {author_id: rules.returned(site_name, reason)},
        topic=Topic.SHEET,
        title="您的测评表被退回",
        target=("sheet", sheet_id),
        dedupe_key=rules.key("sheets-returned", assessment_id, clock.now()),
    )


async def tell_proposed(
    session: WriteSession, *, caller: Principal, region_path: str, about: About, draw_id: UUID, what: str
) -> None:
    """Tell all others who may confirm that a draw waits for one of them. Two statements."""
    confirmers = await holders(session, permission=Permission.DRAWS_CONFIRM, region_path=region_path)
    await add_news(
        session,
        dict.fromkeys(
            set(confirmers) - {caller.user_id}, rules.proposed(about, proposer=caller.display_name, what=what)
        ),
        topic=Topic.DRAW,
        title="抽选待您确认",
        target=("draw", draw_id),
        dedupe_key=rules.key("draws-proposed", draw_id, clock.now()),
    )


async def tell_moved(
    session: WriteSession, recipients: Iterable[UUID], *, assessment_id: UUID, about: About, state: str, reason: str
) -> None:
    """Tell assessors that the field work begins, rests or goes on."""
    await add_news(
        session,
        dict.fromkeys(recipients, rules.moved(about, state, reason)),
        topic=Topic.ASSESSMENT,
        title="测评状态有变化",
        target=("assessment", assessment_id),
        dedupe_key=rules.key("assessments-moved", assessment_id, clock.now()),
    )


async def tell_decided(
    session: WriteSession,
    *,
    assessment_id: UUID,
    late_id: UUID,
    author_id: UUID,
    captured_at: datetime,
    admitted: bool,
    reason: str,
) -> None:
    """Tell an author what became of his late submission."""
    body = rules.decided(clock.at_the_edge(captured_at), admitted=admitted, reason=reason)
    await add_news(
        session,
        {author_id: body},
        topic=Topic.SHEET,
        title="您的迟到数据已处理",
        target=("late_submission", late_id),
        dedupe_key=rules.key("late-decided", assessment_id, clock.now()),
    )


async def tell_published(session: WriteSession, recipients: Iterable[UUID], *, result_id: UUID, about: About) -> None:
    """Tell all whom a published result concerns; once, however often this is tried."""
    await add_news(
        session,
        dict.fromkeys(recipients, rules.published(about)),
        topic=Topic.RESULT,
        title="测评成绩已发布",
        target=("result", result_id),
        dedupe_key=f"results-published:{result_id}",
        once=True,
    )
