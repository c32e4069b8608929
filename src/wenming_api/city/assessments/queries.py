"""Reads of assessments."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import (
    Assessment,
    AssessmentAssessor,
    AssessmentMethod,
    AssessmentQuota,
    AssessmentRegion,
    AssessmentStandard,
    RankingGroup,
    RankingGroupMember,
)
from wenming_api.city.assessments.rules import (
    TRANSITIONS,
    AssessmentAction,
    AssessmentState,
    Guard,
    frozen_fields,
    guards_met,
    refusal_of,
)
from wenming_api.city.assessments.schemas import (
    AssessmentOut,
    AssessmentRow,
    AssessmentSort,
    AssessorOut,
    GapOut,
    GroupOut,
    MethodOut,
    PublishCheck,
    QuotaOut,
    RegionRef,
    SettingsOut,
)
from wenming_api.city.schemes.queries import gather_facts
from wenming_api.city.schemes.rules import Assessor, Gap, Group, Quota, Scheme, Settings, publish_gaps
from wenming_api.city.site_types.models import SiteType
from wenming_api.city.standards.models import IndicatorSystem
from wenming_api.kit.actions import AllowedAction, action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import Forbidden, NotFound
from wenming_api.system.audit.queries import list_entries
from wenming_api.system.audit.schemas import AuditEntryOut
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which assessments a caller sees: those of his regions, and, once published, those that assess one of his
    regions or name him as an assessor.
    """
    grants: list[ColumnElement[bool]] = []
    if scope.user_id is not None:
        grants.append(
            exists().where(
                AssessmentAssessor.assessment_id == Assessment.id, AssessmentAssessor.user_id == scope.user_id
            )
        )
    if scope.region_prefixes:
        chosen = aliased(Region)  # queries that join regions themselves would otherwise correlate with it
        touches = [
            or_(chosen.path.startswith(prefix, autoescape=True), literal(prefix).startswith(chosen.path))
            for prefix in scope.region_prefixes
        ]
        grants.append(
            exists().where(
                AssessmentRegion.assessment_id == Assessment.id,
                chosen.id == AssessmentRegion.region_id,
                or_(*touches),
            )
        )
    published = Assessment.state != AssessmentState.DRAFT
    return scope.where(Assessment, also=[and_(published, grant) for grant in grants])


def _readable(caller: Principal) -> ColumnElement[bool]:
    """Which assessments a caller may look at: those he sees, and those whose published result he may read, when his
    unit lies in what was assessed, or above it. The field work is over then: nothing drawn is secret any more.
    """
    seen = visible(caller.scope)
    if not caller.may(Permission.RESULTS_READ):
        return seen
    concerned = or_(
        literal(caller.region_path).startswith(Assessment.region_path),
        Assessment.region_path.startswith(caller.region_path, autoescape=True),
    )
    return or_(seen, and_(Assessment.result_id.is_not(None), concerned))


_ROW = [
    *(getattr(Assessment, name) for name in AssessmentRow.model_fields if name != "region_name"),
    Region.name.label("region_name"),
]


async def list_assessments(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: AssessmentSort = AssessmentSort.NEWEST,
    search: str | None = None,
    states: Collection[AssessmentState] = (),
    region_id: UUID | None = None,
) -> Page[AssessmentRow]:
    """A page of the assessments the caller may look at; `search` in number and name."""
    statement = select(*_ROW).join(Region, Region.id == Assessment.region_id).where(_readable(caller))
    if search:
        statement = statement.where(or_(contains(Assessment.number, search), contains(Assessment.name, search)))
    if states:
        statement = statement.where(Assessment.state.in_(states))
    if region_id is not None:
        statement = statement.where(Assessment.region_id == region_id)
    return await page(
        session,
        statement,
        params,
        sort=sort,
        columns={
            "created_at": Assessment.created_at,
            "number": Assessment.number,
            "starts_on": Assessment.starts_on,
        },
        key=Assessment.id,
        into=AssessmentRow,
    )


