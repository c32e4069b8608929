"""News travels upward as events: a service publishes, the worker alone knows who listens.

`publish` enqueues one job in the caller's transaction; the worker fans it out, at most once per (event, subscriber).
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.kit import clock
from wenming_api.kit.db import Base, WriteSession
from wenming_api.kit.ids import uuid7
from wenming_api.kit.jobs import Job, enqueue, job

DISPATCH = "kit.events.dispatch"


class EventDelivery(Base):
    """An event handed to a subscriber."""

    __tablename__ = "event_deliveries"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=clock.now, index=True)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened; subclasses live in `catalog.events` and carry ids, never rows."""

    name: ClassVar[str]


Subscriber = Callable[[Job, dict[str, Any]], Awaitable[None]]
_subscribers: dict[str, dict[str, str]] = {}


async def publish(session: WriteSession, event: Event) -> None:
    """Publish in the caller's transaction: a rolled-back change has no news."""
    data = {key: str(value) if isinstance(value, UUID) else value for key, value in asdict(event).items()}
    await enqueue(session, DISPATCH, {"event_id": str(uuid7()), "name": event.name, "data": data})


def subscribe(event: type[Event], subscriber: str) -> Callable[[Subscriber], Subscriber]:
    """Register the decorated handler for an event under a stable name (`city.scoring.settle_evidence`)."""

    def register(handler: Subscriber) -> Subscriber:
        @job(subscriber)
        async def deliver(work: Job) -> None:
            await handler(work, work.payload["data"])

        _subscribers.setdefault(event.name, {})[subscriber] = subscriber
        return handler

    return register


@job(DISPATCH)
async def dispatch(work: Job) -> None:
    """Fan one event out to its subscribers."""
    event_id = UUID(work.payload["event_id"])
    async with work.transaction() as session:
        for subscriber in _subscribers.get(work.payload["name"], {}):
            new = await session.execute(
                insert(EventDelivery)
                .values(event_id=event_id, subscriber=subscriber, at=clock.now())
                .on_conflict_do_nothing()
            )
            if new.rowcount == 1:  # type: ignore[attr-defined]
                await enqueue(session, subscriber, {"event_id": str(event_id), "data": work.payload["data"]})
