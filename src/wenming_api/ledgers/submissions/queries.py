"""Reads of submissions. Both sides see them: the sender's unit and the receiver's, each with the offices above it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from wenming_api.access.principal import Principal
from wenming_api.access.scope import Scope
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.actions import AllowedAction
from wenming_api.kit.bare import Row
from wenming_api.kit.db import AnySession
from wenming_api.kit.kept import SHAPES, Found, Kept, KeptPage, Shapes, Source, equals, under
from wenming_api.kit.pages import PageParams, escape_like
from wenming_api.kit.problems import NotFound
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.contents.rules import differences
from wenming_api.ledgers.records.models import Record, RecordVersion
from wenming_api.ledgers.submissions.models import Submission, SubmissionNode, SubmissionRound
from wenming_api.ledgers.submissions.rules import OPEN, Situation, SubmissionAction, SubmissionState, why_not
from wenming_api.ledgers.submissions.schemas import (
    SubmissionChange,
    SubmissionChanges,
    SubmissionDetail,
    SubmissionFilter,
    SubmissionRow,
    SubmissionSort,
)
from wenming_api.ledgers.topics.models import WorkTopic
from wenming_api.ledgers.topics.rules import TopicState
from wenming_api.system.regions.models import Region
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User
from wenming_api.workflow.approvals.queries import standings
from wenming_api.workflow.approvals.rules import ApprovalState, Standing

_Receiver, _RecordUnit = aliased(Unit), aliased(Unit)
_Author, _Sender, _Receipt, _Decider = aliased(User), aliased(User), aliased(User), aliased(User)
_By, _ReceivedBy, _DecidedBy = aliased(User), aliased(User), aliased(User)
_SORTS = {"submitted_at": Submission.submitted_at, "deadline_on": Submission.deadline_on}


class SubmissionNotFound(NotFound):
    """There is no such submission, or neither side of it lies in the caller's scope."""

    code = "submission_not_found"
    title = "未找到报送"


class _SentSide:
    """The columns by which the sender's side sees a submission."""

    unit_path = Submission.unit_path
    region_path = Submission.region_path
    owner_id = Submission.owner_id


class _ReceivedSide:
    """The columns by which the receiver's side sees it."""

    unit_path = Submission.receiver_unit_path
    region_path = Submission.receiver_region_path


def visible(scope: Scope) -> ColumnElement[bool]:
    """Which submissions a scope shows, by either side."""
    return scope.where(_SentSide, also=(scope.where(_ReceivedSide),))


_NAMES: dict[str, Any] = {
    "record_unit_name": _RecordUnit.name,
    "unit_name": Unit.name,
    "receiver_unit_name": _Receiver.name,
    "topic_name": WorkTopic.name,
    "author_id": Record.owner_id,
    "author_name": _Author.display_name,
    "submitted_by_name": _Sender.display_name,
    "received_by_name": _Receipt.display_name,
    "decided_by_name": _Decider.display_name,
    "approved_version_no": Record.approved_version_no,
    "content": RecordVersion.content,
    "findings": RecordVersion.findings,
}
_ROW = [name for name in SubmissionRow.model_fields if name != "overdue"]


def rows(*more: Any, fields: list[str] = _ROW) -> Select[Any]:
    """The given fields of submissions with the names they refer to. The joins are outer so that a count may drop
    them."""
    columns = [_NAMES[name].label(name) if name in _NAMES else getattr(Submission, name) for name in fields]
    return (
        select(*columns, *more)
        .select_from(Submission)
        .outerjoin(Unit, Unit.id == Submission.unit_id)
        .outerjoin(_Receiver, _Receiver.id == Submission.receiver_unit_id)
        .outerjoin(_RecordUnit, _RecordUnit.id == Submission.record_unit_id)
        .outerjoin(WorkTopic, WorkTopic.id == Submission.topic_id)
    )


_late = and_(
    Submission.state.in_([SubmissionState.SUBMITTED, SubmissionState.RECEIVED]),
    Submission.deadline_on < bindparam("today", type_=Date),
)
_node, _above = aliased(CatalogueNode), aliased(CatalogueNode)
_MATCHES: dict[str, ColumnElement[bool]] = {
    "sent": Submission.unit_id == bindparam("own_unit_id", type_=Uuid),
    "received": Submission.receiver_unit_id == bindparam("own_unit_id", type_=Uuid),
    "state": Submission.state == any_(bindparam("states", type_=ARRAY(Text))),
    "one_state": Submission.state == bindparam("one_state", type_=Text),
    "purpose": equals(Submission.purpose),
    "topic_id": equals(Submission.topic_id),
    "unit_id": equals(Submission.unit_id),
    "receiver_unit_id": equals(Submission.receiver_unit_id),
    "record_id": equals(Submission.record_id),
    "region_id": under(
        Submission.region_path,
        select(Region.path).where(Region.id == bindparam("region_id", type_=Uuid)).scalar_subquery(),
    ),
    "node_id": Submission.id.in_(
        select(SubmissionNode.submission_id)
        .join(_node, _node.id == SubmissionNode.node_id)
        .join(_above, and_(_above.catalogue_id == _node.catalogue_id, func.starts_with(_node.path, _above.path)))
        .where(_above.id == bindparam("node_id", type_=Uuid))
    ),
    "submitted_from": Submission.submitted_at >= bindparam("submitted_from", type_=DateTime(timezone=True)),
    "submitted_until": Submission.submitted_at < bindparam("submitted_until", type_=DateTime(timezone=True)),
    "late": _late,
    "in_time": or_(~_late, Submission.deadline_on.is_(None)),
    "q": Submission.record_title.ilike(bindparam("q", type_=Text), escape="\\"),
}
"""The condition of each filter; its values are bound under the names that `_bound` gives them."""


