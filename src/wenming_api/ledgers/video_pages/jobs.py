"""Reading the pages of video links."""

import asyncio

from wenming_api.kit.fetching import Fetcher, FetchRefused
from wenming_api.kit.jobs import MAX_ATTEMPTS, Job, job
from wenming_api.ledgers.video_pages import service
from wenming_api.ledgers.video_pages.rules import page_info


@job(service.READ)
async def read(work: Job) -> None:
    """Read one page; a site that does not answer is asked again. Without allowed hosts nothing is read or kept."""
    fetcher: Fetcher = work.resources.fetcher
    url: str = work.payload["url"]
    if not fetcher.enabled:
        return
    info, failure = None, None
    try:
        page = await fetcher.fetch(url)
        info = await asyncio.to_thread(page_info, page.url, page.content_type, page.body)
        failure = None if info.title else "网页没有标题"
    except FetchRefused as refused:
        if refused.again and work.attempt < MAX_ATTEMPTS:
            raise
        failure = refused.reason
    async with work.transaction() as session:
        await service.keep_page(session, url, info=info, failure=failure)