async def read_assessment(session: AnySession, *, caller: Principal, assessment_id: UUID) -> AssessmentOut:
    """The whole of an assessment with what the caller may do with it. Nine statements, whatever its size.

    Raises:
        NotFound: there is none, or the caller does not see it.
    """
    found = await session.execute(
        select(
            *Assessment.__table__.columns,
            Region.code.label("region_code"),
            Region.name.label("region_name"),
            Region.level.label("region_level"),
            IndicatorSystem.name.label("system_name"),
        )
        .join(Region, Region.id == Assessment.region_id)
        .join(IndicatorSystem, IndicatorSystem.id == Assessment.system_id)
        .where(Assessment.id == assessment_id, _readable(caller))
    )
    head = found.one_or_none()
    if head is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    parts = await read_parts(session, assessment_id)
    mentioned = {*parts["region_ids"], *(region for group in parts["groups"] for region in group["region_ids"])}
    regions = {
        row.id: RegionRef.model_validate(row)
        for row in await session.execute(
            select(Region.id, Region.code, Region.name, Region.level).where(Region.id.in_(mentioned))
        )
    }
    return AssessmentOut(
        id=head.id,
        number=head.number,
        name=head.name,
        description=head.description,
        state=head.state,
        state_label=head.state.label,
        state_since=head.state_since,
        state_reason=head.state_reason,
        system_id=head.system_id,
        system_name=head.system_name,
        region=RegionRef(id=head.region_id, code=head.region_code, name=head.region_name, level=head.region_level),
        starts_on=head.starts_on,
        ends_on=head.ends_on,
        settings=SettingsOut.model_validate(Settings.from_json(head.settings)),
        regions=[regions[region] for region in parts["region_ids"]],
        standard_ids=parts["standard_ids"],
        quotas=[QuotaOut(**quota) for quota in parts["quotas"]],
        methods=[MethodOut(**method) for method in parts["methods"]],
        groups=[
            GroupOut(**group, regions=[regions[region] for region in group["region_ids"]]) for group in parts["groups"]
        ],
        assessors=[AssessorOut(**assessor) for assessor in parts["assessors"]],
        cloned_from_id=head.cloned_from_id,
        effective_draw_id=head.effective_draw_id,
        result_id=head.result_id,
        created_at=head.created_at,
        updated_at=head.updated_at,
        version=head.version,
        allowed_actions=_allowed_actions(caller, head),
    )


def _allowed_actions(caller: Principal, head: Any) -> list[AllowedAction]:
    inside = (caller.scope.holds_region(head.region_path), "测评由上级组织，您只能查看")
    manage = (caller.may(Permission.ASSESSMENTS_MANAGE), "需要“编制测评”权限")
    run = (caller.may(Permission.ASSESSMENTS_RUN), "需要“变更测评状态”权限")
    draft = (head.state is AssessmentState.DRAFT, "仅草稿可以删除")
    frozen = frozen_fields(head.state, frozenset({"assessors"}), draw_open=False)
    actions = [
        action("update", "修改", manage, inside, (not frozen, "".join(frozen.values()))),
        action("delete", "删除", manage, inside, draft),
        action("clone", "复制", manage, inside),
    ]
    met = guards_met(effective_draw=head.effective_draw_id is not None, result=head.result_id is not None)
    for row in TRANSITIONS.values():
        # The gaps of a scheme are listed by the publish check; asking for them on every read would cost too much.
        refusal = refusal_of(row.action, head.state, met | {Guard.NO_GAPS})
        permitted = manage if row.action is AssessmentAction.PUBLISH else run
        actions.append(action(row.action.value, row.label, permitted, inside, (refusal is None, refusal or "")))
    return actions


async def read_parts(session: AnySession, assessment_id: UUID) -> dict[str, Any]:
    """The parts of a stored scheme, in the form of a request, with the names a reader wants. Seven statements."""
    regions = await session.scalars(
        select(AssessmentRegion.region_id)
        .where(AssessmentRegion.assessment_id == assessment_id)
        .order_by(AssessmentRegion.position)
    )
    standards = await session.scalars(
        select(AssessmentStandard.standard_id)
        .where(AssessmentStandard.assessment_id == assessment_id)
        .order_by(AssessmentStandard.standard_id)
    )
    quotas = await session.execute(
        select(
            AssessmentQuota.site_type_code,
            SiteType.name.label("site_type_name"),
            AssessmentQuota.region_level,
            AssessmentQuota.count.label("count"),
            AssessmentQuota.weight,
            AssessmentQuota.when_short,
        )
        .join(SiteType, SiteType.code == AssessmentQuota.site_type_code)
        .where(AssessmentQuota.assessment_id == assessment_id)
        .order_by(AssessmentQuota.position)
    )
    methods = await session.execute(
        select(AssessmentMethod.code, AssessmentMethod.name, AssessmentMethod.source)
        .where(AssessmentMethod.assessment_id == assessment_id)
        .order_by(AssessmentMethod.position)
    )
    groups = await session.execute(
        select(
            RankingGroup.id,
            RankingGroup.code,
            RankingGroup.name,
            RankingGroup.region_level,
            RankingGroup.methods,
            RankingGroup.field_only,
        )
        .where(RankingGroup.assessment_id == assessment_id)
        .order_by(RankingGroup.position)
    )
    members: dict[UUID, list[UUID]] = {}
    for group_id, region_id in await session.execute(
        select(RankingGroupMember.group_id, RankingGroupMember.region_id)
        .where(RankingGroupMember.assessment_id == assessment_id)
        .order_by(RankingGroupMember.position)
    ):
        members.setdefault(group_id, []).append(region_id)
    assessors = await session.execute(
        select(
            AssessmentAssessor.user_id,
            User.display_name,
            User.unit_id,
            Unit.name.label("unit_name"),
            AssessmentAssessor.qualification,
            AssessmentAssessor.region_ids,
            AssessmentAssessor.site_type_codes,
            User.active,
        )
        .join(User, User.id == AssessmentAssessor.user_id)
        .join(Unit, Unit.id == User.unit_id)
        .where(AssessmentAssessor.assessment_id == assessment_id)
        .order_by(User.display_name, User.id)
    )
    return {
        "region_ids": list(regions),
        "standard_ids": list(standards),
        "quotas": [dict(row) for row in quotas.mappings()],
        "methods": [dict(row) for row in methods.mappings()],
        "groups": [
            dict(row)
            | {
                "methods": {code: Decimal(weight) for code, weight in row["methods"].items()},
                "region_ids": members.get(row["id"], []),
            }
            for row in groups.mappings()
        ],
        "assessors": [dict(row) for row in assessors.mappings()],
    }


