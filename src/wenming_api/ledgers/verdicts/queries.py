"""The verdict on a content: its features, judged by the rules in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from wenming_api.kit.clock import at_the_edge, now
from wenming_api.kit.db import AnySession
from wenming_api.ledgers.contents.queries import Categories
from wenming_api.ledgers.contents.schemas import Content
from wenming_api.ledgers.features.rules import Features, features_of
from wenming_api.ledgers.quality.queries import active_rules
from wenming_api.ledgers.quality.rules import Severity, judge, worst
from wenming_api.system.units.models import Unit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules found; `ruleset_hash` says which rules judged."""

    features: Features
    findings: list[dict[str, Any]]
    worst: str | None
    ruleset_hash: str

    @property
    def serious(self) -> list[dict[str, Any]]:
        """The findings for which a submission is refused."""
        return [each for each in self.findings if each["severity"] == Severity.SERIOUS.value]


async def judge_content(
    session: AnySession,
    content: Content,
    *,
    unit_id: UUID,
    categories: Categories,
    saved_at: datetime,
    repeats_photo: bool,
) -> Verdict:
    """The verdict of the rules in force today on a content saved at `saved_at`; two or three statements.

    `repeats_photo`: whether another record of the unit shows one of its photos.
    """
    unit = (
        await session.execute(
            select(Unit.name, Unit.short_name, Unit.unit_path, Unit.region_path).where(Unit.id == unit_id)
        )
    ).one()
    features = features_of(
        title=content.title,
        text=content.text,
        captions=[photo.caption.model_dump() for photo in content.photos],
        saved_on=at_the_edge(saved_at).date(),
        unit_names=[unit.name, unit.short_name],
        category_codes=categories.codes,
        category_ids=categories.ids,
        unit_path=unit.unit_path,
        region_path=unit.region_path,
        videos=len(content.videos),
        attachment_kinds=[each.kind.value for each in content.attachments],
        conclusion=content.conclusion,
        underlines=len(content.underlines),
        participants=content.participants,
        participant_count=content.participant_count,
        volunteer_hours=content.volunteer_hours,
        happened_on=at_the_edge(content.happened_at).date() if content.happened_at else None,
        period_start=content.period_start,
        period_end=content.period_end,
        document_number=content.document_number,
        place=content.place,
        longitude=content.longitude,
        latitude=content.latitude,
        work_area=content.work_area_code,
        duplicate_photo=repeats_photo,
    )
    rules = await active_rules(session, on=at_the_edge(now()).date())
    findings = judge(rules, features, server=True)
    bad = worst(findings)
    return Verdict(features, [each.document() for each in findings], bad.value if bad else None, rules.hash)
