"""The worked example of the roll-up in the database: two counties, four sites, accepted sheets, method scores."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from tests.factories.assessments import Ground, make_assessment, make_edition, make_site_type
from tests.factories.callers import make_user
from tests.factories.places import make_city, make_county, make_unit
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import (
    Assessment,
    AssessmentMethod,
    AssessmentQuota,
    AssessmentRegion,
    AssessmentStandard,
    RankingGroup,
    RankingGroupMember,
)
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.city.criteria.rules import rule_from_json
from wenming_api.city.sampling.models import Draw, DrawSite
from wenming_api.city.sampling.rules import DrawSiteStatus, DrawState
from wenming_api.city.schemes.rules import MethodSource, MissingTypePolicy, Settings, Shortage
from wenming_api.city.scoring.models import Deduction, LinePhoto, ScoreLine, Sheet, SheetVersion
from wenming_api.city.scoring.rules import Evidence, SheetState, VersionKind
from wenming_api.city.sites.models import Site
from wenming_api.city.standards.models import Indicator, IndicatorSystem, Standard, StandardDuty, StandardSiteType
from wenming_api.city.standards.rules import DutyRole, ListKind, Outcome, SystemState, score_line
from wenming_api.city.surveys.models import MethodScore
from wenming_api.city.surveys.rules import ScoreSource
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.exact import stored
from wenming_api.kit.geo import Crs
from wenming_api.kit.ids import uuid7
from wenming_api.system.regions.models import Region
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

_numbers = itertools.count(1)

LITTER: dict[str, Any] = {
    "kind": "deduction",
    "reasons": [{"code": "litter", "label": "乱扔垃圾", "points": None, "cap": None}],
    "floor": "0",
    "photo_required": False,
}
COUNTED: dict[str, Any] = {
    "kind": "count",
    "required": "5",
    "mode": "proportion",
    "unit": "处",
    "per": None,
    "per_unit": "",
}
RULES: dict[str, tuple[int, dict[str, Any], tuple[str, ...]]] = {
    "s1": (4, {"kind": "pass_fail"}, ("X", "Y")),
    "s2": (6, LITTER, ("X",)),
    "s3": (10, COUNTED, ("Y",)),
}
ENTRIES: dict[str, dict[str, dict[str, Any]]] = {
    "a1": {"s1": {"passed": True}, "s2": {"deductions": [{"reason": "litter", "points": "1.5"}]}},
    "a2": {"s1": {"passed": False}, "s2": {"deductions": []}},
    "a3": {"s1": {"passed": True}, "s3": {"count": "3"}},
    "b1": {"s1": {"not_applicable": True}, "s2": {"deductions": [{"reason": "litter", "points": "1"}]}},
}
PLACES = {"a1": ("X", 0), "a2": ("X", 0), "a3": ("Y", 0), "b1": ("X", 1)}
"""Site → type, county."""


@dataclass
class Example:
    """What the example consists of; sites, standards and sheets by their names in it."""

    assessment: Assessment
    draw: Draw
    city: Region
    counties: tuple[Region, Region]
    units: dict[str, Unit]
    assessor: User
    sites: dict[str, Site]
    standards: dict[str, Standard]
    indicators: dict[str, Indicator]
    sheets: dict[str, Sheet] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where its results are."""
        return f"/assessments/{self.assessment.id}/results"


async def make_example(
    session: WriteSession,
    *,
    state: AssessmentState = AssessmentState.REVIEWING,
    settings: Settings | None = None,
    accepted: bool = True,
    required: str = "5",
) -> Example:
    """The whole example; `required` of the counting standard. Flushed, not committed."""
    city = await make_city(session)
    counties = (await make_county(session, 2, "甲区"), await make_county(session, 3, "乙区"))
    units = {
        "u1": await make_unit(session, region=city, name="城管局"),
        "u2": await make_unit(session, region=city, name="公安局"),
        "u3": await make_unit(session, region=counties[0], name="甲区商务局"),
        "u4": await make_unit(session, region=counties[1], name="乙区商务局"),
    }
    for code, name in (("X", "商场"), ("Y", "公园")):
        await make_site_type(session, code, name)
    sites = {}
    for name, (kind, county) in PLACES.items():
        unit = units["u4" if county else "u3"]
        sites[name] = Site(
            code=f"{name}-{next(_numbers)}",
            name=f"点位{name}",
            site_type_code=kind,
            region_id=counties[county].id,
            region_path=counties[county].path,
            responsible_unit_id=unit.id,
            unit_path=unit.unit_path,
            crs=Crs.WGS84,
            industry_code="commerce" if kind == "X" else "other",
            active=True,
        )
    session.add_all(sites.values())
    system, indicators, standards = await _edition(session, units, required)
    office = await make_unit(session, region=city)
    ground = Ground(city, counties, office, ("X", "Y"), tuple(sites.values()), system, (), ())
    assessor = await make_user(
        session, unit=await make_unit(session, region=city), permissions=[Permission.SHEETS_SUBMIT]
    )
    chosen = settings or Settings(missing_type=MissingTypePolicy.PEER_MEAN)
    assessment = await make_assessment(session, ground, settings=chosen.to_json())
    example = Example(
        assessment,
        await _draw(session, assessment, assessor, sites),
        city,
        counties,
        units,
        assessor,
        sites,
        standards,
        indicators,
    )
    await _scheme(session, example)
    await session.flush()
    assessment.state, assessment.current_draw_id = state, example.draw.id
    assessment.effective_draw_id = example.draw.id
    await session.flush()
    for name, entries in ENTRIES.items():
        example.sheets[name] = await make_sheet(session, example, name, entries, accepted=accepted)
    return example


