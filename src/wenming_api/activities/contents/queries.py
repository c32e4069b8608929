"""Reads of contents."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.access.principal import Principal
from wenming_api.activities.contents.models import ActivityContent
from wenming_api.activities.contents.schemas import ActivityContentOut
from wenming_api.activities.events.models import Activity, ActivityNode
from wenming_api.activities.events.queries import visible
from wenming_api.activities.templates.models import ActivityTemplateVersion
from wenming_api.activities.templates.queries import evidence_of, fields_of
from wenming_api.activities.templates.rules import Phase, Shown, evidence_gaps, field_problems
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.contents.schemas import Content


def gaps_of(version: ActivityTemplateVersion | None, content: Content, fields: dict[str, Any]) -> list[str]:
    """What a content lacks by its template, in Chinese."""
    captioned = sum(any(part for part in photo.caption.model_dump().values()) for photo in content.photos)
    shown = Shown(
        photos=len(content.photos),
        captioned=captioned,
        videos=len(content.videos),
        attachments=len(content.attachments),
        text=len(content.text),
        participants=bool(content.participants or content.participant_count),
    )
    wrong = field_problems(fields_of(version), fields, phase=Phase.CONTENT)
    return [*evidence_gaps(evidence_of(version), shown), *(each.message for each in wrong)]


async def read_content(session: AnySession, *, caller: Principal, activity_id: UUID) -> ActivityContentOut:
    """The newest content of an activity, or one filled from its plan, in at most three statements; `NotFound`."""
    found = await session.execute(
        select(Activity, ActivityTemplateVersion, ActivityContent)
        .outerjoin(ActivityTemplateVersion, ActivityTemplateVersion.id == Activity.template_version_id)
        .outerjoin(
            ActivityContent,
            (ActivityContent.activity_id == Activity.id) & (ActivityContent.no == Activity.content_no),
        )
        .where(Activity.id == activity_id, visible(caller))
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    one: Activity = row[0]
    version: ActivityTemplateVersion | None = row[1]
    kept: ActivityContent | None = row[2]
    if kept is not None:
        content, fields = Content.model_validate(kept.content), kept.fields
    else:
        nodes = await session.scalars(
            select(ActivityNode.node_id).where(ActivityNode.activity_id == one.id).order_by(ActivityNode.position)
        )
        content, fields = from_plan(one, list(nodes)), {}
    return ActivityContentOut(
        activity_id=one.id,
        content_no=one.content_no,
        content=content,
        fields=fields,
        gaps=gaps_of(version, content, fields),
        record_id=one.record_id,
        made_at=kept.made_at if kept else None,
        version=one.version,
    )


def from_plan(one: Activity, node_ids: list[UUID]) -> Content:
    """A content that says what the plan said, so that nothing is typed twice."""
    return Content(
        title=one.title,
        text="",
        node_ids=node_ids,
        happened_at=one.starts_at,
        ended_at=one.ends_at,
        place=one.place,
        longitude=one.longitude,
        latitude=one.latitude,
        participant_count=one.expected,
    )
