"""The lineage of a submission: where it came from and where it went on to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.scope import Scope
from wenming_api.kit.db import AnySession
from wenming_api.ledgers.recommendations.rules import depth_first
from wenming_api.ledgers.recommendations.schemas import Lineage, LineageNode
from wenming_api.ledgers.submissions.models import Submission
from wenming_api.ledgers.submissions.queries import SubmissionNotFound, rows, visible

_FIELDS = [name for name in LineageNode.model_fields if name != "visible"]


async def read_lineage(session: AnySession, *, scope: Scope, submission_id: UUID) -> Lineage:
    """The whole tree that a submission belongs to; :class:`SubmissionNotFound`. Two statements.

    Whoever sees one of it sees the outline of all: a unit learns how far its record went. Contents, reasons and people
    stay with those who see the single submission.
    """
    seen = await session.execute(
        select(Submission.origin_id, Submission.record_id).where(Submission.id == submission_id, visible(scope))
    )
    start = seen.one_or_none()
    if start is None:
        raise SubmissionNotFound
    statement = rows(visible(scope).label("visible"), fields=_FIELDS)
    found = await session.execute(
        statement.where(Submission.origin_id == start.origin_id).order_by(Submission.submitted_at, Submission.id)
    )
    by_parent: dict[UUID | None, list[Mapping[str, Any]]] = {}
    for row in found.mappings():
        by_parent.setdefault(row["parent_id"], []).append(row)
    items = [LineageNode.model_validate(dict(row)) for row in depth_first(by_parent)]
    return Lineage(origin_id=start.origin_id, record_id=start.record_id, items=items)
