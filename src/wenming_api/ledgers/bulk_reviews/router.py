"""批量审核 over HTTP."""

from typing import Annotated

from fastapi import Depends

from wenming_api.access.guards import may
from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.http import Router, Writes
from wenming_api.kit.problems import Forbidden, Unauthenticated
from wenming_api.ledgers.bulk_reviews import service
from wenming_api.ledgers.bulk_reviews.schemas import BulkOutcome, BulkReview

router = Router(prefix="/ledgers/submissions/bulk-reviews", tags=["电子台账"], raises=(Unauthenticated, Forbidden))

MayReview = Annotated[Principal, Depends(may(Permission.SUBMISSIONS_REVIEW))]


@router.post("", summary="批量签收、审核、退回、归档")
async def review(caller: MayReview, session: Writes, body: BulkReview) -> BulkOutcome:
    """最多 200 份；逐份给出结果，有问题的不影响其他。"""
    return await service.review_many(session, caller=caller, request=body)