def today() -> date:
    """The day in Asia/Shanghai, which deadlines are counted in."""
    return clock.at_the_edge(clock.now()).date()


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock.SHANGHAI)


def _bound(wanted: SubmissionFilter, caller: Principal) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of the conditions that the filter asks for, and what they are bound to."""
    values = wanted.given()
    names = list(values)
    if (box := values.pop("box", None)) is not None:
        names[names.index("box")] = box.value
        values["own_unit_id"] = caller.unit_id
    if "state" in values:
        states = values.pop("state").split(",")
        if len(states) == 1:  # an index serves a single state in the order of time
            names[names.index("state")] = "one_state"
            values["one_state"] = states[0]
        else:
            values["states"] = states
    if (overdue := values.pop("overdue", None)) is not None:
        names[names.index("overdue")] = "late" if overdue else "in_time"
        values["today"] = today()
    if "submitted_from" in values:
        values["submitted_from"] = _start_of(values["submitted_from"])
    if "submitted_until" in values:
        values["submitted_until"] = _start_of(values["submitted_until"] + timedelta(days=1))
    if "q" in values:
        values["q"] = f"%{escape_like(values['q'])}%"
    return tuple(names), values


_lists = Shapes[KeptPage]()


async def list_submissions(
    source: Source,
    *,
    caller: Principal,
    wanted: SubmissionFilter,
    params: PageParams,
    sort: SubmissionSort = SubmissionSort.NEWEST,
) -> Found:
    """A page of submissions (rows as `SubmissionRow`, but for `overdue`). Two statements."""
    names, values = _bound(wanted, caller)

    def make() -> KeptPage:
        condition = and_(visible(caller.scope), *(_MATCHES[name] for name in names))
        return KeptPage(rows(), condition, sort=sort, columns=_SORTS, key=Submission.id)

    return await _lists.of((caller.scope, sort, names), make).read(source, params, **values)


def overdue(row: Row) -> dict[str, Any]:
    """The field of a row that depends on the day."""
    return {"overdue": row["state"] in OPEN and row["deadline_on"] is not None and row["deadline_on"] < today()}


async def read_rows(session: AnySession, submission_ids: list[UUID]) -> list[SubmissionRow]:
    """The rows of some submissions, in this order, whoever asks. One statement."""
    found = await session.execute(rows().where(Submission.id.in_(submission_ids)))
    by_id = {row["id"]: row for row in found.mappings()}
    return [SubmissionRow.model_validate({**by_id[each], **overdue(by_id[each])}) for each in submission_ids]


_MADE = {"overdue", "rounds", "step_name", "on_behalf_of", "allowed_actions"}
_DETAIL = [name for name in SubmissionDetail.model_fields if name not in _MADE]
_TOPIC_STATE = WorkTopic.state.label("topic_state")


@lru_cache(maxsize=SHAPES)
def _detail(scope: Scope) -> Kept:
    """A submission with all that its detail shows but the approval, for one scope."""
    sent = func.jsonb_build_object(
        *("no", SubmissionRound.no, "version_no", SubmissionRound.version_no),
        *("submitted_by_name", _By.display_name, "submitted_at", SubmissionRound.submitted_at),
        *("received_by_name", _ReceivedBy.display_name, "received_at", SubmissionRound.received_at),
        *("outcome", SubmissionRound.outcome),
        *("decided_by_name", _DecidedBy.display_name, "decided_at", SubmissionRound.decided_at),
        *("reason", SubmissionRound.reason, "marks", SubmissionRound.marks),
    )
    rounds = (
        select(func.jsonb_agg(aggregate_order_by(sent, SubmissionRound.no)))
        .outerjoin(_By, _By.id == SubmissionRound.submitted_by)
        .outerjoin(_ReceivedBy, _ReceivedBy.id == SubmissionRound.received_by)
        .outerjoin(_DecidedBy, _DecidedBy.id == SubmissionRound.decided_by)
        .where(SubmissionRound.submission_id == Submission.id)
        .correlate(Submission)
        .scalar_subquery()
    )
    return Kept(
        rows(rounds.label("rounds"), _TOPIC_STATE, fields=_DETAIL)
        .outerjoin(_Sender, _Sender.id == Submission.submitted_by)
        .outerjoin(_Receipt, _Receipt.id == Submission.received_by)
        .outerjoin(_Decider, _Decider.id == Submission.decided_by)
        .outerjoin(Record, Record.id == Submission.record_id)
        .outerjoin(_Author, _Author.id == Record.owner_id)
        .outerjoin(
            RecordVersion,
            and_(RecordVersion.record_id == Submission.record_id, RecordVersion.no == Submission.version_no),
        )
        .where(Submission.id == bindparam("submission_id", type_=Uuid), visible(scope))
    )


async def read_submission(session: AnySession, *, caller: Principal, submission_id: UUID) -> SubmissionDetail:
    """One submission as either side sees it; :class:`SubmissionNotFound`.

    One statement, three while it waits for a decision.
    """
    row = await _detail(caller.scope).row(session, submission_id=submission_id)
    if row is None:
        raise SubmissionNotFound
    standing = await read_standing(session, caller=caller, row=row)
    now = situation(row, caller=caller, standing=standing)
    pending = standing is not None and standing.state is ApprovalState.PENDING
    return SubmissionDetail.model_validate(
        {
            **row,
            **overdue(row),
            "rounds": row["rounds"] or [],
            "step_name": standing.step_name if standing and pending else None,
            "on_behalf_of": standing.on_behalf_of if standing else None,
            "allowed_actions": allowed_actions(now),
        }
    )


async def read_standing(session: AnySession, *, caller: Principal, row: Mapping[str, Any]) -> Standing | None:
    """The standing of a submission's approval for the caller, while it matters. Two statements, or none."""
    if row["approval_id"] is None or row["state"] not in OPEN:
        return None
    return (await standings(session, caller=caller, approval_ids=[row["approval_id"]])).get(row["approval_id"])