async def _edition(
    session: WriteSession, units: Mapping[str, Unit], required: str
) -> tuple[IndicatorSystem, dict[str, Indicator], dict[str, Standard]]:
    system, _ = await make_edition(session, standards=0, published=False)
    system.level_names = ["测评项目", "测评指标"]
    root = Indicator(system_id=system.id, level=1, code="Ⅰ-2", name="创建", position=1)
    session.add(root)
    await session.flush()
    indicators = {"root": root}
    for place, (name, title) in enumerate((("order", "秩序"), ("care", "关爱"))):
        indicators[name] = Indicator(
            system_id=system.id, parent_id=root.id, level=2, code=f"Ⅱ-{place}", name=title, position=place
        )
    session.add_all(indicators.values())
    await session.flush()
    standards = {}
    for place, (name, (most, rule, _)) in enumerate(RULES.items()):
        standards[name] = Standard(
            system_id=system.id,
            indicator_id=indicators["care" if name == "s3" else "order"].id,
            code=f"①-{name}",
            text=f"标准{name}",
            list_kind=ListKind.REGULAR,
            max_score=Decimal(most),
            methods=["field"],
            rule=rule | {"required": required} if rule is COUNTED else rule,
            requires_photo=False,
            evidence=[],
            note="",
            source="",
            position=place,
        )
    session.add_all(standards.values())
    await session.flush()
    for name, (_, _, types) in RULES.items():
        session.add_all(StandardSiteType(standard_id=standards[name].id, site_type_code=kind) for kind in types)
    duties = (("s1", "u1", DutyRole.LEAD, 0), ("s2", "u2", DutyRole.LEAD, 0), ("s2", "u1", DutyRole.CO, 1))
    session.add_all(
        StandardDuty(standard_id=standards[standard].id, unit_id=units[unit].id, role=role, position=position)
        for standard, unit, role, position in (*duties, ("s3", "u1", DutyRole.LEAD, 0))
    )
    await session.flush()
    system.state, system.published_at, system.content_hash = SystemState.PUBLISHED, clock.now(), "0" * 64
    await session.flush()
    return system, indicators, standards


async def _draw(session: WriteSession, assessment: Assessment, by: User, sites: Mapping[str, Site]) -> Draw:
    at = clock.now()
    proposer = await make_user(session, unit=await make_unit(session))  # a draw is made effective by two people
    draw = Draw(
        assessment_id=assessment.id,
        no=1,
        state=DrawState.EFFECTIVE,
        secret="00" * 32,
        commitment="11" * 32,
        quotas=[],
        regions=[],
        committed_by=by.id,
        committed_at=at,
        frame_hash="22" * 32,
        seed="33" * 32,
        effective_proposed_by=proposer.id,
        effective_by=by.id,
        effective_at=at,
    )
    session.add(draw)
    await session.flush()
    for rank, site in enumerate(sites.values(), 1):
        session.add(
            DrawSite(
                draw_id=draw.id,
                site_id=site.id,
                stratum=f"{site.site_type_code}|{site.region_path}",
                rank=rank,
                status=DrawSiteStatus.DRAWN,
                site_type_code=site.site_type_code,
                code=site.code,
                name=site.name,
                region_id=site.region_id,
                region_path=site.region_path,
                responsible_unit_id=site.responsible_unit_id,
                unit_path=site.unit_path,
                industry_code=site.industry_code,
            )
        )
    return draw


