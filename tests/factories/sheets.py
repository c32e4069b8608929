"""Field work under way: a running assessment with an effective draw, standards of every kind of rule, and sheets."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.factories.assessments import make_assessment, make_ground
from tests.factories.places import make_unit
from wenming_api.city.assessments.models import (
    Assessment,
    AssessmentAssessor,
    AssessmentMethod,
    AssessmentStandard,
)
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.sampling.models import Draw, DrawSite
from wenming_api.city.sampling.rules import DrawSiteStatus, DrawState
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.scoring.models import Sheet
from wenming_api.city.scoring.rules import Evidence, SheetState
from wenming_api.city.sites.models import Site
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard, StandardSiteType
from wenming_api.city.standards.rules import ListKind, SystemState
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.system.files.models import File
from wenming_api.system.files.rules import FileKind, FileState
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

TYPE = "37"
RULES: dict[str, tuple[int, dict[str, Any]]] = {
    "pass_fail": (4, {"kind": "pass_fail"}),
    "deduction": (
        6,
        {
            "kind": "deduction",
            "reasons": [
                {"code": "litter", "label": "垃圾", "points": "0.5", "cap": "2"},
                {"code": "other", "label": "其他"},
            ],
            "floor": "0",
            "photo_required": True,
        },
    ),
    "count": (10, {"kind": "count", "required": "5", "mode": "proportion", "unit": "处"}),
}


@dataclass(frozen=True)
class FieldWork:
    """An assessment in progress: one effective draw of sites, two assessors, one standard of each rule in `RULES`."""

    assessment: Assessment
    draw: Draw
    sites: tuple[Site, ...]
    assessors: tuple[User, ...]
    standards: dict[str, UUID]
    responsible: Unit

    @property
    def path(self) -> str:
        """Where the assessment's own routes begin."""
        return f"/assessments/{self.assessment.id}"

    def lines(self, **entries: Any) -> list[dict[str, Any]]:
        """A form filled in without a fault, unless an entry is given for a rule."""
        usual: dict[str, Any] = {
            "pass_fail": {"passed": True},
            "deduction": {"deductions": []},
            "count": {"count": "5"},
        }
        return [
            {"standard_id": str(id_), "entry": entries.get(kind, usual[kind])} for kind, id_ in self.standards.items()
        ]

    def submission(self, **fields: Any) -> dict[str, Any]:
        """A whole submission, as a request."""
        return {
            "id": str(uuid7()),
            "captured_at": "2024-11-12T09:30:00+08:00",
            "longitude": "118.0475",
            "latitude": "36.8131",
            "lines": self.lines(),
        } | fields


async def make_field_work(
    session: WriteSession, *, sites: int = 2, state: AssessmentState = AssessmentState.IN_PROGRESS
) -> FieldWork:
    """`sites` drawn sites in each of two counties. Flushed, not committed."""
    ground = await make_ground(session, types=(TYPE,), sites=sites)
    responsible = await make_unit(session, region=ground.counties[0])
    for site in ground.sites:
        if site.region_id == ground.counties[0].id:
            site.responsible_unit_id, site.unit_path = responsible.id, responsible.unit_path
    system, standards = await _make_standards(session)
    assessment = await make_assessment(session, ground, state=state, system_id=system.id)
    at = clock.now()
    draw = Draw(
        assessment_id=assessment.id,
        no=1,
        state=DrawState.EFFECTIVE,
        secret="0" * 64,
        commitment="0" * 64,
        quotas=[],
        regions=[],
        committed_by=ground.assessors[0].id,
        committed_at=at,
        frame_hash="0" * 64,
        frame_size=len(ground.sites),
        seed="0" * 64,
        drawn_count=len(ground.sites),
        effective_proposed_by=ground.assessors[1].id,
        effective_by=ground.assessors[0].id,
        effective_at=at,
        effective_reason="经两人确认",
    )
    session.add(draw)
    await session.flush()
    ranks: dict[str, int] = {}
    for site in ground.sites:
        stratum = f"{site.region_path}|{site.site_type_code}"
        ranks[stratum] = ranks.get(stratum, 0) + 1
        session.add(
            DrawSite(
                draw_id=draw.id,
                site_id=site.id,
                stratum=stratum,
                rank=ranks[stratum],
                status=DrawSiteStatus.DRAWN,
                site_type_code=site.site_type_code,
                code=site.code,
                name=site.name,
                region_id=site.region_id,
                region_path=site.region_path,
                responsible_unit_id=site.responsible_unit_id,
                unit_path=site.unit_path,
            )
        )
    session.add_all(
        [
            AssessmentMethod(assessment_id=assessment.id, code=code, name=name, source=source, position=position)
            for position, (code, name, source) in enumerate(
                [("field", "实地考察", MethodSource.FIELD), ("survey", "问卷调查", MethodSource.ENTERED)]
            )
        ]
        + [AssessmentStandard(assessment_id=assessment.id, standard_id=id_) for id_ in standards.values()]
        + [
            AssessmentAssessor(assessment_id=assessment.id, user_id=user.id, region_ids=[], site_type_codes=[])
            for user in ground.assessors
        ]
    )
    assessment.effective_draw_id = draw.id
    await session.flush()
    return FieldWork(assessment, draw, ground.sites, ground.assessors, standards, responsible)