def situation(row: Mapping[str, Any], *, caller: Principal, standing: Standing | None) -> Situation:
    """What decides what the caller may do. `row`: columns of the submission, of its record and of its topic."""
    may_decide = standing is not None and standing.may_decide
    topic_state = row["topic_state"]
    newer = row["approved_version_no"]
    return Situation(
        state=SubmissionState(row["state"]),
        may_send=caller.may(Permission.SUBMISSIONS_SEND),
        may_review=caller.may(Permission.SUBMISSIONS_REVIEW),
        in_sender=caller.unit_id == row["unit_id"],
        in_receiver=caller.unit_id == row["receiver_unit_id"] or may_decide,
        is_author=caller.user_id in {row["author_id"], row["submitted_by"]},
        may_decide=may_decide,
        decide_why_not=standing.why_not if standing else None,
        newer_approved=newer is not None and newer > row["version_no"],
        topic_closed=(
            f"该专项工作{TopicState(topic_state).label}，不再接收报送"
            if topic_state is not None and topic_state != TopicState.PUBLISHED
            else None
        ),
    )


def allowed_actions(now: Situation) -> list[AllowedAction]:
    """What may be done, for the sender and for the receiver, and why not the rest."""
    refusals = {action: why_not(action, now) for action in SubmissionAction}
    return [
        AllowedAction(action=action, label=action.label, allowed=reason is None, why_not=reason)
        for action, reason in refusals.items()
    ]


async def read_changes(session: AnySession, *, scope: Scope, submission_id: UUID) -> SubmissionChanges:
    """What changed since the last round, field by field. Two statements; :class:`SubmissionNotFound`."""
    seen = await session.execute(
        select(Submission.record_id, Submission.version_no, SubmissionRound.version_no.label("before"))
        .outerjoin(
            SubmissionRound,
            and_(SubmissionRound.submission_id == Submission.id, SubmissionRound.no == Submission.round - 1),
        )
        .where(Submission.id == submission_id, visible(scope))
    )
    row = seen.one_or_none()
    if row is None:
        raise SubmissionNotFound
    contents: dict[int, dict[str, Any]] = {}
    if row.before is not None:
        found = await session.execute(
            select(RecordVersion.no, RecordVersion.content).where(
                RecordVersion.record_id == row.record_id, RecordVersion.no.in_([row.before, row.version_no])
            )
        )
        contents = {each.no: each.content for each in found}
    changes = differences(contents[row.before], contents[row.version_no]) if contents else []
    return SubmissionChanges(
        from_version_no=row.before,
        to_version_no=row.version_no,
        changes=[
            SubmissionChange(path=each.path, label=each.label, before=each.before, after=each.after) for each in changes
        ],
    )
