"""Asking for the pages of video links, and keeping what they say (L1.4)."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.jobs import enqueue
from wenming_api.ledgers.video_pages.models import VideoPage
from wenming_api.ledgers.video_pages.rules import PageInfo, url_hash

READ = "ledgers.video_pages.read"


async def ask_for_pages(session: WriteSession, urls: Iterable[str]) -> None:
    """Queue the reading of links that were not read yet, or in vain."""
    wanted = {url_hash(url): url for url in urls}
    if not wanted:
        return
    known = set(
        await session.scalars(
            select(VideoPage.url_hash).where(VideoPage.url_hash.in_(wanted), VideoPage.failure.is_(None))
        )
    )
    for key in sorted(wanted.keys() - known):
        await enqueue(session, READ, {"url": wanted[key]}, dedupe=f"{READ}:{key}")


async def keep_page(session: WriteSession, url: str, *, info: PageInfo | None, failure: str | None) -> None:
    """Keep what a page said, or why it could not be read; the last reading counts."""
    values = {
        "title": info.title if info else None,
        "cover_url": info.cover_url if info else None,
        "fetched_at": clock.now(),
        "failure": failure,
    }
    await session.execute(
        insert(VideoPage)
        .values(url_hash=url_hash(url), url=url, **values)
        .on_conflict_do_update(index_elements=["url_hash"], set_=values)
    )
