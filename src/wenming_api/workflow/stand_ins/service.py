"""Changes of stand-ins: naming a deputy, ending it early."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from wenming_api.access.principal import Principal
from wenming_api.catalog.permissions import Permission
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
    check_judged,
)
from wenming_api.messaging.inbox.rules import Topic
from wenming_api.messaging.inbox.service import notify
from wenming_api.system.audit.service import record
from wenming_api.system.users.models import User
from wenming_api.workflow.approval_flows.models import ApprovalLevel
from wenming_api.workflow.approval_flows.rules import base_levels
from wenming_api.workflow.calendars.queries import today
from wenming_api.workflow.stand_ins.models import StandIn
from wenming_api.workflow.stand_ins.queries import PERMISSIONS_HELD
from wenming_api.workflow.stand_ins.rules import Span, clash, within_reach
from wenming_api.workflow.stand_ins.schemas import StandInCreate


class StandInClash(Conflict):
    """One of the two has a deputy, or is one, on some of these days."""

    code = "stand_in_clash"
    title = "与已有的代理冲突"


@dataclass(frozen=True, slots=True)
class _Person:
    id: UUID
    display_name: str
    unit_id: UUID
    unit_path: str
    region_path: str
    active: bool
    permissions: frozenset[str]


async def create_stand_in(session: WriteSession, *, caller: Principal, new: StandInCreate) -> StandIn:
    """Name a deputy for oneself, or for somebody in one's scope.

    Raises:
        InvalidInput: days past; a deputy out of reach, or without any of the permissions to decide.
        Forbidden: for somebody else, without the permission.
        StandInClash: either of the two has a deputy or is one on some of these days.
    """
    user_id = new.user_id or caller.user_id
    if user_id != caller.user_id and not caller.may(Permission.STAND_INS_MANAGE):
        raise Forbidden("为他人登记代理需要“登记他人代理”权限。", permission=Permission.STAND_INS_MANAGE.value)
    if new.starts_on < today():
        raise InvalidInput(errors=[FieldError("/starts_on", "不能早于今天")])
    people = await _both(session, user_id, new.deputy_id)
    user, deputy = people.get(user_id), people.get(new.deputy_id)
    if user is None or not (
        user_id == caller.user_id or (user.active and caller.scope.holds_unit(user.unit_path, user.region_path))
    ):
        raise InvalidInput(errors=[FieldError("/user_id", "用户不存在、已停用，或不在您的数据范围内")])
    if user_id != new.deputy_id:
        await _check_deputy(session, user, deputy)
    span = Span(user_id, new.deputy_id, new.starts_on, new.ends_on)
    problem = clash(span, await _spans_of(session, user_id, new.deputy_id))
    if problem is not None:
        raise StandInClash(f"{problem}。")
    made = StandIn(
        user_id=user_id,
        deputy_id=new.deputy_id,
        unit_id=user.unit_id,
        unit_path=user.unit_path,
        region_path=user.region_path,
        kind=new.kind,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        reason=new.reason,
        made_by=caller.user_id,
    )
    session.add(made)
    await session.flush()  # the answer reads it
    await record(
        session,
        caller=caller,
        action="stand_ins.create",
        target=("stand_in", made.id),
        after=new.model_dump(mode="json", exclude={"reason"}) | {"user_id": str(user_id)},
        reason=new.reason,
    )
    await notify(
        session,
        {user_id, new.deputy_id} - {caller.user_id},
        topic=Topic.APPROVAL,
        title=f"{deputy.display_name if deputy else ''}将代理{user.display_name}审批",
        body=f"{new.starts_on}至{new.ends_on}（{new.kind.label}）。原因：{new.reason}",
        target=("stand_in", made.id),
    )
    return made


async def _both(session: WriteSession, *ids: UUID) -> dict[UUID, _Person]:
    """Both people, whose stand-ins nobody else changes until this transaction ends."""
    # Locked in one order, so that two who name each other do not wait for each other.
    await session.execute(select(User.id).where(User.id.in_(ids)).order_by(User.id).with_for_update(key_share=True))
    found = await session.execute(
        select(
            *(User.id, User.display_name, User.unit_id, User.unit_path, User.region_path, User.active),
            PERMISSIONS_HELD.label("permissions"),
        ).where(User.id.in_(ids))
    )
    return {row.id: _Person(**{**row, "permissions": frozenset(row["permissions"] or ())}) for row in found.mappings()}


async def _check_deputy(session: WriteSession, user: _Person, deputy: _Person | None) -> None:
    if deputy is None or not deputy.active or not within_reach(user.unit_path, deputy.unit_path):
        raise InvalidInput(errors=[FieldError("/deputy_id", "代理人须是本单位或上下级单位的在用用户")])
    deciding = {level.permission for level in base_levels()} | set(
        await session.scalars(select(ApprovalLevel.permission))
    )
    lent = user.permissions & deciding
    if not lent:
        raise InvalidInput(errors=[FieldError("/user_id", "没有任何审批权限，不需要代理")])
    if not lent & deputy.permissions:
        raise InvalidInput(errors=[FieldError("/deputy_id", "代理人没有委托人的任何一项审批权限")])


async def _spans_of(session: WriteSession, *people: UUID) -> list[Span]:
    found = await session.execute(
        select(StandIn.user_id, StandIn.deputy_id, StandIn.starts_on, StandIn.ends_on)
        .where(
            StandIn.ended_at.is_(None),
            StandIn.ends_on >= today(),
            or_(StandIn.user_id.in_(people), StandIn.deputy_id.in_(people)),
        )
        .order_by(StandIn.starts_on)
    )
    return [Span(*row) for row in found]


async def end_stand_in(session: WriteSession, *, caller: Principal, stand_in_id: UUID, judged: Transition) -> StandIn:
    """End a stand-in early: the deputy decides no more from now on."""
    seen = [StandIn.user_id == caller.user_id, StandIn.deputy_id == caller.user_id]
    if caller.may(Permission.STAND_INS_MANAGE):
        seen.append(caller.scope.where(StandIn))
    found = await session.execute(select(StandIn).where(StandIn.id == stand_in_id, or_(*seen)).with_for_update())
    made = found.scalar_one_or_none()
    if made is None:
        raise NotFound
    if made.user_id != caller.user_id and not caller.may(Permission.STAND_INS_MANAGE):
        raise Forbidden("由委托人本人，或有“登记他人代理”权限的人员结束。")
    check_judged(judged.version, made.version)
    if made.ended_at is not None or made.ends_on < today():
        raise IllegalTransition("代理已经结束。", allowed=[])
    made.ended_at = clock.now()
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action="stand_ins.end",
        target=("stand_in", made.id),
        before={"ended_at": None},
        after={"ended_at": made.ended_at},
        reason=judged.reason,
    )
    return made
