"""Gathers the frozen inputs of a result from the tables, in a fixed number of set-based statements."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, Uuid, and_, case, cast, func, null, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from wenming_api.city.assessments.models import (
    Assessment,
    AssessmentMethod,
    AssessmentQuota,
    AssessmentStandard,
    RankingGroup,
    RankingGroupMember,
)
from wenming_api.city.criteria.rules import RuleKind, ScoringRule, VetoScope, rule_from_json
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.schemes.rules import Settings as SchemeSettings
from wenming_api.city.scoring.models import ScoreLine, Sheet
from wenming_api.city.scoring.rules import SheetState
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.snapshots.rules import (
    Duty,
    Group,
    Indicator,
    Line,
    MethodScore,
    Named,
    Policies,
    Quota,
    Region,
    Site,
    Snapshot,
    Standard,
    Unit,
)
from wenming_api.city.snapshots.rules import (
    Sheet as SnapshotSheet,
)
from wenming_api.city.standards.models import Indicator as IndicatorRow
from wenming_api.city.standards.models import Standard as StandardRow
from wenming_api.city.standards.models import StandardDuty, StandardSiteType
from wenming_api.city.standards.rules import DutyRole, ListKind, Outcome, score_line
from wenming_api.city.surveys.models import MethodScore as MethodScoreRow
from wenming_api.kit.db import AnySession
from wenming_api.kit.problems import NotFound
from wenming_api.system.dictionaries.models import Dictionary, DictionaryItem
from wenming_api.system.regions.models import Region as RegionRow
from wenming_api.system.units.models import Unit as UnitRow

INDUSTRIES = "industry"
_ROUNDED_KINDS = (RuleKind.GRADED, RuleKind.COUNT)
"""Rules whose stored points may have been rounded: their lines are scored again from the entry, exactly."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A snapshot and what is reported beside it."""

    snapshot: Snapshot
    region_path: str
    open_sheets: int
    """Sheets of the drawn sites that are not accepted."""


async def gather_snapshot(session: AnySession, *, assessment_id: UUID) -> Gathered:
    """Everything that enters the result of an assessment as of this transaction.

    The sites are those of the effective draw as they were frozen there; the sheets are the accepted versions.
    Raises `NotFound` without an assessment; without an effective draw there are no sites.
    """
    found = await session.execute(
        select(Assessment.system_id, Assessment.region_path, Assessment.settings, Assessment.effective_draw_id).where(
            Assessment.id == assessment_id
        )
    )
    head = found.one_or_none()
    if head is None:
        raise NotFound
    methods = (
        await session.execute(
            select(AssessmentMethod.code, AssessmentMethod.name, AssessmentMethod.source)
            .where(AssessmentMethod.assessment_id == assessment_id)
            .order_by(AssessmentMethod.position)
        )
    ).all()
    sites = await _sites(session, head.effective_draw_id)
    standards, rules = await _standards(session, assessment_id)
    groups = await _groups(session, assessment_id)
    scores = await _method_scores(session, assessment_id)
    sheets, open_sheets = await _sheets(session, head.effective_draw_id, rules)
    paths = {head.region_path, *(site.region for site in sites)}.union(*(group.regions for group in groups))
    units = {site.unit for site in sites if site.unit} | {duty.unit for each in standards for duty in each.duties}
    field_method = next((method.code for method in methods if method.source is MethodSource.FIELD), "field")
    snapshot = Snapshot(
        policies=_policies(SchemeSettings.from_json(head.settings), field_method),
        regions=await _regions(session, paths),
        sites=tuple(_in_last(site) for site in sites),
        site_types=await _named(session, SiteType.code, SiteType.name, {site.type for site in sites}),
        standards=standards,
        sheets=sheets,
        groups=tuple(
            Group(group.code, group.name, group.methods, tuple(map(_last, group.regions)), group.field_only)
            for group in groups
        ),
        quotas=await _quotas(session, assessment_id),
        indicators=await _indicators(session, head.system_id),
        units=await _units(session, units),
        industries=await _industries(session, {site.industry for site in sites if site.industry}),
        methods=tuple(Named(method.code, method.name) for method in methods),
        method_scores=scores,
    )
    return Gathered(snapshot, head.region_path, open_sheets)


