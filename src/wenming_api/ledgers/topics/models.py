"""Table of topics."""

from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import UnitMember
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned, enum_column
from wenming_api.ledgers.topics.rules import TopicKind, TopicState


class WorkTopic(Keyed, UnitMember, Stamped, Versioned, Base):
    """Work that the unit `unit_id` calls for (重点工作、专题). Units of its region send records to it while it is open.

    `node_ids` are the catalogue nodes that it is about; none means any.
    """

    __tablename__ = "topics"
    __table_args__ = (
        CheckConstraint("opens_on <= closes_on", name="period"),
        CheckConstraint("year BETWEEN 2000 AND 2100", name="year"),
        CheckConstraint("parent_id <> id", name="parent"),
        Index("ix_topics_closes", "closes_on", "id"),
        Index("ix_topics_year", "year", "name"),
    )

    name: Mapped[str]
    kind: Mapped[TopicKind] = enum_column(TopicKind)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    year: Mapped[int]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    state: Mapped[TopicState] = enum_column(TopicState, default=TopicState.DRAFT)
    node_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("topics.id"), index=True)
    note: Mapped[str | None]
