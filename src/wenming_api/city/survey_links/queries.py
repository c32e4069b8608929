"""Reads of link batches."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.questionnaires.models import Questionnaire
from wenming_api.city.survey_links.models import Link, LinkBatch
from wenming_api.city.survey_links.schemas import BatchDetail, BatchRow, BatchSort
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound

_COUNTS: dict[str, Any] = {
    name: select(func.count()).where(Link.batch_id == LinkBatch.id, flag).correlate(LinkBatch).scalar_subquery()
    for name, flag in (("spent", Link.spent), ("revoked", Link.revoked))
}
_ROW: list[Any] = [
    _COUNTS[name].label(name) if name in _COUNTS else getattr(LinkBatch, name) for name in BatchRow.model_fields
]


def _rows(scope: Scope, assessment_id: UUID, questionnaire_id: UUID) -> Select[Any]:
    return (
        select(*_ROW)
        .join(Questionnaire, Questionnaire.id == LinkBatch.questionnaire_id)
        .where(
            Questionnaire.id == questionnaire_id,
            Questionnaire.assessment_id == assessment_id,
            scope.where(Questionnaire),
        )
    )


async def list_batches(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    questionnaire_id: UUID,
    sort: BatchSort = BatchSort.NEWEST,
) -> Page[BatchRow]:
    """Batches with how many links were spent and revoked. Two statements."""
    statement = _rows(scope, assessment_id, questionnaire_id)
    columns = {"created_at": LinkBatch.created_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=LinkBatch.id, into=BatchRow)


async def read_batch(
    session: AnySession, *, caller: Principal, assessment_id: UUID, questionnaire_id: UUID, batch_id: UUID
) -> BatchDetail:
    """One batch with what the caller may do. One statement; `NotFound`."""
    found = await session.execute(_rows(caller.scope, assessment_id, questionnaire_id).where(LinkBatch.id == batch_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    checks = (
        (caller.may(Permission.QUESTIONNAIRES_MANAGE), "需要“编制问卷”权限"),
        (row["spent"] + row["revoked"] < row["links"], "没有可作废的链接"),
    )
    return BatchDetail(**row, allowed_actions=[action("revoke", "作废链接", *checks)])
