"""Reads of templates: one's own, those of the units above, those of the whole system."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, literal, select

from wenming_api.access.principal import Principal
from wenming_api.activities.templates.models import ActivityTemplate, ActivityTemplateVersion
from wenming_api.activities.templates.rules import Evidence, TemplateField, TemplateState
from wenming_api.activities.templates.schemas import (
    ActivityEvidence,
    ActivityTemplateDetail,
    ActivityTemplateRow,
    ActivityTemplateSort,
)
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, contains, page
from wenming_api.kit.problems import NotFound

_T, _V = ActivityTemplate, ActivityTemplateVersion
_SORTS = {"name": _T.name, "code": _T.code, "created_at": _T.created_at}
_ROW = (_T.id, _T.code, _T.name, _T.activity_type, _T.unit_id, _T.unit_path, _T.version, _V.no.label("active_no"))


def _visible(caller: Principal) -> ColumnElement[bool]:
    from_above = literal(caller.unit_path, String).startswith(_T.unit_path)
    return caller.scope.where(_T, also=(_T.unit_path.is_(None), from_above))


def _seen(caller: Principal, *more: Any) -> Select[Any]:
    active = and_(_V.template_id == _T.id, _V.state == TemplateState.ACTIVE)
    return select(*_ROW, *more).outerjoin(_V, active).where(_visible(caller))


async def list_templates(
    session: AnySession,
    *,
    caller: Principal,
    params: PageParams,
    sort: ActivityTemplateSort = ActivityTemplateSort.NAME,
    activity_type: str | None = None,
    active: bool | None = None,
    q: str | None = None,
) -> Page[ActivityTemplateRow]:
    """Templates that the caller may use or sees, in two statements."""
    statement = _seen(caller)
    if activity_type is not None:
        statement = statement.where(_T.activity_type == activity_type)
    if active is not None:
        statement = statement.where(_V.id.is_not(None) if active else _V.id.is_(None))
    if q is not None:
        statement = statement.where(contains(_T.name, q))
    return await page(session, statement, params, sort=sort, columns=_SORTS, key=_T.id, into=ActivityTemplateRow)


async def read_template(session: AnySession, *, caller: Principal, template_id: UUID) -> ActivityTemplateDetail:
    """One template with its active version, in one statement; `NotFound`."""
    found = await session.execute(
        _seen(
            caller,
            _T.created_at,
            _T.updated_at,
            _V.id.label("version_id"),
            _V.fields,
            _V.evidence,
            _V.node_ids,
            _V.guidance,
        ).where(_T.id == template_id)
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    label = Permission.ACTIVITY_TEMPLATES_MANAGE.label
    permitted = (caller.may(Permission.ACTIVITY_TEMPLATES_MANAGE), f"需要“{label}”权限")
    keeper = (keeps(caller, row["unit_path"]), "模板由其他单位维护")
    plain = dict(row)
    if row["version_id"] is None:
        plain |= {"fields": [], "evidence": ActivityEvidence(), "node_ids": [], "guidance": ""}
    return ActivityTemplateDetail.model_validate(
        plain
        | {
            "allowed_actions": [
                action("revise", "启用新版本", permitted, keeper),
                action("retire", "停用", permitted, keeper, (row["version_id"] is not None, "模板已停用")),
            ]
        }
    )


def keeps(caller: Principal, unit_path: str | None) -> bool:
    """Whether the caller may change a template: his unit's or below; that of the whole system only with all rows."""
    return caller.scope.all_rows if unit_path is None else unit_path.startswith(caller.unit_path)


async def find_active(
    session: AnySession, *, caller: Principal, template_id: UUID
) -> tuple[ActivityTemplateVersion, str] | None:
    """The active version of a template that the caller may use, and its type of activity."""
    found = await session.execute(
        select(_V, _T.activity_type)
        .join(_T, _T.id == _V.template_id)
        .where(_T.id == template_id, _V.state == TemplateState.ACTIVE, _visible(caller))
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


def fields_of(version: ActivityTemplateVersion | None) -> list[TemplateField]:
    """The fields of a version; none without one."""
    return [TemplateField.from_json(row) for row in version.fields] if version else []


def evidence_of(version: ActivityTemplateVersion | None) -> Evidence:
    """What a version wants to see; nothing without one."""
    return Evidence(**version.evidence) if version else Evidence()