async def _scheme(session: WriteSession, example: Example) -> None:
    id_ = example.assessment.id
    group = RankingGroup(
        assessment_id=id_,
        code="counties",
        name="区县",
        region_level=RegionLevel.COUNTY,
        methods={"field": "85", "questionnaire": "15"},
        field_only=False,
        position=0,
    )
    session.add(group)
    await session.flush()
    for position, county in enumerate(example.counties):
        session.add(AssessmentRegion(assessment_id=id_, region_id=county.id, position=position))
        session.add(RankingGroupMember(group_id=group.id, assessment_id=id_, region_id=county.id, position=position))
    session.add_all(AssessmentStandard(assessment_id=id_, standard_id=one.id) for one in example.standards.values())
    for position, code in enumerate(("X", "Y")):
        session.add(
            AssessmentQuota(
                assessment_id=id_,
                site_type_code=code,
                region_level=RegionLevel.COUNTY,
                count=1,
                weight=Decimal(1),
                when_short=Shortage.TAKE_ALL,
                position=position,
            )
        )
    methods = (("field", "实地考察", MethodSource.FIELD), ("questionnaire", "问卷调查", MethodSource.ENTERED))
    for position, (code, name, source) in enumerate(methods):
        session.add(AssessmentMethod(assessment_id=id_, code=code, name=name, source=source, position=position))
    for county, score in zip(example.counties, ("91.3", "88.05"), strict=True):
        session.add(
            MethodScore(
                assessment_id=id_,
                method_code="questionnaire",
                region_id=county.id,
                region_path=county.path,
                score=Decimal(score),
                max_score=Decimal(100),
                source=ScoreSource.ENTERED,
            )
        )


async def make_sheet(
    session: WriteSession,
    example: Example,
    site: str,
    entries: Mapping[str, Mapping[str, Any]],
    *,
    accepted: bool = True,
    assessor: User | None = None,
    photo: UUID | None = None,
) -> Sheet:
    """A sheet with one submitted version of the entries given. Flushed, not committed."""
    place, owner, at = example.sites[site], assessor or example.assessor, clock.now()
    sheet = Sheet(
        id=uuid7(),
        assessment_id=example.assessment.id,
        draw_id=example.draw.id,
        site_id=place.id,
        site_type_code=place.site_type_code,
        region_path=place.region_path,
        unit_path=place.unit_path,
        owner_id=owner.id,
        state=SheetState.ASSIGNED,
        version_no=0,
        evidence=Evidence.COMPLETE,
    )
    session.add(sheet)
    await session.flush()
    scored = {
        name: score_line(rule_from_json(example.standards[name].rule), example.standards[name].max_score, entry)
        for name, entry in entries.items()
    }
    version = SheetVersion(
        id=uuid7(),
        sheet_id=sheet.id,
        assessment_id=sheet.assessment_id,
        no=1,
        kind=VersionKind.FIRST,
        author_id=owner.id,
        fingerprint="0" * 64,
        captured_at=at,
        received_at=at,
        crs=Crs.WGS84,
        achieved=stored(sum((line.achieved or Fraction(0) for line in scored.values()), Fraction(0))),
        max_score=Decimal(sum(example.standards[name].max_score for name in entries)),
        vetoed=any(line.outcome is Outcome.VETO for line in scored.values()),
    )
    session.add(version)
    await session.flush()
    for name, line in scored.items():
        row = ScoreLine(
            id=uuid7(),
            sheet_version_id=version.id,
            sheet_id=sheet.id,
            assessment_id=sheet.assessment_id,
            standard_id=example.standards[name].id,
            outcome=line.outcome,
            entry=dict(entries[name]),
            achieved=None if line.achieved is None else stored(line.achieved),
            max_score=example.standards[name].max_score,
        )
        session.add(row)
        await session.flush()
        for no, taken in enumerate(entries[name].get("deductions", ()), 1):
            points, reason = Decimal(taken["points"]), taken["reason"]
            session.add(Deduction(line_id=row.id, no=no, points=points, reason_code=reason, note="路边有垃圾"))
            if photo is not None:
                session.add(LinePhoto(line_id=row.id, no=1, deduction_no=no, file_id=photo, taken_at=at))
    sheet.version_no, sheet.current_version_id, sheet.submitted_at = 1, version.id, at
    sheet.state = SheetState.ACCEPTED if accepted else SheetState.SUBMITTED
    sheet.accepted_version_id = version.id if accepted else None
    await session.flush()
    return sheet
