"""Reviewing in bulk: each submission for itself, one that fails does not hold up the rest."""

from uuid import UUID

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import Problem
from wenming_api.ledgers.bulk_reviews.schemas import BulkOutcome, BulkResult, BulkReview
from wenming_api.ledgers.submissions.rules import SubmissionAction
from wenming_api.ledgers.submissions.service import act


async def review_many(session: WriteSession, *, caller: Principal, request: BulkReview) -> BulkOutcome:
    """Take one action on each submission, behind a savepoint of its own. Never raises for a single one."""
    action = SubmissionAction(request.action)
    results: dict[UUID, BulkResult] = {}
    # One order for everybody, so that two requests that name the same submissions cannot wait for each other.
    for item in sorted(request.items, key=lambda each: each.id):
        try:
            async with session.begin_nested():
                done = await act(
                    session,
                    caller=caller,
                    submission_id=item.id,
                    version=item.version,
                    action=action,
                    reason=request.reason,
                )
            results[item.id] = BulkResult(
                id=item.id, done=True, state=done.state, version=done.version, code=None, detail=None
            )
        except Problem as problem:
            results[item.id] = BulkResult(
                id=item.id, done=False, state=None, version=None, code=problem.code, detail=problem.detail
            )
    done_count = sum(result.done for result in results.values())
    return BulkOutcome(
        done=done_count, failed=len(results) - done_count, items=[results[item.id] for item in request.items]
    )
