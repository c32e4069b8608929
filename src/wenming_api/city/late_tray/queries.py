"""Reads of the late tray."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.models import Assessment
from wenming_api.city.assessments.rules import REVIEW_OPEN
from wenming_api.city.late_tray.schemas import LateDetail, LateRow, LateSort
from wenming_api.city.scoring.models import LateSubmission, Sheet
from wenming_api.city.scoring.rules import LateState
from wenming_api.city.sites.models import Site
from wenming_api.kit.actions import action
from wenming_api.kit.db import AnySession
from wenming_api.kit.pages import Page, PageParams, page
from wenming_api.kit.problems import NotFound
from wenming_api.system.users.models import User

_Decider = aliased(User)
_ROW: tuple[Any, ...] = (
    LateSubmission.id,
    LateSubmission.assessment_id,
    LateSubmission.sheet_id,
    Sheet.site_id,
    Site.name.label("site_name"),
    LateSubmission.region_path,
    LateSubmission.owner_id.label("assessor_id"),
    User.display_name.label("assessor_name"),
    LateSubmission.state,
    LateSubmission.captured_at,
    LateSubmission.received_at,
    LateSubmission.decided_at,
    _Decider.display_name.label("decided_by_name"),
    LateSubmission.reason,
    LateSubmission.version,
)


def _rows(*more: Any) -> Select[Any]:
    return (
        select(*_ROW, *more)
        .select_from(LateSubmission)
        .outerjoin(Sheet, Sheet.id == LateSubmission.sheet_id)
        .outerjoin(Site, Site.id == Sheet.site_id)
        .outerjoin(User, User.id == LateSubmission.owner_id)
        .outerjoin(_Decider, _Decider.id == LateSubmission.decided_by)
    )


async def list_late(
    session: AnySession,
    *,
    scope: Scope,
    params: PageParams,
    assessment_id: UUID,
    sort: LateSort = LateSort.OLDEST,
    state: LateState | None = None,
) -> Page[LateRow]:
    """The tray of an assessment."""
    statement = _rows().where(LateSubmission.assessment_id == assessment_id, scope.where(LateSubmission))
    if state is not None:
        statement = statement.where(LateSubmission.state == state)
    columns = {"received_at": LateSubmission.received_at}
    return await page(session, statement, params, sort=sort, columns=columns, key=LateSubmission.id, into=LateRow)


async def read_late(session: AnySession, *, caller: Principal, assessment_id: UUID, late_id: UUID) -> LateDetail:
    """One late submission with its contents; `NotFound`."""
    found = await session.execute(
        _rows(
            LateSubmission.body.label("submission"),
            Sheet.current_version_id,
            Assessment.state.label("assessment_state"),
        )
        .join(Assessment, Assessment.id == LateSubmission.assessment_id)
        .where(
            LateSubmission.id == late_id,
            LateSubmission.assessment_id == assessment_id,
            caller.scope.where(LateSubmission),
        )
    )
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFound
    permitted = (caller.may(Permission.LATE_DECIDE), "需要“处理迟到数据”权限")
    other = (row["assessor_id"] != caller.user_id, "不能处理自己的迟到数据")
    waiting = (row["state"] is LateState.WAITING, "已经处理过")
    running = (row["assessment_state"] in REVIEW_OPEN, "当前测评状态不能再收入数据")
    actions = [
        action("admit", "收入", permitted, other, waiting, running),
        action("reject", "不予收入", permitted, other, waiting),
    ]
    return LateDetail.model_validate({**row, "allowed_actions": actions})
