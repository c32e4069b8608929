"""Changes of topics, by people of the unit that issues them (S1.4)."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from wenming_api.access.principal import Principal
from wenming_api.kit.db import WriteSession
from wenming_api.kit.problems import FieldError, Forbidden, IllegalTransition, InvalidInput, check_edited, check_judged
from wenming_api.ledgers.catalogues.models import CatalogueNode
from wenming_api.ledgers.topics.models import WorkTopic
from wenming_api.ledgers.topics.queries import TopicNotFound, visible
from wenming_api.ledgers.topics.rules import (
    FIXED_WHEN_PUBLISHED,
    MAY_BE_PARENT,
    TopicAction,
    TopicState,
    legal_actions,
    next_state,
    why_not,
)
from wenming_api.ledgers.topics.schemas import TopicCreate, TopicUpdate
from wenming_api.system.audit.service import record

_NULLABLE = {"parent_id", "note"}
_TRACKED = ("name", "kind", "year", "opens_on", "closes_on", "state", "node_ids", "parent_id", "note")


async def create_topic(session: WriteSession, *, caller: Principal, new: TopicCreate) -> WorkTopic:
    """A draft of the caller's unit. `InvalidInput` names nodes and parents that there are not."""
    await _check_references(session, caller, new.model_dump())
    made = WorkTopic(
        **new.model_dump(), unit_id=caller.unit_id, unit_path=caller.unit_path, region_path=caller.region_path
    )
    session.add(made)
    await session.flush()  # the answer is read from the database
    await record(session, caller=caller, action="topics.create", target=("topic", made.id), after=_shown(made))
    return made


async def update_topic(
    session: WriteSession, *, caller: Principal, topic_id: UUID, version: int, changes: TopicUpdate
) -> None:
    """Change the given fields. Raises `StaleVersion`; `IllegalTransition` once it is closed; `InvalidInput` for what
    does not change after publication."""
    topic = await _locked(session, caller, topic_id)
    check_edited(version, topic.version)
    _check(topic, TopicAction.UPDATE)
    given = changes.model_dump(exclude_unset=True)
    errors = [FieldError(f"/{name}", "不能为空") for name in given if given[name] is None and name not in _NULLABLE]
    if topic.state is TopicState.PUBLISHED:
        errors += [
            FieldError(f"/{name}", "发布后不能修改")
            for name in FIXED_WHEN_PUBLISHED & given.keys()
            if given[name] != getattr(topic, name)
        ]
    opens_on, closes_on = given.get("opens_on") or topic.opens_on, given.get("closes_on") or topic.closes_on
    if closes_on < opens_on:
        errors.append(FieldError("/closes_on", "截止日不能早于开始日"))
    if errors:
        raise InvalidInput(errors=errors)
    await _check_references(session, caller, given)
    before = _shown(topic)
    for name, value in given.items():
        setattr(topic, name, value)
    await session.flush()  # the answer carries the new version
    await record(
        session, caller=caller, action="topics.update", target=("topic", topic.id), before=before, after=_shown(topic)
    )


async def delete_topic(session: WriteSession, *, caller: Principal, topic_id: UUID, version: int) -> None:
    """Remove a draft. Raises `StaleVersion`, `IllegalTransition`."""
    topic = await _locked(session, caller, topic_id)
    check_edited(version, topic.version)
    _check(topic, TopicAction.DELETE)
    await session.delete(topic)
    await record(session, caller=caller, action="topics.delete", target=("topic", topic.id), before=_shown(topic))


async def move_topic(
    session: WriteSession,
    *,
    caller: Principal,
    topic_id: UUID,
    version: int,
    action: TopicAction,
    reason: str | None = None,
) -> WorkTopic:
    """Publish, close, reopen or archive. Raises `VersionMoved`, `IllegalTransition`."""
    topic = await _locked(session, caller, topic_id)
    check_judged(version, topic.version)
    _check(topic, action)
    before = topic.state
    topic.state = next_state(topic.state, action) or topic.state
    await session.flush()  # the answer carries the new version
    await record(
        session,
        caller=caller,
        action=f"topics.{action}",
        target=("topic", topic.id),
        before={"state": before},
        after={"state": topic.state},
        reason=reason,
    )
    return topic


async def _locked(session: WriteSession, caller: Principal, topic_id: UUID) -> WorkTopic:
    topic = await session.scalar(select(WorkTopic).where(WorkTopic.id == topic_id, visible(caller)).with_for_update())
    if topic is None:
        raise TopicNotFound
    if topic.unit_id != caller.unit_id:
        raise Forbidden("只有发布单位可以变更专项工作。")
    return topic


def _check(topic: WorkTopic, action: TopicAction) -> None:
    if refusal := why_not(topic.state, action):
        raise IllegalTransition(f"{refusal}。", allowed=legal_actions(topic.state))


async def _check_references(session: WriteSession, caller: Principal, given: dict[str, Any]) -> None:
    errors: list[FieldError] = []
    nodes = set(given.get("node_ids") or [])
    if nodes:
        known = await session.scalar(select(func.count()).where(CatalogueNode.id.in_(nodes)))
        if known != len(nodes):
            errors.append(FieldError("/node_ids", "有不存在的分类"))
    if given.get("parent_id") is not None:
        # Only what was published can be a parent, and what was published keeps its own: there are no circles.
        above = select(WorkTopic.id).where(WorkTopic.id == given["parent_id"], visible(caller))
        if await session.scalar(above.where(WorkTopic.state.in_(MAY_BE_PARENT))) is None:
            errors.append(FieldError("/parent_id", "上级专项工作不存在、未发布或已归档"))
    if errors:
        raise InvalidInput(errors=errors)


def _shown(topic: WorkTopic) -> dict[str, Any]:
    return {name: getattr(topic, name) for name in _TRACKED}