async def list_assessor_ids(session: AnySession, assessment_id: UUID) -> list[UUID]:
    """The active assessors of an assessment."""
    found = await session.scalars(
        select(AssessmentAssessor.user_id)
        .join(User, User.id == AssessmentAssessor.user_id)
        .where(AssessmentAssessor.assessment_id == assessment_id, User.active)
    )
    return list(found)


def scheme_of(*, root_path: str, settings: Settings, parts: Mapping[str, Any]) -> Scheme:
    """Parts in the form of a request, or as `read_parts` gives them, as the values that the rules check."""
    return Scheme(
        root_path=root_path,
        settings=settings,
        methods={method["code"]: method["source"] for method in parts["methods"]},
        regions=tuple(map(str, parts["region_ids"])),
        quotas=tuple(
            Quota(
                site_type_code=quota["site_type_code"],
                region_level=quota["region_level"].value,
                count=quota["count"],
                weight=quota["weight"],
                when_short=quota["when_short"],
            )
            for quota in parts["quotas"]
        ),
        groups=tuple(
            Group(
                code=group["code"],
                region_level=group["region_level"].value,
                methods=group["methods"],
                field_only=group["field_only"],
                members=tuple(map(str, group["region_ids"])),
            )
            for group in parts["groups"]
        ),
        standards=tuple(map(str, parts["standard_ids"])),
        assessors=tuple(
            Assessor(
                user_id=str(assessor["user_id"]),
                regions=tuple(map(str, assessor["region_ids"])),
                site_types=tuple(assessor["site_type_codes"]),
            )
            for assessor in parts["assessors"]
        ),
    )


async def check_publishing(session: AnySession, *, caller: Principal, assessment_id: UUID) -> PublishCheck:
    """Everything that keeps an assessment from being published, all at once."""
    row = await session.scalar(select(Assessment).where(Assessment.id == assessment_id, visible(caller.scope)))
    if row is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    gaps = await find_publish_gaps(session, row)
    return PublishCheck(complete=not gaps, gaps=[GapOut.model_validate(gap) for gap in gaps])


async def find_publish_gaps(session: AnySession, row: Assessment) -> list[Gap]:
    """What keeps this assessment from being published; reads its whole frame."""
    scheme = scheme_of(
        root_path=row.region_path,
        settings=Settings.from_json(row.settings),
        parts=await read_parts(session, row.id),
    )
    facts = await gather_facts(session, scheme=scheme, system_id=row.system_id, with_frame=True)
    return publish_gaps(scheme, facts, windowed=row.starts_on is not None and row.ends_on is not None)


async def list_log(
    session: AnySession, *, caller: Principal, assessment_id: UUID, params: PageParams, **filters: Any
) -> Page[AuditEntryOut]:
    """The audit entries of an assessment (C3.5); `filters` are those of the audit log.

    It names drawn sites, so it is for those who run this assessment, not for all who see it.

    Raises:
        NotFound: there is none, or the caller does not see it.
        Forbidden: the caller sees it only because his region takes part in it.
    """
    path = await session.scalar(
        select(Assessment.region_path).where(Assessment.id == assessment_id, visible(caller.scope))
    )
    if path is None:
        raise NotFound("测评不存在，或不在您的数据范围内。")
    if not caller.scope.holds_region(path):
        raise Forbidden("测评由上级组织，其日志仅组织者可查。")
    return await list_entries(session, params=params, context_id=assessment_id, **filters)