def _policies(chosen: SchemeSettings, field_method: str) -> Policies:
    return Policies(
        not_applicable=chosen.not_applicable,
        missing_item=chosen.missing_item,
        field=chosen.field,
        missing_type=chosen.missing_type,
        parents=chosen.parents,
        parent_weights={code: Fraction(weight) for code, weight in chosen.parent_weights.items()},
        bonus_cap=None if chosen.bonus_cap is None else Fraction(chosen.bonus_cap),
        spread_threshold=None if chosen.spread_threshold is None else Fraction(chosen.spread_threshold),
        duties=chosen.duties,
        field_method=field_method,
    )


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]


def _in_last(site: Site) -> Site:
    return Site(site.id, site.code, site.name, site.type, _last(site.region), site.unit, site.industry, site.unit_path)


async def _sites(session: AnySession, draw_id: UUID | None) -> tuple[Site, ...]:
    """The sites to be assessed; `region` is still the whole path."""
    if draw_id is None:
        return ()
    found = await session.execute(
        select(
            cast(DrawSite.site_id, Text),
            DrawSite.code,
            DrawSite.name,
            DrawSite.site_type_code,
            DrawSite.region_path,
            cast(DrawSite.responsible_unit_id, Text),
            DrawSite.industry_code,
            DrawSite.unit_path,
        )
        .where(DrawSite.draw_id == draw_id, DrawSite.status.in_(IN_FIELD))
        .order_by(DrawSite.site_id)
    )
    return tuple(Site(*row) for row in found)


async def _standards(session: AnySession, assessment_id: UUID) -> tuple[tuple[Standard, ...], dict[str, ScoringRule]]:
    """The chosen standards, and the rules of those whose stored points may be rounded."""
    types = (
        select(func.array_agg(aggregate_order_by(StandardSiteType.site_type_code, StandardSiteType.site_type_code)))
        .where(StandardSiteType.standard_id == StandardRow.id)
        .scalar_subquery()
    )
    duties = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_array(StandardDuty.unit_id, StandardDuty.role),
                    StandardDuty.position,
                    StandardDuty.unit_id,
                )
            )
        )
        .where(StandardDuty.standard_id == StandardRow.id)
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            cast(StandardRow.id, Text).label("id"),
            StandardRow.code,
            cast(StandardRow.indicator_id, Text).label("indicator"),
            StandardRow.max_score,
            StandardRow.list_kind,
            StandardRow.methods,
            StandardRow.text,
            StandardRow.rule,
            types.label("types"),
            duties.label("duties"),
        )
        .join(AssessmentStandard, AssessmentStandard.standard_id == StandardRow.id)
        .where(AssessmentStandard.assessment_id == assessment_id)
        .order_by(StandardRow.id)
    )
    standards, rules = [], {}
    for row in found:
        standards.append(
            Standard(
                id=row.id,
                code=row.code,
                indicator=row.indicator,
                max_score=Fraction(row.max_score),
                kind=ListKind(row.list_kind),
                site_types=tuple(row.types or ()),
                duties=tuple(Duty(unit, DutyRole(role)) for unit, role in row.duties or ()),
                methods=tuple(sorted(row.methods)),
                text=row.text,
            )
        )
        rules[row.id] = rule_from_json(row.rule)
    return tuple(standards), rules


async def _groups(session: AnySession, assessment_id: UUID) -> tuple[Group, ...]:
    """The ranking groups in order; `regions` are still whole paths."""
    found = await session.execute(
        select(
            RankingGroup.code,
            RankingGroup.name,
            RankingGroup.methods,
            RankingGroup.field_only,
            func.array_agg(aggregate_order_by(RegionRow.path, RegionRow.path)).label("paths"),
        )
        .join(RankingGroupMember, RankingGroupMember.group_id == RankingGroup.id)
        .join(RegionRow, RegionRow.id == RankingGroupMember.region_id)
        .where(RankingGroup.assessment_id == assessment_id)
        .group_by(RankingGroup.id)
        .order_by(RankingGroup.position, RankingGroup.code)
    )
    return tuple(
        Group(
            code=row.code,
            name=row.name,
            methods={code: Fraction(weight) for code, weight in row.methods.items()},
            regions=tuple(row.paths),
            field_only=row.field_only,
        )
        for row in found
    )


