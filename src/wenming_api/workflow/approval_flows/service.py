"""Changes of approval levels and flows (M2.9). Approvals that are running go on by the flow they began with."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from wenming_api.access.principal import Principal
from wenming_api.kit import clock
from wenming_api.kit.db import WriteSession
from wenming_api.kit.fields import Transition
from wenming_api.kit.problems import (
    Conflict,
    FieldError,
    Forbidden,
    IllegalTransition,
    InvalidInput,
    NotFound,
    check_edited,
    check_judged,
)
from wenming_api.system.audit.service import record
from wenming_api.system.regions.service import hold_tree
from wenming_api.system.units.models import Unit
from wenming_api.workflow.approval_flows.models import ApprovalFlow, ApprovalLevel, ApprovalStep
from wenming_api.workflow.approval_flows.queries import applies_to
from wenming_api.workflow.approval_flows.rules import base_flows, base_levels
from wenming_api.workflow.approval_flows.schemas import FlowCreate, FlowUpdate, LevelCreate, LevelUpdate, StepIn


class FlowInUse(Conflict):
    """A flow of this kind is in use for the unit, or for the whole system."""

    code = "flow_in_use"
    title = "已有在用的流程"


class LevelCodeTaken(Conflict):
    """The code or name of a level is in use."""

    code = "level_code_taken"
    title = "审核级别的代码或名称已被使用"


class WholeSystemOnly(Forbidden):
    """What applies to the whole system is kept by those who see all of it."""

    code = "whole_system_only"
    title = "只有数据范围为全部数据的人员可以维护"

    def __init__(self) -> None:
        super().__init__("审核级别和全系统的流程影响所有单位，须由数据范围为全部数据的人员维护。")


def _check_whole_system(caller: Principal) -> None:
    if not caller.scope.all_rows:
        raise WholeSystemOnly


async def create_level(session: WriteSession, *, caller: Principal, new: LevelCreate) -> ApprovalLevel:
    """Add an approval level."""
    _check_whole_system(caller)
    await _check_level_free(session, code=new.code, name=new.name)
    level = ApprovalLevel(**new.model_dump())
    session.add(level)
    await session.flush()  # a code taken at the same moment must answer here
    await record(
        session,
        caller=caller,
        action="approval_levels.create",
        target=("approval_level", None),
        after=new.model_dump(mode="json"),
    )
    return level


async def update_level(
    session: WriteSession, *, caller: Principal, code: str, version: int, changes: LevelUpdate
) -> ApprovalLevel:
    """Rename a level, or give it another permission: for approvals that begin from now on."""
    _check_whole_system(caller)
    level = await session.get(ApprovalLevel, code, with_for_update=True)
    if level is None:
        raise NotFound
    check_edited(version, level.version)
    given = changes.model_dump(exclude_none=True, exclude={"reason"})
    if "name" in given:
        await _check_level_free(session, name=given["name"], but=code)
    before = {name: getattr(level, name) for name in given}
    for name, value in given.items():
        setattr(level, name, value)
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="approval_levels.update",
        target=("approval_level", None),
        before={"code": code, **before},
        after={"code": code, **given},
        reason=changes.reason,
    )
    return level


async def _check_level_free(
    session: WriteSession, *, name: str, code: str | None = None, but: str | None = None
) -> None:
    taken = (ApprovalLevel.name == name) | (ApprovalLevel.code == code) if code else ApprovalLevel.name == name
    statement = select(ApprovalLevel.code).where(taken)
    if but is not None:
        statement = statement.where(ApprovalLevel.code != but)
    if await session.scalar(statement.limit(1)) is not None:
        raise LevelCodeTaken("代码或名称已被其他审核级别使用，请换一个。")


async def create_flow(session: WriteSession, *, caller: Principal, new: FlowCreate) -> ApprovalFlow:
    """Add a flow for a unit in the caller's scope, or for the whole system."""
    paths: dict[str, Any] = {"unit_path": None, "region_path": ""}
    if new.unit_id is None:
        _check_whole_system(caller)
    else:
        await hold_tree(session)
        found = await session.execute(
            select(Unit.unit_path, Unit.region_path).where(
                Unit.id == new.unit_id, Unit.active, caller.scope.where(Unit)
            )
        )
        unit = found.one_or_none()
        if unit is None:
            raise InvalidInput(errors=[FieldError("/unit_id", "单位不存在、已停用，或不在您的数据范围内")])
        paths = {"unit_path": unit.unit_path, "region_path": unit.region_path}
    await _check_levels(session, new.steps)
    await _check_free(session, kind=new.kind, unit_id=new.unit_id)
    flow = ApprovalFlow(kind=new.kind, name=new.name, unit_id=new.unit_id, active=True, **paths)
    session.add(flow)
    await session.flush()  # steps refer to it, and a flow added at the same moment must answer here
    _add_steps(session, flow.id, new.steps)
    await session.flush()  # the answer reads them
    await record(
        session,
        caller=caller,
        action="approval_flows.create",
        target=("approval_flow", flow.id),
        after=new.model_dump(mode="json"),
    )
    return flow