async def _make_standards(session: WriteSession) -> tuple[IndicatorSystem, dict[str, UUID]]:
    system = IndicatorSystem(
        code=f"field-{uuid7()}",
        name="实地考察体系",
        edition="2026",
        state=SystemState.DRAFT,
        level_names=["测评项目"],
        methods=[{"code": "field", "name": "实地考察"}, {"code": "survey", "name": "问卷调查"}],
        description="",
        source="",
    )
    session.add(system)
    await session.flush()
    indicator = Indicator(system_id=system.id, level=1, code="Ⅰ-1", name="环境", position=0)
    session.add(indicator)
    await session.flush()
    made = {
        kind: Standard(
            system_id=system.id,
            indicator_id=indicator.id,
            code=f"①-{position}",
            text=kind,
            list_kind=ListKind.REGULAR,
            max_score=Decimal(most),
            methods=["field"],
            rule=rule,
            requires_photo=False,
            evidence=[],
            note="",
            source="",
            position=position,
        )
        for position, (kind, (most, rule)) in enumerate(RULES.items())
    }
    session.add_all(made.values())
    await session.flush()
    session.add(StandardSiteType(standard_id=made["pass_fail"].id, site_type_code=TYPE))
    await session.flush()
    system.state, system.published_at, system.content_hash = SystemState.PUBLISHED, clock.now(), "0" * 64
    await session.flush()
    return system, {kind: standard.id for kind, standard in made.items()}


async def make_sheets(
    session: WriteSession, work: FieldWork, *, assessor: User | None = None, count: int | None = None
) -> list[Sheet]:
    """Sheets of one assessor (the first, unless another is given) for the first `count` sites. Flushed."""
    owner = assessor or work.assessors[0]
    made = [
        Sheet(
            assessment_id=work.assessment.id,
            draw_id=work.draw.id,
            site_id=site.id,
            site_type_code=site.site_type_code,
            region_path=site.region_path,
            unit_path=site.unit_path,
            owner_id=owner.id,
            state=SheetState.ASSIGNED,
            version_no=0,
            evidence=Evidence.COMPLETE,
        )
        for site in work.sites[:count]
    ]
    session.add_all(made)
    await session.flush()
    return made


async def make_photo(
    session: WriteSession, *, owner: User, id_: UUID | None = None, state: FileState = FileState.READY, **fields: Any
) -> File:
    """A photo that has arrived. Flushed, not committed."""
    photo = File(
        **{
            "id": id_ or uuid7(),
            "owner_id": owner.id,
            "region_path": owner.region_path,
            "unit_path": owner.unit_path,
            "kind": FileKind.PHOTO,
            "state": state,
            "name": "照片.jpg",
            "content_type": "image/jpeg",
            "size": 1000,
            "expires_at": datetime(2027, 1, 1, tzinfo=UTC),
            "sha256": "0" * 64,
            **fields,
        }
    )
    session.add(photo)
    await session.flush()
    return photo