async def _regions(session: AnySession, paths: Iterable[str]) -> tuple[Region, ...]:
    """The regions named in the paths; parents are read from the paths, which were frozen with the draw."""
    parents: dict[str, str | None] = {}
    for path in sorted(paths):
        chain = [code for code in path.split("/") if code]
        parents.update(zip(chain, [None, *chain], strict=False))
    found = await session.execute(
        select(RegionRow.code, RegionRow.name, RegionRow.level)
        .where(RegionRow.code.in_(parents))
        .order_by(RegionRow.code)
    )
    return tuple(Region(row.code, row.name, row.level.value, parents[row.code]) for row in found)


async def _quotas(session: AnySession, assessment_id: UUID) -> tuple[Quota, ...]:
    found = await session.execute(
        select(AssessmentQuota.site_type_code, AssessmentQuota.region_level, AssessmentQuota.weight)
        .where(AssessmentQuota.assessment_id == assessment_id)
        .order_by(AssessmentQuota.site_type_code)
    )
    return tuple(Quota(row.site_type_code, row.region_level.value, Fraction(row.weight)) for row in found)


async def _indicators(session: AnySession, system_id: UUID) -> tuple[Indicator, ...]:
    found = await session.execute(
        select(
            cast(IndicatorRow.id, Text),
            cast(IndicatorRow.parent_id, Text),
            IndicatorRow.level,
            IndicatorRow.code,
            IndicatorRow.name,
            IndicatorRow.position,
        )
        .where(IndicatorRow.system_id == system_id)
        .order_by(IndicatorRow.id)
    )
    return tuple(Indicator(*row) for row in found)


async def _method_scores(session: AnySession, assessment_id: UUID) -> tuple[MethodScore, ...]:
    found = await session.execute(
        select(
            MethodScoreRow.method_code,
            MethodScoreRow.score,
            MethodScoreRow.max_score,
            MethodScoreRow.exact,
            RegionRow.code,
            cast(MethodScoreRow.unit_id, Text).label("unit"),
        )
        .outerjoin(RegionRow, RegionRow.id == MethodScoreRow.region_id)
        .where(MethodScoreRow.assessment_id == assessment_id)
        .order_by(MethodScoreRow.id)
    )
    return tuple(
        MethodScore(row.method_code, Fraction(row.exact or row.score), Fraction(row.max_score), row.code, row.unit)
        for row in found
    )


async def _sheets(
    session: AnySession, draw_id: UUID | None, rules: Mapping[str, ScoringRule]
) -> tuple[tuple[SnapshotSheet, ...], int]:
    """The accepted versions with their lines, a row a sheet; and how many sheets are open."""
    if draw_id is None:
        return (), 0
    found = (
        await session.execute(
            select(
                cast(Sheet.site_id, Text).label("site"),
                Sheet.accepted_version_id.label("version"),
                (Sheet.state == SheetState.ACCEPTED).label("accepted"),
            )
            .join(DrawSite, and_(DrawSite.draw_id == Sheet.draw_id, DrawSite.site_id == Sheet.site_id))
            .where(Sheet.draw_id == draw_id, DrawSite.status.in_(IN_FIELD))
        )
    ).all()
    sites = {row.version: row.site for row in found if row.accepted}
    lines = await _lines(session, list(sites), rules)
    sheets = (SnapshotSheet(str(version), site, lines.get(version, ())) for version, site in sites.items())
    return tuple(sorted(sheets, key=lambda sheet: sheet.id)), len(found) - len(sites)


