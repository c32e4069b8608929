"""Recommending: the receiver of an accepted submission becomes the sender of the next (L2.5)."""

from uuid import UUID

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import check_judged
from wenming_api.ledgers.dispatches.service import dispatch, matter_of
from wenming_api.ledgers.recommendations.schemas import Recommend
from wenming_api.ledgers.submissions.rules import SubmissionAction
from wenming_api.ledgers.submissions.service import check_allowed, lock_submission
from wenming_api.system.regions.service import hold_tree


async def recommend(session: WriteSession, *, caller: Principal, submission_id: UUID, request: Recommend) -> list[UUID]:
    """Send what was accepted further up, in the version that was accepted. The accepted submission stays as it is.

    Raises `SubmissionNotFound`, `VersionMoved`, `NotYours`, `IllegalTransition`, `AlreadySent`, `InvalidInput`.
    """
    await hold_tree(session)  # before any row: whoever moves a unit holds the tree and waits for rows
    parent, row = await lock_submission(session, caller=caller, submission_id=submission_id)
    check_judged(request.version, parent.version)
    check_allowed(SubmissionAction.RECOMMEND, row, caller=caller, standing=None)
    matter = await matter_of(session, record_id=parent.record_id, version_no=parent.version_no)
    return await dispatch(
        session,
        caller=caller,
        matter=matter,
        destinations=request.destinations,
        parent=parent,
        opinion=request.opinion,
    )
