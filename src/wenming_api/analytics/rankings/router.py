"""排名 over HTTP: public, kept ready to send."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from wenming_api.access.guards import public
from wenming_api.analytics.rankings import queries
from wenming_api.analytics.rankings.schemas import RankingOut, RankingRow, RankingSort
from wenming_api.city.results.service import RANKINGS
from wenming_api.kit.fields import Search
from wenming_api.kit.hot import hot
from wenming_api.kit.http import Paging, Reads, Router
from wenming_api.kit.pages import Page
from wenming_api.kit.problems import NotFound, problems

router = Router(prefix="/rankings", tags=["统计分析决策"])
KEPT = hot(RANKINGS, seconds=300, public=True)


@router.get("", summary="已公布的排名", dependencies=[KEPT])
@public
async def list_(
    session: Reads,
    paging: Paging,
    sort: RankingSort = RankingSort.NEWEST,
    q: Annotated[Search | None, Query(description="测评编号或名称")] = None,
) -> Page[RankingRow]:
    """成绩已发布的测评；无须登录。"""
    return await queries.list_rankings(session, params=paging, sort=sort, q=q)


@router.get("/{assessment_id}", summary="查看排名", dependencies=[KEPT], responses=problems(NotFound))
@public
async def read(assessment_id: UUID, session: Reads) -> RankingOut:
    """各分组的名次与得分，附成绩哈希；无须登录，可用 If-None-Match。"""
    return await queries.read_ranking(session, assessment_id=assessment_id)