async def _lines(
    session: AnySession, versions: list[UUID], rules: Mapping[str, ScoringRule]
) -> dict[UUID, tuple[Line, ...]]:
    """The lines of sheet versions, one row a version. Versions never change: a statement of its own sees the same."""
    rounded = [UUID(standard) for standard, rule in rules.items() if rule.kind in _ROUNDED_KINDS]
    exact_only_from_entry = and_(
        ScoreLine.outcome == Outcome.SCORED, ScoreLine.standard_id == func.any(cast(rounded, ARRAY(Uuid())))
    )
    found = await session.execute(
        select(
            ScoreLine.sheet_version_id.label("version"),
            func.array_agg(cast(ScoreLine.standard_id, Text)).label("standards"),
            func.array_agg(
                case(
                    (ScoreLine.outcome == Outcome.NOT_APPLICABLE, "-"),
                    (ScoreLine.outcome == Outcome.VETO, "veto"),
                    else_=cast(ScoreLine.achieved, Text),
                )
            ).label("points"),
            func.array_agg(case((exact_only_from_entry, cast(ScoreLine.entry, Text)), else_=null())).label("entries"),
            func.array_agg(case((exact_only_from_entry, cast(ScoreLine.max_score, Text)), else_=null())).label(
                "maxima"
            ),
        )
        # An array, whose rows the index finds one by one: a join is planned badly while statistics are missing.
        .where(ScoreLine.sheet_version_id == func.any(cast(versions, ARRAY(Uuid()))))
        .group_by(ScoreLine.sheet_version_id)
    )
    score = _Scorer(rules)
    return {
        row.version: tuple(
            score(*line) for line in zip(row.standards, row.points, row.entries, row.maxima, strict=True)
        )
        for row in found
    }


class _Scorer:
    """Lines with exact points. Equal judgements of one standard are scored once."""

    def __init__(self, rules: Mapping[str, ScoringRule]) -> None:
        self._rules = rules
        self._known: dict[tuple[str, str, str | None], Line] = {}

    def __call__(self, standard: str, points: str, entry: str | None, maximum: str | None) -> Line:
        key = (standard, points, entry)
        line = self._known.get(key)
        if line is None:
            line = self._known[key] = self._score(standard, points, entry, maximum)
        return line

    def _score(self, standard: str, points: str, entry: str | None, maximum: str | None) -> Line:
        if points == "-":
            return Line(standard, None)
        if points == "veto":
            return Line(standard, Fraction(0), _scope(self._rules[standard]))
        if entry is None or maximum is None:
            return Line(standard, _fraction(points))
        given: dict[str, Any] = orjson.loads(entry)
        return Line(standard, score_line(self._rules[standard], Fraction(maximum), given).achieved)


def _scope(rule: ScoringRule) -> VetoScope:
    scope: VetoScope = getattr(rule, "scope", VetoScope.SITE)
    return scope


@lru_cache(maxsize=4096)
def _fraction(text: str) -> Fraction:
    return Fraction(text)


async def _named(session: AnySession, code: Any, name: Any, codes: set[str]) -> tuple[Named, ...]:
    found = await session.execute(select(code, name).where(code.in_(codes)).order_by(code))
    return tuple(Named(*row) for row in found)


async def _industries(session: AnySession, codes: set[str]) -> tuple[Named, ...]:
    found = await session.execute(
        select(DictionaryItem.code, DictionaryItem.name)
        .join(Dictionary, Dictionary.id == DictionaryItem.dictionary_id)
        .where(Dictionary.code == INDUSTRIES, DictionaryItem.code.in_(codes))
        .order_by(DictionaryItem.code)
    )
    names = {row.code: row.name for row in found}
    return tuple(Named(code, names.get(code, code)) for code in sorted(codes))


async def _units(session: AnySession, ids: set[str]) -> tuple[Unit, ...]:
    found = await session.execute(
        select(cast(UnitRow.id, Text), UnitRow.name, UnitRow.region_path, UnitRow.unit_path)
        .where(UnitRow.id.in_({UUID(each) for each in ids}))
        .order_by(UnitRow.id)
    )
    return tuple(Unit(*row) for row in found)
