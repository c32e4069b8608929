"""Tables of manuscripts. A version, once written, never changes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from wenming_api.access.columns import OwnerScoped, UnitMember
from wenming_api.kit import clock
from wenming_api.kit.db import Base, Keyed, Stamped, Versioned


class Manuscript(Keyed, UnitMember, OwnerScoped, Stamped, Versioned, Base):
    """Text for media (稿件) made from an activity; `current_no` numbers its newest version, `ready_no` the one that was
    last called ready: what those see whom it was sent to."""

    __tablename__ = "activity_manuscripts"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str]
    current_no: Mapped[int]
    ready_no: Mapped[int | None]

    __table_args__ = (CheckConstraint("ready_no BETWEEN 1 AND current_no", name="ready"),)


class ManuscriptVersion(Base):
    """The `no`-th version of a manuscript; `file_ids` are pictures of the activity."""

    __tablename__ = "manuscript_versions"

    manuscript_id: Mapped[UUID] = mapped_column(ForeignKey("activity_manuscripts.id"), primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str]
    lead: Mapped[str]
    author_line: Mapped[str]
    body: Mapped[str]
    file_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    made_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    reason: Mapped[str | None]


class ManuscriptDispatch(Base):
    """The version of a manuscript that went with a submission of the activity's record; never changed."""

    __tablename__ = "manuscript_dispatches"

    submission_id: Mapped[UUID] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    manuscript_id: Mapped[UUID] = mapped_column(index=True)
    version_no: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(
            ["manuscript_id", "version_no"], ["manuscript_versions.manuscript_id", "manuscript_versions.no"]
        ),
    )