async def update_flow(
    session: WriteSession, *, caller: Principal, flow_id: UUID, version: int, changes: FlowUpdate
) -> ApprovalFlow:
    """Replace the name and steps of a flow in use."""
    flow = await _locked(session, flow_id, caller)
    check_edited(version, flow.version)
    if not flow.active:
        raise IllegalTransition("流程已停用，请先启用。", allowed=["enable"])
    await _check_levels(session, changes.steps)
    before = {"name": flow.name, "steps": await _steps_of(session, flow_id)}
    flow.name, flow.updated_at = changes.name, clock.now()
    await session.execute(delete(ApprovalStep).where(ApprovalStep.flow_id == flow_id))
    _add_steps(session, flow_id, changes.steps)
    await session.flush()  # the answer carries the new version and reads the steps
    after = changes.model_dump(mode="json", include={"name", "steps"})
    await record(
        session,
        caller=caller,
        action="approval_flows.update",
        target=("approval_flow", flow_id),
        before=before,
        after=after,
        reason=changes.reason,
    )
    return flow


async def set_active(
    session: WriteSession, *, caller: Principal, flow_id: UUID, judged: Transition, active: bool
) -> ApprovalFlow:
    """Take a flow out of use or back; one flow of a kind is in use for a unit."""
    flow = await _locked(session, flow_id, caller)
    check_judged(judged.version, flow.version)
    if flow.active is active:
        now, other = ("在用", "disable") if active else ("停用", "enable")
        raise IllegalTransition(f"流程已经是{now}状态。", allowed=[other])
    if active:
        await _check_free(session, kind=flow.kind, unit_id=flow.unit_id)
    flow.active = active
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="approval_flows.enable" if active else "approval_flows.disable",
        target=("approval_flow", flow_id),
        before={"active": not active},
        after={"active": active},
        reason=judged.reason,
    )
    return flow


async def _locked(session: WriteSession, flow_id: UUID, caller: Principal) -> ApprovalFlow:
    found = await session.execute(
        select(ApprovalFlow).where(ApprovalFlow.id == flow_id, applies_to(caller.scope)).with_for_update()
    )
    flow = found.scalar_one_or_none()
    if flow is None:
        raise NotFound
    if flow.unit_id is None:
        _check_whole_system(caller)
    return flow


async def _check_levels(session: WriteSession, steps: Sequence[StepIn]) -> None:
    there = set(
        await session.scalars(
            select(ApprovalLevel.code).where(ApprovalLevel.code.in_({step.level_code for step in steps}))
        )
    )
    faults = [
        FieldError(f"/steps/{no}/level_code", "没有这个审核级别")
        for no, step in enumerate(steps)
        if step.level_code not in there
    ]
    if faults:
        raise InvalidInput(errors=faults)


async def _check_free(session: WriteSession, *, kind: str, unit_id: UUID | None) -> None:
    same = ApprovalFlow.unit_id.is_(None) if unit_id is None else ApprovalFlow.unit_id == unit_id
    used = await session.scalar(select(ApprovalFlow.name).where(ApprovalFlow.kind == kind, ApprovalFlow.active, same))
    if used is not None:
        raise FlowInUse(f"同类内容已有在用的流程“{used}”，请修改它，或先停用。")


def _add_steps(session: WriteSession, flow_id: UUID, steps: Sequence[StepIn]) -> None:
    session.add_all(
        ApprovalStep(flow_id=flow_id, position=position, **step.model_dump()) for position, step in enumerate(steps, 1)
    )


async def _steps_of(session: WriteSession, flow_id: UUID) -> list[dict[str, Any]]:
    columns = [ApprovalStep.name, ApprovalStep.level_code, ApprovalStep.place, ApprovalStep.working_days]
    found = await session.execute(
        select(*columns).where(ApprovalStep.flow_id == flow_id).order_by(ApprovalStep.position)
    )
    return [dict(row) for row in found.mappings()]


async def load_base_flows(session: WriteSession) -> int:
    """Add the levels and flows delivered with the product that are not there yet; answers how many flows.

    A kind for which the customer has any flow of the whole system, in use or not, stays as it is.
    """
    moment = clock.now()
    stamps = {"version": 1, "created_at": moment, "updated_at": moment}
    await session.execute(
        insert(ApprovalLevel)
        .values(
            [
                {"code": level.code, "name": level.name, "rank": level.rank, "permission": level.permission, **stamps}
                for level in base_levels()
            ]
        )
        .on_conflict_do_nothing()
    )
    there = set(await session.scalars(select(ApprovalFlow.kind).where(ApprovalFlow.unit_id.is_(None))))
    missing = [flow for flow in base_flows() if flow.kind not in there]
    for flow in missing:
        made = ApprovalFlow(kind=flow.kind, name=flow.name, unit_id=None, unit_path=None, region_path="", active=True)
        session.add(made)
        await session.flush()  # steps refer to it
        session.add_all(
            ApprovalStep(
                flow_id=made.id,
                position=position,
                name=step.name,
                level_code=step.level_code,
                place=step.place,
                working_days=step.working_days,
            )
            for position, step in enumerate(flow.steps, 1)
        )
    await session.flush()  # whoever seeds on reads them
    return len(missing)
