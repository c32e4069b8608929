"""Counts of an assessment's sheets as they are now (S1.1, C3.4): every breakdown in one statement."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, and_, bindparam, cast, distinct, func, literal, select, tuple_
from sqlalchemy.sql.elements import BindParameter, ColumnElement

from wenming_api.access.scope import Scope
from wenming_api.analytics.progress.schemas import Counts, MethodPart, Part, ProgressLevel, ProgressOut
from wenming_api.city.assessments.models import Assessment, AssessmentMethod, RankingGroup, RankingGroupMember
from wenming_api.city.assessments.queries import visible
from wenming_api.city.sampling.models import DrawSite
from wenming_api.city.sampling.rules import IN_FIELD
from wenming_api.city.schemes.rules import MethodSource
from wenming_api.city.scoring.models import Sheet
from wenming_api.city.scoring.rules import Evidence, SheetState
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.surveys.models import MethodScore
from wenming_api.kit import clock
from wenming_api.kit.kept import SHAPES, Kept, Source
from wenming_api.kit.problems import NotFound
from wenming_api.system.regions.models import Region
from wenming_api.system.users.models import User

_DEPTHS = {ProgressLevel.COUNTY: 2, ProgressLevel.STREET: 3, ProgressLevel.COMMUNITY: 4}
_UNNAMED = "未分配"
_CUTS = ("region", "assessor", "site_type")


class _ByPlace:
    """Grants by place and to the assessor himself; the sites' own units must not learn who is drawn."""

    region_path = DrawSite.region_path
    owner_id = Sheet.owner_id


async def read_progress(
    source: Source, *, scope: Scope, assessment_id: UUID, level: ProgressLevel = ProgressLevel.COUNTY
) -> ProgressOut:
    """How far an assessment is, in the caller's regions or his own sheets. Two statements; `NotFound`."""
    head = await _head(scope).row(source, assessment_id=assessment_id)
    if head is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    total, parts = await _count(source, scope, head["effective_draw_id"], level)
    methods = [
        MethodPart(
            code=code,
            name=name,
            source=source,
            done=total.reviewed if source == MethodSource.FIELD else done,
            expected=total.sheets if source == MethodSource.FIELD else expected,
        )
        for code, name, source, done, expected in head["methods"] or ()
    ]
    return ProgressOut(
        assessment_id=assessment_id,
        state=head["state"],
        as_of=clock.now(),
        total=total,
        regions=parts["region"],
        assessors=parts["assessor"],
        site_types=parts["site_type"],
        methods=methods,
    )


@lru_cache(maxsize=SHAPES)
def _head(scope: Scope) -> Kept:
    """What is counted."""
    id_ = bindparam("assessment_id", type_=Uuid)
    columns = (Assessment.state, Assessment.effective_draw_id, _methods(id_).label("methods"))
    return Kept(select(*columns).where(Assessment.id == id_, visible(scope)))


def _methods(assessment_id: BindParameter[Any]) -> Any:
    """[code, name, source, entered, expected] of every method, as one value."""
    entered = (
        select(func.count())
        .where(
            MethodScore.assessment_id == assessment_id,
            MethodScore.method_code == AssessmentMethod.code,
            MethodScore.region_id.is_not(None),
        )
        .correlate(AssessmentMethod)
        .scalar_subquery()
    )
    expected = (
        select(func.count(distinct(RankingGroupMember.region_id)))
        .join(RankingGroup, RankingGroup.id == RankingGroupMember.group_id)
        .where(RankingGroup.assessment_id == assessment_id, RankingGroup.methods.has_key(AssessmentMethod.code))
        .correlate(AssessmentMethod)
        .scalar_subquery()
    )
    listed = func.jsonb_build_array(
        AssessmentMethod.code, AssessmentMethod.name, AssessmentMethod.source, entered, expected
    )
    return select(func.jsonb_agg(listed)).where(AssessmentMethod.assessment_id == assessment_id).scalar_subquery()


def _counts(work: Any) -> dict[str, ColumnElement[Any]]:
    def sheets(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(work.c.sheet_id).filter(*conditions) if conditions else func.count(work.c.sheet_id)

    def sites(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        counted = func.count(distinct(work.c.site_id))
        return counted.filter(*conditions) if conditions else counted

    return {
        "sites": sites(),
        "assigned_sites": sites(work.c.sheet_id.is_not(None)),
        "finished_sites": sites(work.c.finished),
        "sheets": sheets(),
        "assigned": sheets(work.c.state == SheetState.ASSIGNED.value),
        "in_progress": sheets(work.c.state == SheetState.DRAFT.value),
        "submitted": sheets(work.c.state == SheetState.SUBMITTED.value),
        "returned": sheets(work.c.state == SheetState.RETURNED.value),
        "reviewed": sheets(work.c.state == SheetState.ACCEPTED.value),
        "awaiting_evidence": sheets(work.c.evidence == Evidence.AWAITING.value),
    }


@lru_cache(maxsize=SHAPES)
def _counting(scope: Scope, level: ProgressLevel) -> Kept:
    of_site = func.bool_and(Sheet.state == SheetState.ACCEPTED).over(partition_by=DrawSite.site_id)
    work = (
        select(
            DrawSite.site_id,
            DrawSite.site_type_code.label("site_type"),
            func.split_part(DrawSite.region_path, "/", _DEPTHS[level]).label("region"),
            Sheet.id.label("sheet_id"),
            Sheet.owner_id.label("assessor"),
            cast(Sheet.state, Text).label("state"),
            cast(Sheet.evidence, Text).label("evidence"),
            func.coalesce(of_site, literal(False)).label("finished"),
        )
        .outerjoin(Sheet, and_(Sheet.draw_id == DrawSite.draw_id, Sheet.site_id == DrawSite.site_id))
        .where(
            DrawSite.draw_id == bindparam("draw_id", type_=Uuid), DrawSite.status.in_(IN_FIELD), scope.where(_ByPlace)
        )
        .cte("work")
    )
    columns = [work.c[cut] for cut in _CUTS]
    sums = (
        select(
            *columns,
            func.grouping(*columns).label("cut"),
            *(column.label(name) for name, column in _counts(work).items()),
        )
        .group_by(func.grouping_sets(tuple_(), *columns))
        .subquery()
    )
    name = func.coalesce(Region.name, User.display_name, SiteType.name)
    return Kept(
        select(sums, name.label("name"))
        .outerjoin(Region, Region.code == sums.c.region)
        .outerjoin(User, User.id == sums.c.assessor)
        .outerjoin(SiteType, SiteType.code == sums.c.site_type)
        .order_by(sums.c.region, sums.c.site_type, User.display_name, sums.c.assessor)
    )


async def _count(
    source: Source, scope: Scope, draw_id: UUID | None, level: ProgressLevel
) -> tuple[Counts, dict[str, list[Part]]]:
    found = await _counting(scope, level).rows(source, draw_id=draw_id)
    total = Counts(**dict.fromkeys(Counts.model_fields, 0))
    parts: dict[str, list[Part]] = {cut: [] for cut in _CUTS}
    # GROUPING sets a bit for each column that the row is not grouped by.
    cut_of = {0b011: "region", 0b101: "assessor", 0b110: "site_type"}
    for row in found:
        if row["cut"] == 0b111:
            total = Counts.model_validate({key: row[key] for key in Counts.model_fields})
            continue
        cut = cut_of[row["cut"]]
        key = str(row[cut] or "")
        parts[cut].append(Part.model_validate({**row, "key": key, "name": row["name"] or key or _UNNAMED}))
    return total, parts
